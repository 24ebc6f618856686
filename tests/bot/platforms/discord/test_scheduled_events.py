"""Meetings as scheduled events of a server: made, moved and called off, each once, whatever fails."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.chat.message import CalendarEvent
from bot.chat.port import Outcome, PostError
from bot.delivery.worker import deliver_due_editions
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.rest import RestClient, use_addresses
from bot.platforms.discord.scheduled_events import ScheduledEvents
from bot.platforms.discord.settings import DiscordSettings
from digests.meetings.model import DaysOff, MeetingPlan
from digests.model import Mark, MarkSource
from digests.ports import Store
from digests.ports.meetings import Meeting
from digests.ports.outbox import DeliveryKind, DeliveryState
from digests.subscription import Channel, Schedule
from tests.bot.delivery.contexts import KilledOutbox, a_context
from tests.bot.shared_cases import LONG, NASTY
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription
from tests.fakes.discord import DiscordFault, FakeDiscord
from tests.fakes.platform import KilledError

THURSDAYS = MeetingPlan(Schedule(time(16), frozenset({3}), "Europe/Berlin"), place="Room 4")
BY = {"by": "Ada", "by_id": "discord::1"}
KEY = "k" * 25
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give discord.py's addresses back after the test."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)


@dataclass
class Clock:
    """The time of the server and of the workers."""

    now: datetime = NOW

    def timestamp(self) -> float:
        return self.now.timestamp()


@dataclass
class Lab:
    """A server with a channel that has meetings, and workers that come and go."""

    discord: FakeDiscord
    platform: DiscordPlatform
    store: Store
    channel: Channel
    clock: Clock

    def meeting(self) -> Meeting:
        meeting = self.store.meeting_plans.find(self.channel)
        assert meeting
        return meeting

    def change_plan(self, plan: MeetingPlan) -> None:
        (subscription,) = self.store.subscriptions.list_active()
        self.store.meeting_plans.save(subscription.id, plan, **BY, now=self.clock.now)

    async def go_to(self, instant: datetime, **options: Any) -> None:
        """Let a new worker do what is due at an instant, and what a failure left a few minutes later."""
        self.clock.now = instant
        await self.tick(**options)
        for _ in range(3):
            self.clock.now += timedelta(minutes=6)
            await self.tick()

    async def tick(self, **options: Any) -> None:
        async def sleep(seconds: float) -> None:
            self.clock.now += timedelta(seconds=seconds)

        context = a_context(
            options.pop("store", self.store),
            {"discord": self.platform},
            owner=f"worker {self.clock.now}",
            clock=lambda: self.clock.now,
            sleep=sleep,
            **options,
        )
        try:
            await deliver_due_editions(context)
        except* KilledError:
            pass

    def events(self, status: int = 1) -> list[dict[str, Any]]:
        guild = self.discord.guilds[self.channel.workspace]
        return [event for event in guild.events if event["status"] == status]


def run_in_lab(trial: Callable[[Lab], Awaitable[None]], *, plan: MeetingPlan = THURSDAYS) -> None:
    async def run() -> None:
        clock = Clock()
        async with FakeDiscord(clock=clock.timestamp) as discord:
            use_addresses(DiscordSettings(api_base_url=discord.url, gateway_url=discord.gateway_url))
            place = discord.add_channel("papers")
            channel = Channel("discord", place, discord.channels[place].guild)
            store = a_store()
            store.library.add([(a_paper("2402.01306", title="KTO"), a_review(7.0))], now=NOW)
            subscription = replace(a_subscription(), channel=channel)
            store.subscriptions.sync_from_settings([subscription], now=NOW - timedelta(minutes=1))
            store.marks.set_mark(Mark(channel, "", "2402.01306", "9", MarkSource.BUTTON, NOW), True)
            (saved,) = store.subscriptions.list_active()
            store.meeting_plans.save(saved.id, plan, **BY, now=NOW)
            rest = RestClient(discord.token, 10)
            lab = Lab(discord, DiscordPlatform(rest), store, channel, clock)
            try:
                await trial(lab)
            finally:
                await rest.close()
            assert [error for error in discord.protocol_errors if "refused" not in error] == []

    asyncio.run(run())


def test_a_meeting_has_an_event_from_its_poll_on_that_follows_it() -> None:
    async def trial(lab: Lab) -> None:
        times = lab.meeting().timetable
        await lab.go_to(times.poll_at)
        (event,) = lab.events()
        assert (event["name"], event["entity_metadata"]) == ("Paper discussion", {"location": "Room 4"})
        assert datetime.fromisoformat(event["scheduled_start_time"]) == times.starts_at
        await lab.go_to(times.closes_at)
        (event,) = lab.events()
        assert event["name"] == "Paper discussion: KTO"
        assert "It works." in event["description"]
        later = replace(THURSDAYS, schedule=replace(THURSDAYS.schedule, at=time(18)), place="Room 5")
        lab.change_plan(later)
        await lab.go_to(times.closes_at + timedelta(hours=1))
        (event,) = lab.events()
        assert event["entity_metadata"] == {"location": "Room 5"}
        assert datetime.fromisoformat(event["scheduled_start_time"]) == times.starts_at + timedelta(hours=2)
        assert len(lab.discord.calls_of("create event")) == 1

    run_in_lab(trial)


def test_a_meeting_that_is_called_off_cancels_its_event_and_a_held_one_has_a_new_one() -> None:
    async def trial(lab: Lab) -> None:
        times = lab.meeting().timetable
        await lab.go_to(times.poll_at)
        day = THURSDAYS.find_day(times.starts_at)
        lab.change_plan(replace(THURSDAYS, days_off=(DaysOff(day, day),)))
        await lab.go_to(times.poll_at + timedelta(hours=1))
        assert (len(lab.events()), len(lab.events(4))) == (0, 1)
        lab.change_plan(THURSDAYS)
        await lab.go_to(times.poll_at + timedelta(hours=2))
        assert (len(lab.events()), len(lab.events(4))) == (1, 1)

    run_in_lab(trial)


def test_the_end_of_the_meetings_cancels_the_event() -> None:
    async def trial(lab: Lab) -> None:
        times = lab.meeting().timetable
        await lab.go_to(times.poll_at)
        lab.store.meeting_plans.end(lab.meeting().plan_id, **BY, now=lab.clock.now)
        await lab.go_to(times.poll_at + timedelta(hours=1))
        assert (len(lab.events()), len(lab.events(4))) == (0, 1)

    run_in_lab(trial)


def test_an_empty_queue_cancels_the_event_when_the_poll_closes() -> None:
    async def trial(lab: Lab) -> None:
        mark = Mark(lab.channel, "", "2402.01306", "9", MarkSource.BUTTON, NOW)
        lab.store.marks.set_mark(mark, False)
        times = lab.meeting().timetable
        await lab.go_to(times.poll_at)
        assert len(lab.events()) == 1
        await lab.go_to(times.closes_at)
        assert (len(lab.events()), len(lab.events(4))) == (0, 1)

    run_in_lab(trial)


def test_a_meeting_on_a_day_off_has_no_event() -> None:
    async def trial(lab: Lab) -> None:
        await lab.go_to(lab.meeting().timetable.poll_at)
        assert lab.discord.calls_of("create event") == []

    day = THURSDAYS.find_day(datetime(2026, 12, 3, 15, tzinfo=UTC))
    run_in_lab(trial, plan=replace(THURSDAYS, days_off=(DaysOff(day, day),)))


def test_after_its_start_an_event_stays_and_the_next_meeting_has_its_own() -> None:
    async def trial(lab: Lab) -> None:
        times = lab.meeting().timetable
        await lab.go_to(times.poll_at)
        await lab.go_to(times.closes_at)
        edits = len(lab.discord.calls_of("edit event"))
        await lab.go_to(times.starts_at + timedelta(minutes=1))
        assert len(lab.discord.calls_of("edit event")) == edits
        await lab.go_to(lab.meeting().timetable.poll_at)
        starts = [datetime.fromisoformat(event["scheduled_start_time"]) for event in lab.events()]
        assert starts == [times.starts_at, times.starts_at + timedelta(weeks=1)]
        assert_no_failure(lab)

    run_in_lab(trial)


def assert_no_failure(lab: Lab) -> None:
    (subscription,) = lab.store.subscriptions.list_active()
    events = lab.store.delivery_reports.history(subscription, 9, kind=DeliveryKind.EVENT)
    assert {each.state for each in events} == {DeliveryState.POSTED}


@pytest.mark.parametrize(
    "fault",
    [
        DiscordFault.DROP_BEFORE,
        DiscordFault.DROP_AFTER,
        DiscordFault.UNAVAILABLE_AFTER,
        DiscordFault.SERVER_ERROR,
        DiscordFault.GARBAGE,
        DiscordFault.RATE_LIMITED,
    ],
)
@pytest.mark.parametrize("call", ["create event", "edit event", "events", "my guilds"])
def test_a_failed_call_makes_no_event_twice_and_none_is_lost(call: str, fault: DiscordFault) -> None:
    async def trial(lab: Lab) -> None:
        times = lab.meeting().timetable
        if call != "edit event":
            lab.discord.fail_next(call, fault)
        await lab.go_to(times.poll_at)
        if call == "edit event":
            lab.discord.fail_next(call, fault)
        lab.change_plan(replace(THURSDAYS, place="Room 5"))
        await lab.go_to(times.poll_at + timedelta(hours=1))
        (event,) = lab.events()
        assert event["entity_metadata"] == {"location": "Room 5"}

    run_in_lab(trial)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 6))
def test_a_worker_that_dies_at_any_call_of_the_outbox_leaves_one_event(at: int, after: bool) -> None:
    async def trial(lab: Lab) -> None:
        times = lab.meeting().timetable
        killed: Any = KilledOutbox(lab.store.outbox, at, after=after)
        await lab.go_to(times.poll_at, store=replace(lab.store, outbox=killed))
        assert len(lab.events()) == 1
        lab.change_plan(replace(THURSDAYS, place="Room 5"))
        killed = KilledOutbox(lab.store.outbox, at, after=after)
        await lab.go_to(times.poll_at + timedelta(hours=1), store=replace(lab.store, outbox=killed))
        assert [event["entity_metadata"]["location"] for event in lab.events()] == ["Room 5"]

    run_in_lab(trial)


def test_without_the_right_there_is_no_event_no_failure_and_the_digests_go_on() -> None:
    async def trial(lab: Lab) -> None:
        guild = lab.discord.guilds[lab.channel.workspace]
        guild.denied_permissions.add("create_events")
        times = lab.meeting().timetable
        await lab.go_to(times.poll_at)
        assert guild.events == []
        assert_no_failure(lab)
        guild.denied_permissions.clear()
        await lab.go_to(times.closes_at)
        assert len(lab.events()) == 1, "it comes with the next change, once the right is given"
        guild.denied_permissions.add("create_events")
        lab.change_plan(replace(THURSDAYS, place="Room 5"))
        await lab.go_to(times.closes_at + timedelta(hours=1))
        guild.denied_permissions.clear()
        lab.change_plan(replace(THURSDAYS, place="Room 6"))
        await lab.go_to(times.closes_at + timedelta(hours=2))
        assert [event["entity_metadata"]["location"] for event in lab.events()] == ["Room 6"]
        assert len(lab.discord.calls_of("create event")) == 1
        (subscription,) = lab.store.subscriptions.list_active()
        assert subscription.stop_reason == ""

    run_in_lab(trial)


def test_a_right_that_goes_between_the_look_and_the_request_does_not_stop_the_digest() -> None:
    async def trial(lab: Lab) -> None:
        lab.discord.guilds[lab.channel.workspace].denied_permissions.add("create_events")
        page = lab.platform.events.render_event(an_event())
        with pytest.raises(PostError, match="give it Create Events") as refused:
            await lab.platform.events.post(lab.channel, page, key=KEY, thread=None)
        assert refused.value.outcome is Outcome.REFUSED

    run_in_lab(trial)


def test_an_event_of_somebody_else_with_the_same_words_is_not_taken_for_ours() -> None:
    async def trial(lab: Lab) -> None:
        events, page = lab.platform.events, lab.platform.events.render_event(an_event())
        first = await events.post(lab.channel, page, key=KEY, thread=None)
        assert await events.find(lab.channel, key=KEY, since=SINCE) == first
        lab.discord.guilds[lab.channel.workspace].events[0]["creator_id"] = "9"
        assert await events.find(lab.channel, key=KEY, since=SINCE) is None
        assert await events.post(lab.channel, page, key=KEY, thread=None) != first

    run_in_lab(trial)


def an_event(text: str = "KTO") -> CalendarEvent:
    return CalendarEvent(
        text,
        f"{text}\nhttps://arxiv.org/abs/1\n{text}",
        NOW + timedelta(days=3),
        NOW + timedelta(days=4),
        text,
    )


@pytest.mark.parametrize("text", [NASTY, LONG, "", "\n\n", "@everyone <@1>", "🙂" * 900, "\\" * 999])
def test_any_text_makes_an_event_that_discord_takes(text: str) -> None:
    async def trial(lab: Lab) -> None:
        page = ScheduledEvents(lab.platform.rest).render_event(an_event(text))
        await lab.platform.events.post(lab.channel, page, key=KEY, thread=None)
        assert lab.discord.protocol_errors == []
        (event,) = lab.events()
        assert "https://arxiv.org/abs/1" in event["description"]

    run_in_lab(trial)
