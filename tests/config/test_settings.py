"""The settings file: each refusal is one sentence with the key and the fix."""

import re
import tomllib
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import ValidationError

from bot.platforms.registry import find_settings_models
from config.load import load_settings
from config.problems import SettingsError
from config.secrets import SECRET_KEY_PATTERN
from config.settings import Settings, SettingsTable, build_settings_model
from tests.config.settings_page import list_tables, render_settings_page

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config" / "example.toml"

SettingsModel = build_settings_model(find_settings_models())
"""The whole file's model, as the product builds it."""


def load(path: Path | None, environment: Mapping[str, str] = MappingProxyType({})) -> Settings:
    return load_settings(path, environment, find_settings_models())


def a_file(directory: Path, toml: str | bytes, name: str = "paperround.toml") -> Path:
    file = directory / name
    file.write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    return file


def load_toml(directory: Path, toml: str | bytes) -> Settings:
    return load(a_file(directory, toml))


def list_problems(directory: Path, toml: str | bytes) -> str:
    """Return the sentences about a file, without the file's name."""
    file = a_file(directory, toml)
    with pytest.raises(SettingsError) as caught:
        load(file)
    problem = str(caught.value)
    assert str(file) in problem
    assert not re.search(r"Traceback|Error\b|pydantic|validation|Value error|Input should", problem)
    return problem.replace(f"{file}: ", "")


def a_subscription(more: str = "", channel: str = "C1") -> str:
    return f'[[subscriptions]]\nplatform = "slack"\nchannel = "{channel}"\n{more}\n'


def list_keys(document: dict[str, Any], name: str = "") -> set[str]:
    """Return the dotted names of all keys of a document, tables included."""
    found = set()
    for key, value in document.items():
        dotted = f"{name}.{key}".strip(".")
        found.add(dotted)
        for inner in value if isinstance(value, list) else [value]:
            found |= list_keys(inner, dotted) if isinstance(inner, dict) else set()
    return found


def uncomment(text: str) -> str:
    return re.sub(r"(?m)^#(?=\S)", "", text)


# The example.


def test_the_example_states_the_defaults() -> None:
    document = {"subscriptions": [{"platform": "console", "channel": "papers"}]}
    assert load(EXAMPLE).model_dump() == SettingsModel.model_validate(document).model_dump()


def test_the_example_names_every_documented_key_and_no_other() -> None:
    tables = list_tables(SettingsModel)
    documented = {f"{table.name}.{key}".strip(".") for table in tables for key in table.documented_fields}
    documented |= {table.name for table in tables if table.name}
    text = EXAMPLE.read_text(encoding="utf-8")
    shown_in_comments = {
        key
        for key in documented
        if key.split(".")[0] == "sources"
        or key.startswith(("reviewer.panel", "discussion.groups"))
        or key == "subscriptions.min_score"
    }
    assert list_keys(tomllib.loads(text)) == documented - shown_in_comments
    server_fields = "reviewer.extra."  # Any field that a server takes.
    named = list_keys(tomllib.loads(uncomment(text)))
    assert {key for key in named if not key.startswith(server_fields)} == documented


def test_the_settings_page_names_every_documented_key_with_its_default() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == render_settings_page(SettingsModel), "renew it: python -m tests.config.settings_page"


def test_the_examples_in_comments_load(tmp_path: Path) -> None:
    loaded = load_toml(tmp_path, uncomment(EXAMPLE.read_text()))
    assert [each.platform for each in loaded.subscriptions] == ["console", "slack", "discord"]
    assert [each.min_score for each in loaded.subscriptions] == [7.0, 7.0, None]
    assert loaded.subscriptions[1].time_zone == "Europe/Berlin"
    assert [each.kind for each in loaded.sources] == ["arxiv", "huggingface", "reviews", "snapshot"]
    assert [(each.model, each.share) for each in loaded.reviewer.panel] == [("gemma-3-27b-it", 0.5)]


