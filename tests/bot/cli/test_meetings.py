"""`paperround meetings`: lines, and one calendar file."""

from contextlib import closing
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from icalendar import Calendar

from bot.cli.main import main
from digests.meetings.model import MeetingPlan
from digests.ports import Store
from digests.store import open_store
from digests.subscription import Channel, Preferences, Schedule, Subscription

PLAN = MeetingPlan(Schedule(time(16), frozenset({3}), "Europe/Berlin"), place="Room 4")


def plan_meetings(store: Store, *channels: Channel) -> None:
    now = datetime.now(UTC)
    subscriptions = [Subscription(channel, Preferences(), Schedule()) for channel in channels]
    store.subscriptions.sync_from_settings(subscriptions, now=now)
    for saved in store.subscriptions.list_active():
        store.meeting_plans.save(saved.id, PLAN, by="ada", by_id="x", now=now)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("paperround.toml").write_text("version = 1\n")
    with closing(open_store(f"sqlite:///{tmp_path}/paperround.db")) as store:
        plan_meetings(
            store, Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1"), Channel("slack", "C9", "T2")
        )
    return tmp_path


def count_events(file: Path) -> int:
    return len(Calendar.from_ical(file.read_bytes()).walk("VEVENT"))


def test_the_meetings_of_every_channel_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meetings"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["channel", "next", "(UTC)", "plan"]
    assert [line.split()[0] for line in lines] == ["slack:T1:C1", "slack:T1:C2", "slack:T2:C9"]
    assert "every Thursday at 16:00" in lines[0]


def test_one_calendar_file_has_the_meetings_of_a_workspace(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["meetings", "slack:T1", "--ics", "team.ics"]) == 0
    assert capsys.readouterr().out == "The meetings of 2 channels are saved in team.ics.\n"
    assert count_events(folder / "team.ics") == 2
    assert main(["meetings", "--ics", "all.ics"]) == 0
    assert count_events(folder / "all.ics") == 3


def test_what_cannot_be_saved_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meetings", "--ics", "missing/team.ics"]) == 1
    assert "missing/team.ics cannot be written" in capsys.readouterr().err
    assert main(["meetings", "slack:T9"]) == 1
    assert "slack:T9" in capsys.readouterr().err
    with closing(open_store(f"sqlite:///{folder}/paperround.db")) as store:
        for channel in (Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1")):
            meeting = store.meeting_plans.find(channel)
            assert meeting
            store.meeting_plans.end(meeting.plan_id, by="ada", by_id="x", now=datetime.now(UTC))
    assert main(["meetings", "slack:T1", "--ics", "team.ics"]) == 1
    assert "nothing to save" in capsys.readouterr().err
    assert not (folder / "team.ics").exists()
