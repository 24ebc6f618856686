"""`paperround token`: tokens are shown once, listed without their secrets, and revoked."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from bot.cli.main import main
from bot.cli.token import create_token, list_tokens, revoke_token
from bot.platforms.registry import find_settings_models
from bot.services import Services, build_services
from config.settings import build_settings_model
from digests.errors import InputError
from digests.ports.access_tokens import TokenUse
from digests.subscription import Channel, Subscription
from tests.builders import NOW


@pytest.fixture
def services(tmp_path: Path) -> Services:
    url = f"sqlite:///{tmp_path / 'p.db'}"
    settings = build_settings_model(find_settings_models()).model_validate(
        {"version": 1, "store": {"url": url}}
    )
    return build_services(settings, Console(), clock=lambda: NOW)


def test_a_new_token_is_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "paperround.toml"
    settings.write_text(f'[store]\nurl = "sqlite:///{tmp_path / "p.db"}"\n')
    command = ["--config", str(settings), "token"]
    assert main([*command, "list"]) == 0
    assert capsys.readouterr().out.startswith("There is no token yet")
    assert main([*command, "create", "mcp", "slack:T1", "--label", "laptop of the lab"]) == 0
    text = capsys.readouterr().out.split("\n")[0]
    assert text.startswith("paperround_mcp_1_")
    assert main([*command, "list"]) == 0
    listed = capsys.readouterr().out
    assert "slack:T1  laptop of the lab  made " in listed
    assert "last used never" in listed
    assert main([*command, "revoke", "1"]) == 0
    assert main([*command, "list", "--json"]) == 0
    shown = capsys.readouterr().out
    (record,) = json.loads(shown.partition("\n")[2])
    assert (record["use"], record["scope"], record["is_valid"]) == ("mcp", "slack:T1", False)
    assert text[20:] not in listed + shown


def test_a_token_is_for_one_workspace_or_for_the_page(services: Services) -> None:
    assert "look-ups for discord:1:2" in create_token("mcp", "discord:1:2", "", services, now=NOW)[1]
    assert "all workspaces" in create_token("web", "", "", services, now=NOW)[1]
    for use, workspace in (
        ("mcp", ""), ("mcp", "T1"), ("mcp", "slack:"), ("mcp", "teams:T1"), ("web", "slack:T1"),
        ("mcp", "slack:T1:C1:x"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=r"names no workspace|token create"):
            create_token(use, workspace, "", services, now=NOW)
    assert len(services.store.access_tokens.list_all()) == 2


def test_a_token_for_a_workspace_that_nobody_knows_says_so(services: Services) -> None:
    services.store.subscriptions.change(
        Channel("slack", "C1", "T1"), Subscription(Channel("slack", "C1", "T1")), by="Ada", now=NOW
    )
    assert len(create_token("mcp", "slack:T1", "", services, now=NOW)) == 3
    assert len(create_token("web", "", "", services, now=NOW)) == 3
    *_, line = create_token("mcp", "slack:T2:C1", "", services, now=NOW)
    assert line == "No workspace slack:T2 is known yet: “paperround workspaces” lists the ids."


def test_a_label_cannot_forge_a_line(services: Services) -> None:
    create_token("web", "", "x\n  9  web  all\u202e" + "y" * 500, services, now=NOW)
    (line,) = list_tokens(services.store)
    assert "\n" not in line
    assert "\u202e" not in line
    assert len(line) < 200


def test_a_token_is_revoked_twice_and_an_unknown_one_never(services: Services) -> None:
    store = services.store
    text = create_token("web", "", "", services, now=NOW)[0]
    assert "is revoked" in revoke_token(1, store, now=NOW)
    assert store.access_tokens.authenticate(text, TokenUse.WEB, now=NOW) is None
    assert "was revoked before, on 2026-11-24" in revoke_token(1, store, now=NOW.replace(hour=23))
    with pytest.raises(InputError, match="no token 7"):
        revoke_token(7, store, now=NOW)


def test_a_token_in_place_of_its_number_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["token", "revoke", "paperround_mcp_1_verysecret"])
    assert "verysecret" not in capsys.readouterr().err