def a_source(*lines: str) -> str:
    return "\n".join(("[[sources]]", *lines, ""))


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (
            a_source('kind = "arxiv"', 'categories = ["cs.LG"]', 'path = "x"'),
            'sources has path in number 1, and a source of kind "arxiv" has no use for it; its keys are '
            "categories, oai_url, query_url, rss_url",
        ),
        (a_source('kind = "arxiv"'), 'sources needs categories in number 1, a source of kind "arxiv"'),
        (
            a_source('kind = "reviews"', 'path = "x"', 'url = "https://h/x"'),
            'sources needs either path or url in number 1, a source of kind "reviews"',
        ),
        (a_source('kind = "snapshot"'), 'sources needs path in number 1, a source of kind "snapshot"'),
        (
            a_source('kind = "huggingface"') * 2,
            'sources has two sources called "huggingface", number 1 and number 2; give each a name = ... of '
            "its own",
        ),
        (
            a_source('kind = "arxive"'),
            'sources, number 1: kind is "arxive"; write "arxiv", "huggingface", "reviews" or "snapshot"',
        ),
        (
            a_source('kind = "reviews"', 'url = "ftp://h/x"'),
            'sources, number 1: url is "ftp://h/x"; write an address such as "https://host/papers.jsonl"',
        ),
        (
            a_source('kind = "arxiv"', 'category = ["cs.LG"]'),
            "sources, number 1: category is no key that Paperround knows; did you mean categories?",
        ),
        (
            "[sources]\nkind = 1",
            "sources is a table; write [[sources]], in two pairs of brackets, above each one",
        ),
    ],
)
def test_a_wrong_source_is_one_sentence(tmp_path: Path, toml: str, problem: str) -> None:
    assert list_problems(tmp_path, toml) == problem


def test_every_key_is_described_and_none_looks_like_a_secret() -> None:
    for table in list_tables(SettingsModel):
        assert table.model.__doc__, table.name
        for key, field in table.model.model_fields.items():
            assert field.description, f"{table.name}.{key}"
            assert not SECRET_KEY_PATTERN.search(key)


def test_no_former_key_is_a_key_or_looks_like_a_secret_and_its_new_name_exists() -> None:
    for table in list_tables(SettingsModel):
        assert issubclass(table.model, SettingsTable)
        for key, sentence in table.model.former_keys.items():
            assert key not in table.model.model_fields
            assert not SECRET_KEY_PATTERN.search(key)
            if "rename it to" in sentence:
                assert sentence.rsplit(" ", 1)[1] in table.model.model_fields


def test_the_changes_name_every_former_key() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    named_keys = set(re.findall(r"[ `](\w+)`", changes))
    former_keys = {
        key
        for table in list_tables(SettingsModel)
        if issubclass(table.model, SettingsTable)
        for key in table.model.former_keys
    }
    assert former_keys <= named_keys


# Choice of the file.


def test_without_a_file_there_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        load(None).model_dump()
        == load(None, {"PAPERROUND_CONFIG": ""}).model_dump()
        == SettingsModel().model_dump()
    )


def test_the_argument_precedes_the_variable_which_precedes_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    a_file(tmp_path, "[digest]\nmax_age_days = 1")
    named = {"PAPERROUND_CONFIG": str(a_file(tmp_path, "[digest]\nmax_age_days = 2", "two.toml"))}
    given = a_file(tmp_path, "[digest]\nmax_age_days = 3", "three.toml")
    assert load(None, {}).digest.max_age_days == 1
    assert load(None, named).digest.max_age_days == 2
    assert load(given, named).digest.max_age_days == 3


def test_a_named_file_that_is_missing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a_file(tmp_path, "")
    with pytest.raises(SettingsError, match=r"^settings file gone\.toml does not exist; check the path"):
        load(None, {"PAPERROUND_CONFIG": "gone.toml"})
    with pytest.raises(SettingsError, match=r"^settings file lost\.toml does not exist; check the path"):
        load(Path("lost.toml"), {})


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"is a directory; name the TOML file in it$"):
        load(tmp_path, {})


