"""The last defence: logs and failures lose known secrets, and what may be one in an address."""

import base64
import logging
import os
from collections.abc import Iterator

import pytest

from bot.cli import main as main_module
from bot.cli import redaction
from bot.cli.redaction import hide_known_secrets, hide_secrets, remember_environment, remember_settings
from bot.cli.safe_text import SafeFormatter
from bot.platforms.registry import find_platforms, find_settings_models
from config.settings import build_settings_model

SECRET = "xoxb-1/hunter+2"


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    before = set(redaction._known)
    redaction._known.clear()
    yield
    redaction._known.clear()
    redaction._known.update(before)


@pytest.mark.parametrize(
    "variable",
    [
        "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "DISCORD_TOKEN", "PGPASSWORD",
        "PAPERROUND_REVIEWER_KEY", "SLACK_CLIENT_SECRET",
    ],
)  # fmt: skip
def test_a_secret_of_the_environment_is_removed_in_every_form(variable: str) -> None:
    remember_environment({variable: f" {SECRET}\n", "PATH": "/usr/bin:/bin"})
    encoded = base64.b64encode(SECRET.encode()).decode()
    assert hide_secrets(f"a {SECRET} b xoxb-1%2Fhunter%2B2 c {encoded} d /usr/bin:/bin") == (
        f"a (secret) b (secret) c (secret){'=' * encoded.count('=')} d /usr/bin:/bin"
    )


def test_every_required_secret_of_a_platform_is_known() -> None:
    for spec in find_platforms().values():
        assert all(name in spec.required_secrets for name in spec.secret_variables)
        assert bool(spec.main_secret) == bool(spec.secret_variables)


@pytest.mark.parametrize(
    "token",
    ["xoxb-1-22222222222222", "xoxe.xoxb-1-Mi0yLTEyMzQ1", "xoxe-1-My0xLTEyMzQ1Njc4", "xapp-1-A1-33333333-x"],
)
def test_a_token_that_is_in_no_variable_is_removed_wherever_it_stands(token: str) -> None:
    assert hide_secrets(f"a {token} b, “{token}”; {token}") == "a (secret) b, “(secret)”; (secret)"


def test_a_beginning_of_tokens_in_a_sentence_stays() -> None:
    sentence = "The token begins with xoxb- and the other with xapp-, as in xoxb-short."
    assert hide_secrets(sentence) == sentence


def test_each_key_of_a_list_is_removed() -> None:
    remember_environment({"PAPERROUND_TOKEN_KEYS": "first-key-1234,second-key-5678"})
    assert hide_secrets("a first-key-1234 b second-key-5678") == "a (secret) b (secret)"


def test_short_values_are_left_because_they_stand_in_ordinary_words() -> None:
    remember_environment({"PGPASSWORD": "digest", "DISCORD_TOKEN": ""})
    assert hide_secrets("the digest") == "the digest"


def test_a_variable_of_odd_bytes_stops_no_command() -> None:
    remember_environment({"PGPASSWORD": os.fsdecode(b"passw\xffrd-1")})
    assert hide_secrets("passw%FFrd-1 " + os.fsdecode(b"passw\xffrd-1")) == "(secret) (secret)"


def test_secrets_in_addresses_of_the_settings_are_known_without_their_address() -> None:
    model = build_settings_model(find_settings_models())
    settings = model.model_validate(
        {
            "fetching": {"proxy": "http://user:p%40ssw0rd-1@proxy:3128"},
            "sources": [
                {"kind": "reviews", "url": "https://host/x?access_token=tokentoken&format=jsonlines"}
            ],
        }
    )
    remember_settings(settings)
    shown = hide_known_secrets("p%40ssw0rd-1 p@ssw0rd-1 tokentoken jsonlines user:p@ssw0rd-1")
    assert shown == "(secret) (secret) (secret) jsonlines (secret)"
    basic = base64.b64encode(b"user:p@ssw0rd-1").decode().rstrip("=")
    assert hide_known_secrets(f"Basic {basic}") == "Basic (secret)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://host:8080/a?token=x \"HTTP/1.1 200\"", "GET https://host:8080/a \"HTTP/1.1 200\""),
        ("(URL('http://u:p@h/a'), 'http://v:q@h')", "(URL('http://h/a'), 'http://h')"),
        ("http://token@h/", "http://h/"),
        ("http://u:p/q@h/", "http://…"),
        ("ws://[::1]:80/?ticket=x", "ws://[::1]:80/"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg://USER@HOST/DATABASE.", "postgresql+psycopg://USER@HOST/DATABASE."),
        ("sqlite:///paperround.db, sqlite:////tmp/a.db", "sqlite:///paperround.db, sqlite:////tmp/a.db"),
        ("https://arxiv.org/abs/2401.1v2: what? a@b #1", "https://arxiv.org/abs/2401.1v2: what? a@b #1"),
        ("://", "://"),
        ("a://b://c?d", "a://b://c"),
        ("", ""),
    ],
)  # fmt: skip
def test_addresses_lose_what_may_be_secret(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown


def test_a_log_record_and_its_traceback_lose_secrets() -> None:
    remember_environment({"DISCORD_TOKEN": SECRET})
    try:
        raise ValueError(f"http://u:{SECRET}@h/ {SECRET}")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "%s", (SECRET,), (ValueError, error, None))
    shown = SafeFormatter().format(record)
    assert SECRET not in shown
    assert "ValueError: http://h/ (secret)" in shown


@pytest.mark.parametrize("is_debugging", [False, True])
def test_an_unforeseen_fault_is_reported_without_secrets(
    is_debugging: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str) -> None:
        raise RuntimeError(f"{SECRET} at https://h/?token=tokentoken")

    monkeypatch.setenv("PAPERROUND_REVIEWER_KEY", SECRET)
    monkeypatch.setattr(main_module, "import_module", fail)
    if is_debugging:
        monkeypatch.setenv("PAPERROUND_DEBUG", "1")
    assert main_module.main(["schema"]) == 1
    shown = capsys.readouterr().err
    assert "RuntimeError: (secret) at https://h/" in shown
    assert ("Traceback" in shown) is is_debugging
    assert SECRET not in shown
    assert "tokentoken" not in shown


def test_a_wrong_command_line_is_reported_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main_module.main(
            ["db", "copy", "sqlite:///a", "sqlite:///b", "postgresql+psycopg://u:tokentoken@h/d"]
        )
    assert "tokentoken" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://hooks.slack.com/commands/T1/2/planted", "https://hooks.slack.com/…"),
        (
            "https://discord.com/api/v10/webhooks/1/planted/messages/@original",
            "https://discord.com/api/v10/webhooks/…",
        ),
        (
            "https://discord.com/api/v10/interactions/1/planted/callback?x",
            "https://discord.com/api/v10/interactions/…",
        ),
        ("https://user:planted@hooks.slack.com/a", "https://hooks.slack.com/…"),
    ],
)
def test_addresses_that_answer_a_request_end_before_their_token(address: str, shown: str) -> None:
    assert hide_secrets(f"0, message='', url='{address}'") == f"0, message='', url='{shown}'"
