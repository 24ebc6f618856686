"""`paperround workspaces`: who is served, who asks, and decisions about both."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from bot.cli.main import main
from bot.cli.status import load_status, print_report, report_to_record
from bot.cli.terminal import EXIT_FAILED, EXIT_OK
from bot.cli.workspaces import (
    decide_workspace,
    find_workspace,
    list_full_names,
    list_workspaces,
    load_summaries,
    summary_to_record,
)
from bot.platforms.registry import find_settings_models
from config.settings import Settings, build_settings_model
from digests.errors import InputError
from digests.model import Mark, MarkSource
from digests.ports import Store
from digests.ports.workspaces import DENIED_REASON, WorkspaceState
from digests.store import open_store
from digests.subscription import Channel, Subscription
from tests.builders import NOW, TODAY, a_store, an_installation

OURS, THEIRS, NAMED = "81384788765712384", "91384788765712384", "71384788765712384"
LATER = NOW + timedelta(hours=1)


def settings_with(**tables: object) -> Settings:
    return build_settings_model(find_settings_models()).model_validate({"version": 1, **tables})


NOTHING_NAMED = settings_with()


def a_store_with_request(name: str = "Theirs") -> Store:
    """Open a store in which OURS is served and THEIRS asks."""
    store = a_store()
    store.workspaces.serve_first("discord", OURS, now=NOW)
    store.workspaces.record_requests("discord", {OURS: "Ours", THEIRS: name}, now=LATER)
    return store


def lines_of(store: Store, settings: Settings = NOTHING_NAMED, width: int = 80) -> list[str]:
    return list_workspaces(load_summaries(store, settings, LATER), width)


def test_the_list_begins_with_the_workspaces_that_ask() -> None:
    assert lines_of(a_store_with_request()) == [
        "workspace                  state   digests  last  next (UTC)  marks  asked",
        f"discord:{THEIRS}  asked   0        -     -           0      0",
        "  Theirs; asked since 2026-11-24 10:00 UTC",
        f"discord:{OURS}  served  0        -     -           0      0",
        "  Ours; served since 2026-11-24 09:00 UTC",
        "“paperround workspaces allow ID” serves one that asks, deny refuses it.",
    ]
    assert "No workspace" in lines_of(a_store())[0]


def test_a_workspace_has_its_digests_its_editions_and_its_use_beside_it() -> None:
    store = a_store()
    team, file = Channel("slack", "C1", "T1"), Channel("slack", "C9")
    store.subscriptions.change(team, Subscription(team), by="Ada", now=NOW)
    store.subscriptions.change(team, Subscription(team, name="b"), by="Ada", now=NOW, name="b")
    store.subscriptions.sync_from_settings([Subscription(file)], now=NOW)
    store.subscriptions.stop(team, "the channel was archived.")
    for person in ("UADA", "UBOB"):
        store.marks.set_mark(Mark(team, "1.1", "2402.01306", person, MarkSource.REACTION, NOW), True)
    store.paper_requests.add("2402.01306", now=NOW, platform="slack", workspace="T1", person="UADA")
    store.paper_requests.grant(["2402.01306"], TODAY)
    summaries = load_summaries(store, NOTHING_NAMED, LATER)
    assert list_workspaces(summaries, 80)[1:] == [
        "slack:T1   served  2        -     -             2      1",
        "  2 in trouble: “paperround status”; 1 full review today on request",
        "slack      served  1        -     25 Nov 09:00  0      0",
        "  channels of the settings file that name no workspace",
    ]
    team_record = summary_to_record(summaries[0])
    assert team_record["next_at"] is None
    assert (team_record["digests"], team_record["in_trouble"], team_record["marks"]) == (2, 2, 2)
    store.workspaces.record_removal("slack", ["T1"], now=NOW)
    assert lines_of(store)[1].startswith("slack:T1   removed")


def test_the_name_of_a_stranger_cannot_forge_a_line_of_the_list() -> None:
    lines = lines_of(a_store_with_request("x\nserved  discord 1\u202e" + "論" * 500))
    assert len(lines) == 6
    assert all("\n" not in line and "\u202e" not in line and cell_len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    "settings",
    [
        settings_with(platforms={"discord": {"servers": [NAMED]}}),
        settings_with(subscriptions=[{"platform": "discord", "channel": "1", "workspace": NAMED}]),
    ],
)
def test_a_workspace_that_the_settings_name_is_listed_as_served_and_cannot_be_denied(
    settings: Settings,
) -> None:
    store = a_store()
    _, line, note = lines_of(store, settings)
    assert line.startswith(f"discord:{NAMED}  served ")
    assert note == "  named in the settings file"
    with pytest.raises(InputError, match="take it out there"):
        decide_workspace(store, settings, "discord", NAMED, allow=False, now=NOW)
    assert store.workspaces.list_denied("discord") == frozenset()


def test_an_id_alone_is_enough_where_one_platform_knows_it_or_could_have_it() -> None:
    store = a_store_with_request()
    for words in ([THEIRS], ["discord", THEIRS], [NAMED]):
        assert find_workspaces(words, store, NOTHING_NAMED) == [("discord", words[-1])]


def find_workspaces(words: list[str], store: Store, settings: Settings) -> list[tuple[str, str]]:
    names = list_full_names(words, "allow")
    return [find_workspace(name, store, settings, "allow") for name in names]


def test_several_ids_are_those_of_the_platform_before_them_each_once() -> None:
    words = [THEIRS, "slack", "T1", "discord:9", "T2", "discord", OURS, THEIRS, "slack:T1"]
    names = [THEIRS, "slack:T1", "discord:9", "slack:T2", f"discord:{OURS}", f"discord:{THEIRS}"]
    assert list_full_names(words, "allow") == names


def test_a_bad_id_does_not_stop_the_good_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["workspaces", "deny", OURS, "The\nlab", THEIRS]) == EXIT_FAILED
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith(f"discord {OURS} is denied")
    assert second.startswith("'The\\nlab' is not the id of a workspace")
    assert third.startswith(f"discord {THEIRS} is denied")
    store = open_store("sqlite:///paperround.db")
    assert store.workspaces.list_denied("discord") == {OURS, THEIRS}
    store.close()
    assert main(["workspaces", "allow", OURS, THEIRS]) == EXIT_OK
    assert main(["workspaces", "allow", "The lab"]) == EXIT_FAILED
    assert "is not the id" in capsys.readouterr().err


def test_a_workspace_can_be_named_as_the_list_shows_it() -> None:
    _, shown, *_ = lines_of(a_store_with_request())
    name = shown.split()[0]
    assert name == f"discord:{THEIRS}"
    assert find_workspace(name, a_store(), NOTHING_NAMED, "allow") == ("discord", THEIRS)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "Which one"),
        (["discord"], "Which one"),
        (["slack", "T1"], "'slack' has no list"),
        ([""], "is not the id"),
        (["nowhere:1"], "'nowhere' has no list"),
        (["slack:T1"], "'slack' has no list"),
        (["T1"], r"'T1' is not the id of a workspace of a platform with a list \(discord\)"),
        (["discord:"], "is not the id"),
        (["The lab"], "is not the id"),
        (["discord", "²²²²²²²²²²²²²²²²"], "is not the id"),
        (["9" * 40], "is not the id"),
    ],
)
def test_other_words_are_refused_with_a_sentence(words: list[str], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        find_workspaces(words, a_store(), NOTHING_NAMED)


def test_a_denial_stops_the_digests_of_the_workspace_and_an_allowance_starts_those_alone() -> None:
    store = a_store()
    here, deleted, elsewhere = (
        Channel("discord", "1", THEIRS), Channel("discord", "2", THEIRS), Channel("discord", "3", OURS)
    )  # fmt: skip
    for channel in (here, deleted, elsewhere):
        store.subscriptions.change(channel, Subscription(channel), by="eve", now=NOW)
    store.subscriptions.stop(deleted, "the channel was deleted.")

    def stop_reasons() -> list[str]:
        return [subscription.stop_reason for subscription in store.subscriptions.list_active()]

    sentence = decide_workspace(store, NOTHING_NAMED, "discord", THEIRS, allow=False, now=NOW)
    assert "is denied, 1 digest stopped." in sentence
    assert stop_reasons() == [DENIED_REASON, "the channel was deleted.", ""]
    assert store.workspaces.list_denied("discord") == {THEIRS}
    sentence = decide_workspace(store, NOTHING_NAMED, "discord", THEIRS, allow=True, now=LATER)
    assert "is served, 1 digest started again." in sentence
    assert stop_reasons() == ["", "the channel was deleted.", ""]
    assert store.workspaces.list_served("discord") == {THEIRS}


BY_LINK = settings_with(platforms={"slack": {"public_url": "https://bot.example.org"}})


@pytest.mark.parametrize("words", [["T1"], ["E1"], ["slack:T1"], ["slack", "T01ABCDEF"]])
def test_a_workspace_of_slack_is_named_where_workspaces_install_the_app_from_its_link(
    words: list[str],
) -> None:
    expected = ("slack", words[-1].removeprefix("slack:"))
    assert find_workspaces(words, a_store(), BY_LINK) == [expected]


@pytest.mark.parametrize("name", ["T", "t1", "C1", "T1\n", "T" * 40, "slack:", "slack:T1:C1"])
def test_what_is_no_workspace_of_slack_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="is not the id"):
        find_workspace(name, a_store(), BY_LINK, "deny")


def test_the_denial_of_an_organization_is_one_of_its_workspaces_but_those_with_an_installation() -> None:
    store = a_store()
    store.installations.save(an_installation("E1", is_organization=True))
    store.installations.save(an_installation("T3"))
    for team in ("T1", "T2", "T3"):
        store.installations.add_member("slack", team, "E1")
        channel = Channel("slack", f"C{team}", team)
        store.subscriptions.change(channel, Subscription(channel), by="Ada", now=NOW)

    def list_stopped() -> list[str]:
        active = store.subscriptions.list_active()
        return sorted(each.channel.workspace for each in active if each.stop_reason == DENIED_REASON)

    decide_workspace(store, BY_LINK, "slack", "T2", allow=False, now=NOW)
    assert list_stopped() == ["T2"]
    decide_workspace(store, BY_LINK, "slack", "E1", allow=False, now=NOW)
    assert list_stopped() == ["T1", "T2"]
    decide_workspace(store, BY_LINK, "slack", "E1", allow=True, now=LATER)
    assert list_stopped() == ["T2"], "it is denied itself"


def test_the_status_tells_of_a_workspace_that_asks() -> None:
    report = load_status(a_store_with_request(), NOW)
    written = io.StringIO()
    print_report(report, Console(file=written, width=200))
    assert "1 workspace asks to be served: “paperround workspaces” lists it." in written.getvalue()
    assert [entry["workspace"] for entry in report_to_record(report)["asking"]] == [THEIRS]
    store = a_store_with_request()
    store.workspaces.decide("discord", THEIRS, WorkspaceState.DENIED, now=NOW)
    assert load_status(store, NOW).asking_workspaces == []