@pytest.mark.parametrize("name", ["paperround.toml/inner", "a\0b", "n" * 5000])
def test_a_file_that_cannot_be_opened_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    a_file(tmp_path, "")
    with pytest.raises(SettingsError, match=r"cannot be read \(.+\); check the path and who may read it$"):
        load(tmp_path / name, {})


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    assert load_toml(tmp_path, b"\xef\xbb\xbfversion = 1\r\n").model_dump() == SettingsModel().model_dump()


@pytest.mark.parametrize("written", ["é".encode("latin-1"), "version = 1".encode("utf-16")])
def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path, written: bytes) -> None:
    assert list_problems(tmp_path, written).endswith("is not UTF-8 text; save it as UTF-8")


def test_broken_toml_is_shown_with_line_and_column(tmp_path: Path) -> None:
    assert list_problems(tmp_path, "version = 1\n[digest]\nmax_age_days = = 3").endswith(
        "is not valid TOML: Invalid value (at line 3, column 16); correct it there"
    )


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 20_000])
def test_a_value_too_large_to_read_is_refused(tmp_path: Path, value: str) -> None:
    assert "holds a value too large to read; compare" in list_problems(tmp_path, f"version = {value}")


def test_tables_nested_a_thousand_deep_are_one_unknown_key(tmp_path: Path) -> None:
    assert list_problems(tmp_path, f"[{'.'.join('a' * 1000)}]").startswith(
        "a is no key that Paperround knows"
    )


# Contents.


def test_a_subscription_is_read(tmp_path: Path) -> None:
    schedule = 'at = "18:05"\ndays = ["sun", "mon"]\ntime_zone = "Asia/Kolkata"\n'
    preferences = 'keywords = [" graphs "]\nmin_score = 7'
    (read,) = load_toml(tmp_path, a_subscription(schedule + preferences)).subscriptions
    assert (read.at, read.days, read.time_zone) == (time(18, 5), ("sun", "mon"), "Asia/Kolkata")
    assert (read.keywords, read.min_score, read.workspace) == (("graphs",), 7.0, "")


def test_a_time_may_be_a_toml_time(tmp_path: Path) -> None:
    assert load_toml(tmp_path, a_subscription("at = 18:05:00")).subscriptions[0].at == time(18, 5)


def test_postgresql_is_a_store(tmp_path: Path) -> None:
    url = "postgresql+psycopg://me@host:5433/papers?sslmode=require"
    assert load_toml(tmp_path, f'[store]\nurl = "{url}"').store.url == url


