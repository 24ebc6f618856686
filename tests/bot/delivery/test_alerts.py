"""Alerts to the operator's channel: each once, also after crashes, lost answers and changes of the leader."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.chat.port import Outcome, PostError
from bot.delivery import alerts
from bot.delivery.alerts import (
    MAX_ATTEMPTS,
    RETRY_AFTER,
    AlertPolicy,
    AlertSender,
    find_conditions,
    find_local_conditions,
)
from bot.delivery.context import UnknownPolicy
from digests.model import REVIEWER, Trouble
from digests.ports.alerts import AlertKind
from digests.ports.installations import Installation, SealedTokens
from digests.subscription import Channel, Subscription
from tests.bot.delivery.contexts import KilledOutbox, World, a_context, a_world, fail_at
from tests.builders import NOW
from tests.fakes.platform import KilledError, MemoryPlatform

OPERATORS = Channel("console", "operators", "w")
POLICY = AlertPolicy(OPERATORS, frozenset({"arxiv"}), has_reviewer=True)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass
class Trial:
    """A world whose operator has a channel, and where a source has failed for an hour."""

    world: World = field(default_factory=World)

    def report(self, trouble: Trouble | None, subject: str = "arxiv") -> None:
        self.world.store.health.report(subject, trouble, detail="No answer.", now=self.world.now)

    def look(self, platform: MemoryPlatform | None = None, store: Any = None, **options: Any) -> None:
        """Let a new process look and send once, a minute after the last time."""
        self.world.now += MINUTE
        platform = platform or MemoryPlatform(self.world.posted_pages)
        store = store or self.world.store
        context = a_context(store, {"console": platform}, clock=lambda: self.world.now, **options)
        asyncio.run(AlertSender(context, POLICY, host="here").send_alerts())

    def fail(self) -> None:
        """Make the source fail for so long that an alert is written, and not sent, by the next look."""
        self.report(Trouble.OUTAGE)
        self.world.now += HOUR
        for _ in range(2):
            self.look()

    def list_texts(self) -> list[str]:
        """Return what the channel shows, oldest first."""
        return [
            str(page.payload) for name, _, page in self.world.posted_pages.pages if name == str(OPERATORS)
        ]


def test_a_source_that_fails_is_told_once_and_once_that_it_is_over() -> None:
    trial = Trial()
    trial.fail()
    assert trial.list_texts() == []
    for _ in range(5):  # Each by another process.
        trial.look()
    (text,) = trial.list_texts()
    assert f"the source arxiv gives no new papers since {NOW:%a %d %b %H:%M} UTC" in text
    assert "No answer." in text
    trial.report(None)
    for _ in range(5):
        trial.look()
    _, text = trial.list_texts()
    assert "Over after" in text


def test_a_fault_of_the_operators_channel_delays_the_message_and_does_not_repeat_it() -> None:
    trial = Trial()
    trial.fail()
    away = MemoryPlatform(
        trial.world.posted_pages, before_post=fail_at(1, PostError("Slack is away.", Outcome.NOT_POSTED))
    )
    trial.look(away)
    trial.look()
    assert trial.list_texts() == []
    trial.world.now += RETRY_AFTER
    for _ in range(3):
        trial.look()
    assert len(trial.list_texts()) == 1


@pytest.mark.parametrize("arrives", [True, False])
def test_a_lost_answer_is_looked_for_and_the_message_comes_once(arrives: bool) -> None:
    trial = Trial()
    trial.fail()
    fault = fail_at(1, PostError("dropped", Outcome.UNKNOWN))
    lossy = MemoryPlatform(trial.world.posted_pages)
    setattr(lossy, "after_post" if arrives else "before_post", fault)
    trial.look(lossy)
    assert len(trial.list_texts()) == arrives
    trial.look()
    assert len(trial.list_texts()) == arrives, "no proof yet that it is absent"
    trial.world.now += RETRY_AFTER
    for _ in range(3):
        trial.look()
    assert len(trial.list_texts()) == 1


@pytest.mark.parametrize(("policy", "count"), [(UnknownPolicy.SKIP, 0), (UnknownPolicy.RESEND, 1)])
def test_where_nobody_can_tell_the_rule_of_digests_decides(policy: UnknownPolicy, count: int) -> None:
    trial = Trial()
    trial.fail()
    blind = MemoryPlatform(
        trial.world.posted_pages,
        before_post=fail_at(1, PostError("dropped", Outcome.UNKNOWN)),
        can_ask=False,
    )
    trial.look(blind, on_unknown=policy)
    trial.world.now += RETRY_AFTER
    for _ in range(3):
        trial.look(blind, on_unknown=policy)
    assert len(trial.list_texts()) == count


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(1, 7))
def test_a_process_that_is_killed_at_any_call_of_the_store_neither_loses_nor_repeats_a_message(
    call: int, after: bool
) -> None:
    trial = Trial()
    trial.report(Trouble.OUTAGE)
    trial.world.now += HOUR
    store = trial.world.store
    killed: Any = KilledOutbox(store.alerts, call, after=after)  # type: ignore[arg-type]
    for _ in range(4):
        try:
            trial.look(store=replace(store, alerts=killed))
        except KilledError:
            break
    for _ in range(12):
        trial.look()
    assert len(trial.list_texts()) == 1


def test_two_leaders_at_once_send_a_message_once() -> None:
    trial = Trial()
    trial.fail()
    first = trial.world.store.alerts
    conditions = list(find_conditions(trial.world.store, POLICY, trial.world.now, timedelta()))
    first.observe(conditions, now=trial.world.now, settle=timedelta())
    message = first.find_due_message(now=trial.world.now)
    assert message

    class Stale:
        """The store as a process sees it that has read the message, and lost the lead since."""

        def __getattr__(self, name: str) -> Callable[..., Any]:
            return (lambda **_: message) if name == "find_due_message" else getattr(first, name)

    trial.look()
    stale: Any = Stale()
    trial.look(store=replace(trial.world.store, alerts=stale))
    assert len(trial.list_texts()) == 1


def test_a_channel_that_never_takes_a_message_does_not_keep_newer_ones_back_for_ever() -> None:
    trial = Trial()
    trial.fail()

    def refuse() -> None:
        raise PostError("The channel is archived.", Outcome.GONE)

    shut = MemoryPlatform(trial.world.posted_pages, before_post=refuse)
    for _ in range(MAX_ATTEMPTS + 2):
        trial.look(shut)
        trial.world.now += RETRY_AFTER
        trial.report(Trouble.OUTAGE)
    assert trial.world.store.alerts.find_due_message(now=trial.world.now + HOUR) is None


@pytest.mark.parametrize(
    ("subject", "trouble", "minutes", "kind"),
    [
        ("arxiv", Trouble.OUTAGE, 60, AlertKind.SOURCE),
        ("arxiv", Trouble.OUTAGE, 59, None),
        ("arxiv", Trouble.STALE, 6 * 60, AlertKind.SOURCE),
        ("arxiv", Trouble.STALE, 6 * 60 - 1, None),
        ("a former source", Trouble.OUTAGE, 600, None),
        (REVIEWER, Trouble.REVIEWER_DOWN, 15, AlertKind.REVIEWER),
        (REVIEWER, Trouble.REVIEWER_DOWN, 14, None),
        (REVIEWER, Trouble.BUDGET_SPENT, 0, AlertKind.BUDGET),
    ],
)
def test_a_trouble_is_a_condition_after_its_time(
    subject: str, trouble: Trouble, minutes: int, kind: AlertKind | None
) -> None:
    trial = Trial()
    trial.report(trouble, subject)
    trial.world.now += minutes * MINUTE
    found = [each.kind for each in find_conditions(trial.world.store, POLICY, trial.world.now, timedelta())]
    assert found == ([kind] if kind else [])


def test_a_workspace_whose_token_fails_is_told_by_the_worker_that_met_it() -> None:
    world = a_world()
    refused = PostError("The token was revoked.", Outcome.NOT_POSTED, is_access_lost=True)
    world.tick(MemoryPlatform(world.posted_pages, before_post=fail_at(1, refused)))
    found = list(find_conditions(world.store, POLICY, world.now, timedelta()))
    assert [(each.kind, each.subject, each.detail) for each in found] == [
        (AlertKind.WORKSPACE, "console", "The token was revoked.")
    ]
    world.now += HOUR
    world.tick()
    assert list(find_conditions(world.store, POLICY, world.now, timedelta())) == []


def test_an_installation_whose_tokens_cannot_be_renewed_is_a_condition() -> None:
    world = World()
    tokens = SealedTokens("x", "k")
    installation = Installation(
        "slack", "T1", "The lab", "A1", "UB", "B1", frozenset(), "UADA", NOW, tokens
    )  # fmt: skip
    saved = world.store.installations.save(installation)
    world.store.installations.record_problem(saved, "Slack refused the refresh token.")
    (found,) = find_conditions(world.store, POLICY, NOW, timedelta())
    assert (found.kind, found.subject) == (AlertKind.WORKSPACE, "slack:T1")
    assert found.detail == "Slack refused the refresh token."
    trial = Trial(world)
    for _ in range(4):
        trial.look()
    (text,) = trial.list_texts()
    assert "the workspace slack:T1 (The lab) does not let the app post" in text


def test_a_late_digest_is_told_after_the_wait_for_reviews() -> None:
    world = World()
    channel = Channel("console", "papers", "w")
    world.subscribe(Subscription(channel))

    def find_late(minutes: int, wait: timedelta) -> list[str]:
        found = find_conditions(world.store, POLICY, NOW + minutes * MINUTE, wait)
        return [each.subject for each in found]

    assert find_late(15, timedelta()) == []
    assert find_late(16, timedelta()) == ["console:w:papers"]
    assert find_late(16, 25 * MINUTE) == []
    assert find_late(41, 25 * MINUTE) == ["console:w:papers"]


def test_a_full_disk_is_told_for_this_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = replace(POLICY, disk_folder=tmp_path)
    assert find_local_conditions(policy, NOW, "here") == []
    monkeypatch.setattr(alerts, "MIN_FREE_BYTES", 1 << 62)
    (found,) = find_local_conditions(policy, NOW, "here")
    assert (found.kind, found.subject) == (AlertKind.DISK, "here")
    assert found.detail.endswith(" MB are free.")
    gone = replace(POLICY, disk_folder=tmp_path / "gone")
    assert find_local_conditions(gone, NOW, "here") == []


def test_a_full_disk_of_another_machine_is_not_over_because_this_one_leads_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = Trial()
    monkeypatch.setattr(alerts, "MIN_FREE_BYTES", 1 << 62)
    context = a_context(
        trial.world.store,
        {"console": MemoryPlatform(trial.world.posted_pages)},
        clock=lambda: trial.world.now,
    )
    there = AlertSender(context, replace(POLICY, disk_folder=tmp_path), host="there")
    for _ in range(4):
        trial.world.now += MINUTE
        asyncio.run(there.send_alerts())
    assert len(trial.list_texts()) == 1
    monkeypatch.undo()
    for _ in range(4):
        trial.look()
    assert len(trial.list_texts()) == 1
    trial.world.now += MINUTE
    for _ in range(4):
        trial.world.now += MINUTE
        asyncio.run(there.send_alerts())
    assert "Over after" in trial.list_texts()[1]


def test_backups_are_watched_only_where_the_settings_name_their_folder(tmp_path: Path) -> None:
    assert find_local_conditions(POLICY, NOW, "here") == []
    folder = tmp_path / "backups"
    policy = replace(POLICY, backup_folder=folder)

    def describe() -> str:
        return " ".join(each.detail for each in find_local_conditions(policy, NOW, "here"))

    assert "cannot be read" in describe()
    folder.mkdir()
    assert describe() == "The folder has no file."
    for name, days in (("old.db", 9), ("new.db", 2)):
        (folder / name).write_text("")
        age = (NOW - timedelta(days=days)).timestamp()
        os.utime(folder / name, (age, age))
    assert describe() == ""
    (folder / "new.db").unlink()
    assert describe() == "The newest file is 9 days old."


def test_without_the_platform_of_the_channel_a_line_in_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        stop.set()
        await AlertSender(a_context(World().store, {}), POLICY).run_until_stopped(stop)

    asyncio.run(run())
    assert "there is no console here" in caplog.text
