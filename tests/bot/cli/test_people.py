"""`paperround forget` and `export`: what they say, and what they do."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.forget import forget_subject, remove_app
from bot.cli.main import main
from bot.platforms.registry import find_settings_models
from bot.platforms.slack.tokens import BotTokens, seal_tokens
from bot.token_cipher import TokenCipher, create_key
from config.settings import Settings, build_settings_model
from digests.model import Mark, MarkSource, QueueOutcome
from digests.ports.marks import QueueScope
from digests.ports.people import Subject, SubjectKind
from digests.ports.workspaces import WorkspaceState
from digests.store import open_store
from digests.subscription import Channel
from tests.bot.cli.test_leave import services_over
from tests.builders import NOW, a_store, a_subscription, an_installation, save_subscription
from tests.fakes.slack_link import FakeSlackLink

KEY = create_key()
ADA = Subject(SubjectKind.PERSON, "slack", "T1", "U1")


def settings_with(**tables: object) -> Settings:
    return build_settings_model(find_settings_models()).model_validate({"version": 1, **tables})


def run_here(*arguments: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(folder)
    return main(arguments)


def test_nothing_is_erased_before_it_is_confirmed() -> None:
    store = a_store()
    save_subscription(store, replace(a_subscription(), channel=Channel("slack", "C1", "T1"), owner_id="U1"))
    lines = forget_subject(store, settings_with(), ADA, yes=False, now=NOW)
    assert lines == [
        "About the person slack:T1:U1 goes: 1 digest set up. Marks are deleted; elsewhere “somebody” takes "
        "the place of the name.",
        "Digests that the person set up go on, and nobody is told any more if one fails.",
        "Nothing was erased yet: --yes does it.",
    ]
    assert store.people.count_records(ADA) == {"digests set up": 1}
    assert "It is done." in forget_subject(store, settings_with(), ADA, yes=True, now=NOW)
    assert store.people.count_records(ADA) == {}
    again = forget_subject(store, settings_with(), ADA, yes=True, now=NOW)
    assert again[0] == "Nothing is kept about the person slack:T1:U1."
    assert "It is done." not in again


def test_an_erasure_of_nothing_asks_for_no_confirmation() -> None:
    lines = forget_subject(a_store(), settings_with(), ADA, yes=False, now=NOW)
    assert lines == [
        "Nothing is kept about the person slack:T1:U1.",
        "With --yes it is erased from backups too, when one is restored.",
    ]


def test_a_person_whom_the_settings_file_names_is_said_to_be_there() -> None:
    settings = settings_with(
        subscriptions=[{"platform": "slack", "channel": "C1", "workspace": "T1", "owner": "U1"}],
        operator={"deciders": ["slack:T1:U1"]},
    )
    for subject, where in (
        (ADA, "[[subscriptions]] owner and [operator] deciders"),
        (Subject(SubjectKind.CHANNEL, "slack", "T1", "C1"), "[[subscriptions]]"),
        (Subject(SubjectKind.WORKSPACE, "slack", "T1"), "[[subscriptions]]"),
    ):
        lines = forget_subject(a_store(), settings, subject, yes=True, now=NOW)
        assert f"The settings file still names it under {where}: take it out there." in lines
    stranger = replace(ADA, id="U2")
    assert not any(
        "settings file" in each for each in forget_subject(a_store(), settings, stranger, yes=True, now=NOW)
    )


def test_the_commands_run_over_the_store_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/paperround.db")
    store.paper_requests.add(
        "2402.01306", now=NOW - timedelta(days=1), platform="slack", workspace="T1", person="U1"
    )
    store.close()
    (tmp_path / "paperround.toml").write_text("version = 1\n")
    assert run_here("export", "person", "slack:T1:U1", folder=tmp_path, monkeypatch=monkeypatch) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["person"], record["requests"][0]["paper"]) == ("slack:T1:U1", "2402.01306")
    assert run_here("forget", "person", "slack:T1:U1", "--yes", folder=tmp_path, monkeypatch=monkeypatch) == 0
    assert "1 request" in capsys.readouterr().out
    assert (tmp_path / "paperround.db.tombstones").exists()
    assert run_here("forget", "person", "U1", folder=tmp_path, monkeypatch=monkeypatch) == 1
    assert "write it as PLATFORM:WORKSPACE:PERSON" in capsys.readouterr().err


def test_the_papers_of_a_channel_are_exported_without_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/paperround.db")
    now = datetime.now(UTC)
    for workspace, paper in (("T1", "2402.01306"), ("T2", "2402.01307")):
        channel = Channel("slack", f"C{workspace}", workspace)
        wanted = replace(a_subscription(), channel=channel)
        assert store.subscriptions.change(channel, wanted, by="", now=now)
        store.marks.set_mark(Mark(channel, "", paper, f"U{workspace}", MarkSource.BUTTON, now), True)
    store.queue_decisions.decide(
        "2402.01307", QueueScope("slack", "T2"), QueueOutcome.DISCUSSED, by="Eve", by_id="", now=now
    )
    store.close()
    (tmp_path / "paperround.toml").write_text("version = 1\n")

    def export(*words: str) -> str:
        status = run_here("export", *words, folder=tmp_path, monkeypatch=monkeypatch)
        captured = capsys.readouterr()
        assert status == 0, captured.err
        return captured.out

    (record,) = json.loads(export("queue", "slack:T1", "--as", "json"))
    assert (record["id"], record["marks"]) == ("2402.01306", 1)
    assert json.loads(export("queue", "slack:T2", "--as", "json")) == []
    assert "@misc{arxiv-2402.01307," in export("discussions", "slack:T2:CT2", "--as", "bib")
    marked = export("marks", "slack:T2", "--as", "md")
    assert "2402.01307" in marked
    assert not {"UT2", "Eve"} & set(marked.split())
    assert run_here("export", "queue", "slack:T9", folder=tmp_path, monkeypatch=monkeypatch) == 1
    assert "slack:T1, slack:T2" in capsys.readouterr().err


def run_forget(
    folder: Path, *, environment: Mapping[str, str] | None = None, is_denied: bool = False, **fields: bool
) -> tuple[list[str], bool, dict[str, int]]:
    """Erase a workspace that installed the app from its link.

    Returns the lines, True if Slack's token is valid afterwards, and the records that are left.
    """

    async def run() -> tuple[list[str], bool, dict[str, int]]:
        async with FakeSlackLink(clock=NOW.timestamp, **fields) as slack:  # type: ignore[arg-type]
            slack.add_team("T1")
            services = services_over(
                folder,
                Channel("slack", "C1", "T1"),
                platforms={"slack": {"api_base_url": slack.url, "public_url": "https://bot.example.org"}},
            )
            tokens = BotTokens(slack.issue_token("T1"))
            sealed = seal_tokens(TokenCipher((KEY,)), "T1", tokens)
            services.store.installations.save(an_installation("T1", tokens=sealed))
            if is_denied:
                services.store.workspaces.decide("slack", "T1", WorkspaceState.DENIED, now=NOW)
            secrets = {
                "SLACK_CLIENT_ID": slack.client_id,
                "SLACK_CLIENT_SECRET": slack.client_secret,
                "SLACK_SIGNING_SECRET": slack.signing_secret,
                "PAPERROUND_TOKEN_KEYS": KEY,
            }
            used = secrets if environment is None else environment
            lines = forget_subject(services.store, services.settings, LAB, yes=False, now=NOW)
            assert "The app is removed from it first." in lines
            assert services.store.people.count_records(LAB)
            lines = await remove_app(services, LAB, used)
            lines += forget_subject(services.store, services.settings, LAB, yes=True, now=NOW)
            is_valid = not slack.tokens[tokens.access].error
            return lines, is_valid, dict(services.store.people.count_records(LAB))

    return asyncio.run(run())


LAB = Subject(SubjectKind.WORKSPACE, "slack", "T1")


@pytest.mark.parametrize("is_denied", [False, True])
def test_a_workspace_that_installed_the_app_is_forgotten_after_the_app_was_removed_there(
    tmp_path: Path, is_denied: bool
) -> None:
    lines, is_valid, left = run_forget(tmp_path, is_denied=is_denied)
    assert lines[0] == "✓ workspace T1: Paperround has left it, and its token is deleted."
    assert "It is done." in lines
    assert (is_valid, left) == (False, {})


def test_a_workspace_is_forgotten_and_a_person_told_what_to_do_if_the_app_cannot_be_removed(
    tmp_path: Path,
) -> None:
    lines, is_valid, left = run_forget(tmp_path, environment={})
    assert "An admin removes the app there" in lines[0]
    assert (is_valid, left) == (True, {})


def test_nothing_is_removed_for_a_person_or_for_a_workspace_without_an_installation(tmp_path: Path) -> None:
    services = services_over(tmp_path)
    for subject in (ADA, LAB):
        assert asyncio.run(remove_app(services, subject, {})) == []