def test_settings_do_not_change_once_read() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.digest.max_age_days = 5  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.version = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (
            "[digest]\nmax_age_day = 3",
            "digest.max_age_day is no key that Paperround knows; did you mean max_age_days?",
        ),
        (
            "[digest]\nmax_age = 3",
            "digest.max_age is no key that Paperround knows; did you mean max_age_days?",
        ),
        ("[delivry]", "delivry is no key that Paperround knows; did you mean delivery?"),
        (
            '[search]\nqqq = ""',
            "search.qqq is no key that Paperround knows; remove it, or use one of directory, glossary",
        ),
        (
            "[platforms.teams]",
            "platforms.teams is no key that Paperround knows; remove it, or use one of console, discord, "
            "slack",
        ),
        (
            '[platforms.discord]\ncommand_server_ids = ["lab"]',
            'platforms.discord.command_server_ids, number 1 is "lab"; write the id in quotes, such as '
            '"81384788765712384"',
        ),
        (
            '[platforms.discord]\nmark_emoji = "bookmark"',
            'platforms.discord.mark_emoji is "bookmark"; write the emoji itself, such as "🔖", '
            'or one of your server as "<:name:id>"',
        ),
        (
            '[platforms.discord]\ngateway_url = "https://x"',
            'platforms.discord.gateway_url is "https://x"; write an address such as '
            '"wss://gateway.discord.gg/"',
        ),
        (
            '[platforms.slack]\napi_base_url = "ftp://x"',
            'platforms.slack.api_base_url is "ftp://x"; write an address such as "https://slack.com/api/"',
        ),
        (
            '[platforms.slack]\ndigest_command = "Digest"',
            'platforms.slack.digest_command is "Digest"; write a slash and up to '
            '31 small letters, digits, - or _, such as "/paper"',
        ),
        (
            '[platforms.slack]\nmark_emoji = "🔖"',
            'platforms.slack.mark_emoji is "🔖"; write the emoji\'s name without colons, such as "bookmark"',
        ),
        (
            '"a\\nb" = 1',
            r'"a\nb" is no key that Paperround knows; remove it, or use one of version, store, search, '
            "digest, delivery, discussion, operator, monitoring, web, privacy, fetching, sources, reviewer, "
            "platforms, subscriptions",
        ),
        (
            '[discussion]\nqueue = "everyone"',
            'discussion.queue is "everyone", which no longer exists, since a workspace sees only its own '
            'papers; write "workspace" or "channel"',
        ),
        ('[discussion]\nqueue = "all"', 'discussion.queue is "all"; write "workspace" or "channel"'),
        (
            '[operator]\ndeciders = ["slack:T1:U1", "U2"]',
            'operator.deciders has "U2"; write each person as platform:workspace:person, by their '
            "ids: who types /digest held is told the right one",
        ),
        (
            '[operator]\ndeciders = ["slack::U1"]',
            'operator.deciders has "slack::U1"; write each person as platform:workspace:person, by their '
            "ids: who types /digest held is told the right one",
        ),
        (
            '[operator]\ndeciders = "slack:T1:U1"',
            'operator.deciders is "slack:T1:U1"; write a list in brackets, such as ["one", "two"]',
        ),
        ("store = 3", "store is 3; write a table, which begins with [store]"),
        (
            "platforms.console = true",
            "platforms.console is true; write a table, which begins with [platforms.console]",
        ),
        (
            "[subscriptions]",
            "subscriptions is a table; write [[subscriptions]], in two pairs of brackets, above each one",
        ),
        (
            "subscriptions = [3]",
            "subscriptions, number 1 is 3; write a table, which begins with [[subscriptions]]",
        ),
        ("[store]\nurl = 3", "store.url is 3; write it as text in quotes"),
        ("[digest]\nmax_age_days = 3651", "digest.max_age_days is 3651; write 3650 or less"),
        ("[digest]\nmax_age_days = -1", "digest.max_age_days is -1; write 0 or more"),
        ("[digest]\nmax_age_days = 2.0", "digest.max_age_days is 2.0; write a whole number without quotes"),
        (f"[digest]\nmax_age_days = {'9' * 90}", "digest.max_age_days is a huge number; write 3650 or less"),
        ("[digest]\nstale_after_days = 366", "digest.stale_after_days is 366; write 365 or less"),
        ("[digest]\npick_flagged = 1", "digest.pick_flagged is 1; write true or false, without quotes"),
        ("[digest]\ndomain_share = 0", "digest.domain_share is 0; write 0.1 or more"),
        ("[digest]\ndomain_share = nan", "digest.domain_share is nan; write a number such as 0.5"),
        ('[delivery]\non_unknown = "drop"', 'delivery.on_unknown is "drop"; write "skip" or "resend"'),
        (
            "[delivery]\nrefresh_days = true",
            "delivery.refresh_days is true; write a whole number without quotes",
        ),
        (
            "[delivery]\nlease_seconds = 300",
            "delivery.lease_seconds is no longer a setting; remove it (Paperround uses 300 seconds)",
        ),
        (
            "[platforms.slack]\nmessages_per_second = 9",
            "platforms.slack.messages_per_second is no longer a setting; remove it (Paperround uses "
            "5 for each workspace)",
        ),
        (
            "[reviewer]\ntokens_a_day = 9",
            "reviewer.tokens_a_day has another name now; rename it to tokens_per_day",
        ),
        ("version = true", "version is true; write a whole number without quotes"),
        ("version = 0", "version is 0; write 1 or more"),
    ],
)
def test_a_wrong_value_is_one_sentence_with_its_key_and_the_fix(
    tmp_path: Path, toml: str, problem: str
) -> None:
    assert list_problems(tmp_path, toml) == problem


