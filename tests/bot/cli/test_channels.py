"""`paperround channels`: a line for each digest, on a terminal of 80 columns."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len

from bot.cli.channels import NAME_CHARACTERS, list_channels
from bot.cli.main import main
from digests.ports import Store
from digests.store import open_store
from digests.subscription import Channel, Subscription
from digests.workspace_names import find_workspace_names
from tests.builders import NOW, a_store
from tests.outbox import claim_edition

SERVER = "81384788765712384"
LATER = NOW + timedelta(hours=1)


def subscribe(store: Store, channel: Channel, name: str = "") -> Subscription:
    change = store.subscriptions.change(
        channel, Subscription(channel, name=name), by="Ada", now=NOW, name=name
    )
    assert change
    assert change.after
    return change.after


def test_each_digest_has_a_line_with_its_next_and_last_edition_and_what_is_wrong() -> None:
    store = a_store()
    here, there = Channel("slack", "C1", "T1"), Channel("discord", "91384788765712384", SERVER)
    subscribe(store, here)
    failed = subscribe(store, here, "friday")
    claim = claim_edition(store, failed)
    store.outbox.abandon(claim, "Slack refused the message.", now=NOW)
    subscribe(store, there)
    store.subscriptions.stop(there, "the channel was deleted. " + "Long. " * 50)
    assert list_channels(store.delivery_reports.channel_statuses(), LATER, 80, {}) == [
        "  channel            next (UTC)    last           what is wrong",
        f"discord:{SERVER}",
        "  91384788765712384  stopped       -              Stopped: the channel was…",
        "slack:T1",
        "  C1                 25 Nov 09:00  -",
        "  C1#friday          25 Nov 09:00  24 Nov failed  Not posted: Slack refused the…",
        "2 of 3 digests in trouble: “paperround status” has the whole sentences.",
    ]


def test_a_paused_digest_names_the_person_whatever_the_name() -> None:
    store, channel = a_store(), Channel("slack", "C1", "T1")
    subscribe(store, channel)
    hostile = "Eve\n\u202e  C2  stopped" + "論" * 60
    found = store.subscriptions.find(channel)
    assert found
    store.subscriptions.change(channel, replace(found, paused_by=hostile), by=hostile, now=NOW)
    _, _, line = list_channels(store.delivery_reports.channel_statuses(), LATER, 80, {})
    assert line.startswith("  C1       paused      -     Paused by Eve C2")
    assert "\u202e" not in line
    assert cell_len(line) <= 80


def test_a_workspace_has_the_name_by_which_people_call_it() -> None:
    store = a_store()
    subscribe(store, Channel("slack", "C1", "T1"))
    store.workspaces.record_requests("slack", {"T1": "The lab\n\u202eslack:T2" + "x" * 100}, now=NOW)
    statuses = store.delivery_reports.channel_statuses()
    _, title, _ = list_channels(statuses, LATER, 80, find_workspace_names(store))
    assert title.startswith("slack:T1 (The lab slack:T2xxx")
    assert title.endswith("…)")
    assert len(title) == len("slack:T1 ()") + NAME_CHARACTERS


def test_a_workspace_or_a_channel_alone_is_listed_and_an_unknown_name_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///paperround.db")
    for channel in (Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1"), Channel("slack", "C3", "T2")):
        subscribe(store, channel)
    store.close()
    assert main(["channels", "T1", "--json"]) == 0
    assert [each["channel"] for each in json.loads(capsys.readouterr().out)] == ["slack:T1:C1", "slack:T1:C2"]
    assert main(["channels", "slack:T2:C3"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "slack:T2"
    assert main(["channels", "C33"]) == 1
    assert "did you mean slack:T2:C3" in capsys.readouterr().err


def test_a_store_without_digests_says_so() -> None:
    assert list_channels([], NOW, 80, {}) == ["No channel gets a digest here."]