def test_the_name_of_a_channel_is_refused_where_an_id_is_asked_for(tmp_path: Path) -> None:
    assert list_problems(tmp_path, a_subscription(channel="#papers")) == (
        'subscriptions, number 1: channel is "#papers", a name; write the channel\'s id, such as "C0456", '
        "which the platform shows in the channel's details"
    )


@pytest.mark.parametrize(
    ("key", "table"),
    [("min_score", "[[subscriptions]]"), ("max_age_days", "[digest]"), ("contact", "[fetching]")],
)
def test_a_key_outside_of_its_table_is_told_where_it_belongs(tmp_path: Path, key: str, table: str) -> None:
    assert list_problems(tmp_path, f"{key} = 7") == f"{key} belongs under {table}; move it there"


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ('top = "5"', 'top is "5"; write a whole number without quotes'),
        ("top = 0", "top is 0; write 1 or more"),
        ("top = 51", "top is 51; write 50 or less"),
        ("min_score = nan", "min_score is nan; write a number such as 0.5"),
        ("min_score = inf", "min_score is inf; write a number such as 0.5"),
        ("min_score = true", "min_score is true; write a number without quotes"),
        ('min_score = "7"', 'min_score is "7"; write a number without quotes'),
        ("min_score = 10.5", "min_score is 10.5; write 10 or less"),
        ("min_score = -1", "min_score is -1; write 0 or more"),
        ('at = "9:00"', 'at is "9:00"; write it like "09:00", from "00:00" to "23:59"'),
        ('at = "24:00"', 'at is "24:00"; write it like "09:00", from "00:00" to "23:59"'),
        ('at = "09:00\\n"', r'at is "09:00\n"; write it like "09:00", from "00:00" to "23:59"'),
        ("at = 9", 'at is 9; write it like "09:00", from "00:00" to "23:59"'),
        ("at = 09:00:30", 'at is 09:00:30; write it like "09:00", from "00:00" to "23:59"'),
        ('days = "daily"', 'days is "daily"; write a list in brackets, such as ["mon", "fri"]'),
        ("days = []", 'days is empty; write at least one day, such as ["mon"], or remove the subscription'),
        ('days = ["mon", "mon"]', 'days names "mon" twice; write each day once'),
        (
            'days = ["mon", "Tuesday"]',
            'days, number 2 is "Tuesday"; write "mon", "tue", "wed", "thu", "fri", "sat" or "sun"',
        ),
        (
            'time_zone = "Europe/Berln"',
            'time_zone is "Europe/Berln", which is no time zone; did you mean "Europe/Berlin"?',
        ),
        (
            'time_zone = "new york"',
            'time_zone is "new york", which is no time zone; did you mean "America/New_York"?',
        ),
        (
            'time_zone = "CEST"',
            'time_zone is "CEST", which is no time zone; did you mean "Europe/Berlin"?',
        ),
        ("time_zone = 1", "time_zone is 1; write it as text in quotes"),
        ('keywords = "llm"', 'keywords is "llm"; write a list in brackets, such as ["one", "two"]'),
        (
            'keywords = ["llm", ""]',
            'keywords, number 2 is ""; write at least one character between the quotes, or remove it',
        ),
        (
            'muted = [" "]',
            'muted, number 1 is " "; write at least one character between the quotes, or remove it',
        ),
        (f'domains = ["{"x" * 101}"]', f'domains, number 1 is "{"x" * 60}…"; write 100 characters or fewer'),
        ("domains = [1]", "domains, number 1 is 1; write it as text in quotes"),
        ('style = "card"', 'style is "card"; write "cards", "compact" or "thread"'),
        (
            'time_zone = "PST"',
            'time_zone is "PST", which is no time zone; did you mean "America/Los_Angeles"?',
        ),
        (
            'time_zone = "GMT+2"',
            'time_zone is "GMT+2", which is no time zone; an offset knows no summer time, '
            'so write a place such as "Europe/Berlin"',
        ),
        ('timezone = "UTC"', "timezone is no key that Paperround knows; did you mean time_zone?"),
        ("keyword = []", "keyword is no key that Paperround knows; did you mean keywords?"),
    ],
)
def test_a_wrong_subscription_is_one_sentence_with_its_number_and_the_fix(
    tmp_path: Path, written: str, problem: str
) -> None:
    toml = a_subscription(channel="C0") + a_subscription(written)
    assert list_problems(tmp_path, toml) == f"subscriptions, number 2: {problem}"


@pytest.mark.parametrize(
    "zone",
    [
        "",
        ".",
        "..",
        "../etc/passwd",
        "/etc/localtime",
        "Europe",
        "Europe//Berlin",
        "zone.tab",
        "posix/UTC",
        "right/UTC",
        "localtime",
        r"a\u0000b",
        "z" * 5000,
        "Ü",
        "GMT+2",
    ],
)
def test_a_file_name_is_no_time_zone(tmp_path: Path, zone: str) -> None:
    problem = list_problems(tmp_path, a_subscription(f'time_zone = "{zone}"'))
    assert problem.startswith("subscriptions, number 1: time_zone is ")
    assert ", which is no time zone; " in problem
    assert len(problem.splitlines()) == 1
    assert len(problem) < 250


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('platform = "slack"', "channel is missing; add channel = ... to it, as example.toml shows"),
        ('channel = "C1"', "platform is missing; add platform = ... to it, as example.toml shows"),
        (
            'platform = "slack"\nchannel = ""',
            'channel is ""; write at least one character between the quotes, or remove it',
        ),
        ('platform = "teams"\nchannel = "C1"', 'platform is "teams"; write "console", "discord" or "slack"'),
    ],
)
def test_a_subscription_needs_a_platform_and_a_channel(tmp_path: Path, toml: str, problem: str) -> None:
    assert list_problems(tmp_path, f"[[subscriptions]]\n{toml}") == f"subscriptions, number 1: {problem}"


def test_a_channel_has_one_subscription(tmp_path: Path) -> None:
    toml = a_subscription() + a_subscription('workspace = "T2"') + a_subscription('workspace = " "')
    assert list_problems(tmp_path, toml) == (
        'subscriptions has the slack channel "C1" twice, as number 1 and number 3; '
        "give one of the two digests another `name`, or remove it"
    )


def test_each_problem_has_its_own_line(tmp_path: Path) -> None:
    problem = list_problems(tmp_path, "[digest]\nmax_age_days = -1\npick = 2\n" + a_subscription("top = 0"))
    assert [line.split(" is ")[0] for line in problem.splitlines()] == [
        "digest.max_age_days",
        "digest.pick",
        "subscriptions, number 1: top",
    ]


def test_an_unknown_store_is_refused_without_its_password(tmp_path: Path) -> None:
    assert list_problems(tmp_path, '[store]\nurl = "mysql://me:hunter2@host/papers"') == (
        "store.url does not begin with sqlite:/// or postgresql+psycopg://; "
        'write one of the two, such as "sqlite:///paperround.db"'
    )


@pytest.mark.parametrize(
    "address", ["me:hunter2@host/papers", "me:hun/ter2@host/papers", "host/papers?password=hunter2"]
)
def test_a_password_in_the_store_url_is_refused_and_not_shown(tmp_path: Path, address: str) -> None:
    assert list_problems(tmp_path, f'[store]\nurl = "postgresql+psycopg://{address}"') == (
        "store.url carries a password; secrets are read from the environment only, so take it out and set "
        "PGPASSWORD"
    )


def test_a_newer_file_asks_for_a_newer_paperround(tmp_path: Path) -> None:
    problem = list_problems(tmp_path, "version = 2\nnews = true")
    assert (
        "is written for a newer Paperround (settings version 2; this one knows 1): upgrade Paperround, or"
        in problem
    )


@pytest.mark.parametrize(
    ("toml", "key"),
    [
        ('[secrets]\nslack = "xoxb-1"', "secrets"),
        ('[platforms.slack]\nbot_token = "xoxb-1"', "platforms.slack.bot_token"),
        ('[store]\npassword = "xoxb-1"', "store.password"),
        ('openai_api_key = "xoxb-1"', "openai_api_key"),
        ('key = "xoxb-1"', "key"),
        (a_subscription('signingSecret = "xoxb-1"'), "subscriptions, number 1: signingSecret"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(tmp_path: Path, toml: str, key: str) -> None:
    assert list_problems(tmp_path, toml) == (
        f"secrets are read from the environment only: remove {key} and set an environment variable"
    )


SECRET = "hunter2hunter2"

SECRET_SETTINGS = f"""
[fetching]
proxy = "http://user:{SECRET}@proxy.example:3128"
[platforms.slack]
proxy = "http://user:{SECRET}@proxy.example:3128"
[reviewer]
base_url = "https://host/v1?key={SECRET}"
model = "m"
extra = {{ user = "{SECRET}" }}
[[sources]]
kind = "reviews"
url = "https://host/papers.jsonl?token={SECRET}"
[[sources]]
kind = "arxiv"
categories = ["cs.CL"]
oai_url = "https://host/oai?token={SECRET}"
query_url = "https://host/query?token={SECRET}"
"""


def test_no_address_with_a_secret_is_shown_by_the_settings_but_every_part_can_use_it(tmp_path: Path) -> None:
    loaded = load_toml(tmp_path, SECRET_SETTINGS)
    tables = [loaded, loaded.fetching, loaded.reviewer, *loaded.sources]
    for shown in [text for table in tables for text in (repr(table), str(table), f"{table!r:.0}")]:
        assert SECRET not in shown
    assert "cs.CL" in repr(loaded)
    assert "(hidden)" in repr(loaded.fetching)
    assert SECRET in loaded.fetching.proxy
    assert SECRET in loaded.sources[0].url


@pytest.mark.parametrize(
    "toml",
    [
        f'[fetching]\nproxy = "socks5://user:{SECRET}@proxy:1080"',
        f'[fetching]\nproxy = "user:{SECRET}@proxy:1080"',
        f'[fetching]\nproxy = "http://user:{SECRET}@proxy:port"',
        f'[fetching]\nproxy = "http://user:{SECRET}/x@proxy:8080"',
        f'[platforms.slack]\nproxy = "{SECRET}"',
        f'[platforms.slack]\napi_base_url = "https://user:{SECRET}@host/api/"',
        f'[platforms.slack]\napi_base_url = "https://host/api?token={SECRET}"',
        f'[platforms.discord]\ngateway_url = "wss://host/?token={SECRET}"',
        f'[reviewer]\nmodel = "m"\nbase_url = "https://user:{SECRET}@host/v1"',
        f'[reviewer]\nmodel = "m"\nbase_url = "https:/user:{SECRET}@host/v1"',
        f'[reviewer]\nmodel = "m"\nbase_url = "{SECRET}"',
        a_source('kind = "reviews"', f'url = "https://user:{SECRET}@host/papers.jsonl"'),
        a_source('kind = "reviews"', f'url = "ftp://host/papers.jsonl?token={SECRET}"'),
        a_source('kind = "arxiv"', 'categories = ["cs.CL"]', f'rss_url = "https://host/?token={SECRET}"'),
        f'[digest]\nheartbeat = "https://host/?token={SECRET}"',
        f'[[subscriptions]]\nplatform = "console"\nchannel = "c"\nat = "http://u:{SECRET}@host"',
        f'[store]\nurl = "postgresql+psycopg://host/papers?passw%6Frd={SECRET}"',
        f'[store]\nurl = "mysql://user:{SECRET}@host/papers"',
    ],
)  # fmt: skip
def test_an_address_that_is_refused_is_not_shown_with_its_secret(tmp_path: Path, toml: str) -> None:
    problem = list_problems(tmp_path, toml)
    assert SECRET not in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://proxy.example:3128",
        "https://proxy/",
        "http://user:p%40ss@127.0.0.1:3128",
        "http://key@proxy",
    ],
)
def test_a_proxy_may_have_a_user_and_a_password(tmp_path: Path, address: str) -> None:
    loaded = load_toml(tmp_path, f'[fetching]\nproxy = "{address}"\n[platforms.slack]\nproxy = "{address}"')
    assert loaded.fetching.proxy == address
