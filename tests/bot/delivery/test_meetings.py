"""Posts of meetings: poll, agenda and reminder at their hours, each once, also after a crash at any step."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from bot.chat.port import Outcome, PostError
from bot.delivery.context import QueuePolicy
from bot.present.discussion import find_key_limitation
from digests.limitations import digest_limitation
from digests.meetings.model import DaysOff, MeetingPlan, Member
from digests.model import Mark, MarkSource, QueueOutcome
from digests.ports.marks import QueueScope
from digests.ports.meetings import Meeting
from digests.ports.outbox import DeliveryKind, DeliveryState
from digests.ports.people import Subject, SubjectKind
from digests.ports.queue_groups import QueueGroup
from digests.subscription import Channel, Schedule
from tests.bot.delivery.contexts import CHANNEL, KilledOutbox, World, a_world
from tests.builders import NOW, a_paper, a_review, a_subscription
from tests.fakes.platform import KilledError, MemoryPlatform

THURSDAYS = MeetingPlan(Schedule(time(16), frozenset({3}), "Europe/Berlin"), place="Room 4")
BY = {"by": "Ada", "by_id": "console::U1"}
KTO, DPO = "2402.01306", "2305.18290"
SCOPE = QueueScope("console", "", CHANNEL.channel)


def a_group(
    plan: MeetingPlan = THURSDAYS, *, people: str = "AB", marked: tuple[str, ...] = (KTO, DPO)
) -> World:
    """Build a world whose channel has a plan of meetings, a rota, and papers on the queue."""
    world = a_world(papers=0)
    world.store.library.add(
        [(a_paper(KTO, title="KTO"), a_review(7.0)), (a_paper(DPO, title="DPO"), a_review(9.0))], now=NOW
    )
    for paper in marked:
        for person in ("A", "B") if paper == KTO else ("A",):
            mark = Mark(CHANNEL, "", paper, person, MarkSource.BUTTON, NOW)
            world.store.marks.set_mark(mark, True)
    (subscription,) = world.store.subscriptions.list_active()
    meeting = world.store.meeting_plans.save(subscription.id, plan, **BY, now=NOW)
    for number, person in enumerate(people):
        member = Member(person, NOW + timedelta(minutes=number))
        world.store.meeting_plans.save_member(meeting.plan_id, member)
    return world


def coming(world: World) -> Meeting:
    meeting = world.store.meeting_plans.find(CHANNEL)
    assert meeting
    return meeting


def go_to(world: World, instant: datetime, **options: Any) -> None:
    """Let a worker tick at an instant."""
    world.now = instant
    world.tick(queue_policy=QueuePolicy(has_workspace_queue=False), **options)


def read_posts(world: World) -> list[str]:
    """Return the text of each page of the meeting's posts, in the order of posting."""
    return [
        "\n".join(map(_read_block, page.payload["blocks"]))
        for _, _, page in world.posted_pages.pages
        if _is_of_meeting(page.payload["blocks"])
    ]


def _is_of_meeting(blocks: list[dict[str, Any]]) -> bool:
    text = "\n".join(map(_read_block, blocks))
    return any(
        word in text
        for word in ("Which paper", "No meeting", "No paper yet", "The poll is", "Leads", "begin with")
    )


def _read_block(block: dict[str, Any]) -> str:
    return " ".join(filter(None, (block.get("label"), block.get("text"), block.get("title"))))


def run_month(world: World, **options: Any) -> None:
    """Tick at each hour at which something of the coming meeting is due."""
    times = coming(world).timetable
    for instant in (times.poll_at, times.closes_at, times.reminder_at):
        go_to(world, instant, **options)


def test_a_poll_an_agenda_and_a_reminder_come_at_their_hours() -> None:
    world = a_group()
    run_month(world)
    poll, agenda, paper, reminder = read_posts(world)
    assert "DPO" in poll
    assert "The poll is closed." in poll, "it is edited when it closes"
    assert agenda.splitlines()[0] == "Thu 3 Dec: DPO"
    assert "When Thu 3 Dec, 16:00 (Europe/Berlin) · Room 4" in agenda
    assert "Leads A" in agenda
    assert "1. " in paper
    assert "Wednesday" not in reminder
    assert reminder.splitlines()[0] == "Reminder · Thu 3 Dec: DPO"


def test_a_poll_that_had_nothing_to_offer_says_how_the_paper_was_found() -> None:
    world = a_group(marked=())
    meeting = coming(world)
    go_to(world, meeting.timetable.poll_at)
    world.store.marks.set_mark(Mark(CHANNEL, "", DPO, "A", MarkSource.BUTTON, world.now), True)
    go_to(world, meeting.timetable.closes_at)
    poll = next(page.payload for _, _, page in world.posted_pages.pages)
    text = "\n".join(map(_read_block, poll["blocks"]))
    assert text == "Thursday 3 December: “DPO”\nIt was the most wanted paper of the queue."


def save_question(world: World, question: str, *, now: datetime) -> None:
    """Save a question about the first limitation of the paper that wins."""
    limitation = digest_limitation(find_key_limitation(world.store.library.get([DPO])[DPO]))
    world.store.starter_questions.save(DPO, {limitation: question}, now=now)


def test_an_agenda_asks_the_models_questions_and_says_so_each_time_that_it_is_built() -> None:
    world = a_group()
    times = coming(world).timetable
    save_question(world, "Does <!channel> it *matter*?", now=times.poll_at)
    run_month(world)
    paper = read_posts(world)[2]
    assert "1. Does <!channel> it *matter*? (by the model)" in paper
    assert "2. " in paper
    assert paper.count("(by the model)") == 1
    world.store.meeting_plans.save(
        coming(world).subscription_id, replace(THURSDAYS, place="Room 5"), **BY, now=world.now
    )
    go_to(world, world.now + timedelta(minutes=1))
    assert read_posts(world)[2] == paper


def test_a_question_that_comes_after_the_agenda_changes_nothing() -> None:
    world = a_group()
    run_month(world)
    before = read_posts(world)
    save_question(world, "Too late?", now=world.now)
    world.store.meeting_plans.save(
        coming(world).subscription_id, replace(THURSDAYS, place="Room 5"), **BY, now=world.now
    )
    go_to(world, world.now + timedelta(minutes=1))
    assert "Room 5" in read_posts(world)[1], "the agenda was built again"
    assert read_posts(world)[2] == before[2]


def test_votes_are_counted_on_the_poll_and_decide() -> None:
    world = a_group()
    meeting = coming(world)
    go_to(world, meeting.timetable.poll_at)
    for person in ("A", "B", "C"):
        place = 0 if person != "C" else 1
        assert world.store.meetings.vote(meeting.id, place, person, now=world.now)
    go_to(world, world.now + timedelta(minutes=1))
    (poll,) = read_posts(world)
    assert "1. KTO · 7.0/10 · 2 votes" in poll
    assert "2. DPO · 9.0/10 · 1 vote" in poll
    go_to(world, meeting.timetable.closes_at)
    assert coming(world).paper == KTO


def test_the_paper_leaves_the_queue_and_a_later_mark_brings_it_back() -> None:
    world = a_group()
    meeting = coming(world)
    go_to(world, meeting.timetable.closes_at)
    assert [queued.paper for queued in read_queue(world)] == [DPO]
    mark = Mark(CHANNEL, "", KTO, "C", MarkSource.BUTTON, world.now + timedelta(hours=1))
    world.store.marks.set_mark(mark, True)
    assert {queued.paper for queued in read_queue(world)} == {KTO, DPO}


def read_queue(world: World) -> Any:
    since = NOW - timedelta(days=30)
    return world.store.marks.discussion_queue(SCOPE, since=since, now=world.now, limit=9)


def test_a_postponed_paper_is_not_offered() -> None:
    world = a_group()
    poll_at = coming(world).timetable.poll_at
    world.store.queue_decisions.decide(
        KTO, SCOPE, QueueOutcome.POSTPONED, by="Ada", by_id="", now=NOW, until=poll_at + timedelta(days=1)
    )
    go_to(world, poll_at)
    assert [candidate.paper for candidate in coming(world).candidates] == [DPO]


def test_where_all_papers_are_postponed_no_post_calls_the_queue_empty() -> None:
    world = a_group(marked=(KTO,))
    meeting = coming(world)
    until = meeting.timetable.starts_at
    world.store.queue_decisions.decide(
        KTO, SCOPE, QueueOutcome.POSTPONED, by="Ada", by_id="", now=NOW, until=until
    )
    go_to(world, meeting.timetable.poll_at)
    go_to(world, meeting.timetable.closes_at)
    poll, agenda = read_posts(world)
    assert "The queue has no paper for it: mark some with 🔖" in poll
    assert "The queue had no paper for it: mark some with 🔖" in agenda


def test_a_held_paper_is_neither_offered_nor_chosen() -> None:
    world = a_group(people="A")
    world.store.moderation.hold(DPO, "suspect", now=NOW)
    run_month(world)
    assert "DPO" not in "\n".join(read_posts(world))
    assert coming(world).paper == KTO


def test_a_paper_that_is_held_during_the_poll_does_not_win() -> None:
    world = a_group()
    meeting = coming(world)
    go_to(world, meeting.timetable.poll_at)
    assert world.store.meetings.vote(meeting.id, 1, "A", now=world.now)
    world.store.moderation.hold(DPO, "suspect", now=world.now)
    go_to(world, meeting.timetable.closes_at)
    assert coming(world).paper == KTO


def test_a_meeting_of_a_shared_queue_takes_a_paper_of_the_partner_off_both_sides() -> None:
    here, there = replace(CHANNEL, workspace="W1"), Channel("console", "other", "W2")
    sides = QueueScope("console", "W1"), QueueScope("console", "W2")
    group = QueueGroup("readers", sides)
    policy = QueuePolicy(groups=(group,))
    world = World()
    world.subscribe(replace(a_subscription(), channel=here))
    for paper, channel in ((KTO, here), (DPO, there)):
        world.store.library.add([(a_paper(paper), a_review(7.0 if paper == KTO else 9.0))], now=NOW)
        world.store.marks.set_mark(Mark(channel, "", paper, "A", MarkSource.BUTTON, NOW), True)
    (subscription,) = world.store.subscriptions.list_active()
    meeting = world.store.meeting_plans.save(subscription.id, THURSDAYS, **BY, now=NOW)
    for member in sides:
        world.store.queue_consents.agree(group, member, by="Ada", by_id="console:W1:A", now=NOW)
    for instant in (meeting.timetable.poll_at, meeting.timetable.closes_at):
        world.now = instant
        world.tick(queue_policy=policy)
    chosen = world.store.meeting_plans.find(here)
    assert chosen
    assert chosen.paper == DPO
    for side in sides:
        left = world.store.marks.discussion_queue(side, since=NOW, now=world.now, limit=9)
        assert [queued.paper for queued in left] == [KTO] * (side == sides[0])


SHARED, PARTNER = Channel("console", "papers", "T1"), Channel("discord", "33", "9")
GROUP = QueueGroup("Reading group", (QueueScope("console", "T1", "papers"), QueueScope("discord", "9")))


def a_group_with_a_partner() -> World:
    """Build a world whose channel may share its queue with a partner's, who marked another paper."""
    world = a_world(papers=0)
    world.store.library.add([(a_paper(KTO), a_review(7.0)), (a_paper(DPO), a_review(9.0))], now=NOW)
    (known,) = world.store.subscriptions.list_active()
    world.subscribe(replace(known, channel=SHARED))
    shared = next(each for each in world.store.subscriptions.list_active() if each.channel == SHARED)
    world.store.meeting_plans.save(shared.id, THURSDAYS, **BY, now=NOW)
    for channel, paper, people in ((SHARED, KTO, "A"), (PARTNER, DPO, "PQ")):
        for person in people:
            world.store.marks.set_mark(Mark(channel, "", paper, person, MarkSource.BUTTON, NOW), True)
    return world


def list_partner_queue(world: World) -> list[str]:
    queue = world.store.marks.discussion_queue(
        QueueScope("discord", "9"), since=NOW - timedelta(days=30), now=world.now, limit=9
    )
    return [queued.paper for queued in queue]


def hold_shared_meeting(world: World) -> Meeting:
    """Let a meeting's poll, agenda and reminder be posted, and return the meeting."""
    policy = QueuePolicy(has_workspace_queue=True, groups=(GROUP,))
    meeting = world.store.meeting_plans.find(SHARED)
    assert meeting
    times = meeting.timetable
    for world.now in (times.poll_at, times.closes_at, times.reminder_at):
        world.tick(queue_policy=policy)
    held = world.store.meeting_plans.find(SHARED)
    assert held
    return held


def test_the_reminder_of_a_shared_queue_names_nobody_of_the_partner() -> None:
    world = a_group_with_a_partner()
    for member in GROUP.members:
        world.store.queue_consents.agree(GROUP, member, **BY, now=NOW)
    meeting = hold_shared_meeting(world)
    assert meeting.paper == DPO
    reminder = read_posts(world)[-1]
    assert "Wanted by" not in reminder, "people of the other workspace are not named here"


@pytest.mark.parametrize("agreed", [(), GROUP.members[:1], GROUP.members[1:]])
def test_without_the_consent_of_all_a_meeting_has_the_papers_of_its_own_channel(
    agreed: tuple[QueueScope, ...],
) -> None:
    world = a_group_with_a_partner()
    for member in agreed:
        world.store.queue_consents.agree(GROUP, member, **BY, now=NOW)
    meeting = hold_shared_meeting(world)
    assert [candidate.paper for candidate in meeting.candidates] == [KTO]
    assert list_partner_queue(world) == [DPO]
    assert "Wanted by A" in read_posts(world)[-1]


def test_the_reminder_names_who_leads_and_who_voted_for_the_paper() -> None:
    world = a_group()
    meeting = coming(world)
    go_to(world, meeting.timetable.poll_at)
    for person in ("A", "C"):
        world.store.meetings.vote(meeting.id, 1, person, now=world.now)
    go_to(world, meeting.timetable.closes_at)
    go_to(world, meeting.timetable.reminder_at)
    reminder = read_posts(world)[-1]
    assert "Leads A" in reminder
    assert "Wanted by C" in reminder


def test_the_reminder_names_those_who_marked_the_paper_in_this_channel() -> None:
    world = a_group(replace(THURSDAYS, has_poll=False))
    elsewhere = Mark(Channel("console", "elsewhere"), "", KTO, "D", MarkSource.BUTTON, NOW)
    world.store.marks.set_mark(elsewhere, True)
    run_month(world)
    assert "Wanted by B" in read_posts(world)[-1].splitlines()


def test_the_agenda_follows_a_swap() -> None:
    world = a_group()
    go_to(world, coming(world).timetable.closes_at)
    chosen = coming(world)
    assert world.store.meetings.set_presenter(chosen, Member("B", NOW), declined=None, now=world.now)
    posted = len(world.posted_pages.pages)
    go_to(world, world.now + timedelta(minutes=1))
    assert len(world.posted_pages.pages) == posted, "it is edited"
    assert any("Leads B" in post for post in read_posts(world))
    assert not any("Leads A" in post for post in read_posts(world))


def test_an_agenda_asks_after_the_meeting_and_follows_the_answers() -> None:
    world = a_group()
    go_to(world, coming(world).timetable.closes_at)
    chosen = coming(world)
    paper = chosen.paper or ""
    assert not any("Afterwards" in post for post in read_posts(world))
    go_to(world, chosen.timetable.starts_at)
    go_to(world, world.now + timedelta(minutes=1))
    posted = len(world.posted_pages.pages)
    assert sum("Afterwards Was it worth it?" in post for post in read_posts(world)) == 1
    for person, is_worth_it in (("A", True), ("B", False), ("C", True)):
        world.store.discussions.set_worth_it(SCOPE, paper, person, is_worth_it, now=world.now)
    world.store.discussions.set_worth_it(replace(SCOPE, channel="other"), paper, "D", True, now=world.now)
    world.store.meeting_plans.end(chosen.plan_id, **BY, now=world.now)
    go_to(world, world.now + timedelta(minutes=1))
    assert any("Worth it 2 of 3." in post for post in read_posts(world))
    assert not any("were ended" in post for post in read_posts(world)), "the meeting was held all the same"
    world.store.people.forget(Subject(SubjectKind.PERSON, "console", "", "A"), now=world.now)
    go_to(world, world.now + timedelta(minutes=1))
    assert any("Worth it 1 of 2." in post for post in read_posts(world))
    assert len(world.posted_pages.pages) == posted, "it is edited"


def test_an_empty_queue_is_said_and_the_next_meeting_is_planned() -> None:
    world = a_group(marked=())
    meeting = coming(world)
    go_to(world, meeting.timetable.poll_at)
    go_to(world, meeting.timetable.closes_at)
    poll, agenda = read_posts(world)
    assert "The queue has no paper for it" in poll
    assert agenda.splitlines()[0] == "No meeting on Thursday 3 December"
    assert "The next one is on Thursday 10 December." in agenda
    go_to(world, meeting.timetable.starts_at)
    assert coming(world).timetable.starts_at == meeting.timetable.starts_at + timedelta(weeks=1)


def test_a_paper_that_is_marked_after_an_empty_poll_is_taken() -> None:
    world = a_group(marked=())
    meeting = coming(world)
    go_to(world, meeting.timetable.poll_at)
    world.store.marks.set_mark(Mark(CHANNEL, "", KTO, "A", MarkSource.BUTTON, world.now), True)
    go_to(world, meeting.timetable.closes_at)
    assert coming(world).paper == KTO


def test_without_a_poll_the_most_wanted_paper_is_taken() -> None:
    world = a_group(replace(THURSDAYS, has_poll=False))
    run_month(world)
    assert coming(world).paper == KTO
    assert len(read_posts(world)) == 3


def test_a_day_off_is_said_and_nothing_else_is_posted() -> None:
    day = THURSDAYS.find_day(coming(a_group()).timetable.starts_at)
    world = a_group(replace(THURSDAYS, days_off=(DaysOff(day, day),)))
    run_month(world)
    (post,) = read_posts(world)
    assert post == (
        "No meeting on Thursday 3 December\nIt is a day off. The next one is on Thursday 10 December."
    )


def test_a_meeting_that_is_called_off_late_says_so_in_its_agenda() -> None:
    world = a_group()
    meeting = coming(world)
    go_to(world, meeting.timetable.closes_at)
    day = THURSDAYS.find_day(meeting.timetable.starts_at)
    plan = replace(THURSDAYS, days_off=(DaysOff(day, day),))
    world.store.meeting_plans.save(meeting.subscription_id, plan, **BY, now=world.now)
    go_to(world, world.now + timedelta(minutes=1))
    go_to(world, meeting.timetable.reminder_at)
    agenda = read_posts(world)[0]
    assert agenda.startswith("No meeting on Thursday 3 December")
    assert "“KTO” is kept for then." in agenda


@pytest.mark.parametrize("others", [(DPO,), ()])
def test_a_paper_that_is_held_after_its_meeting_was_called_off_gets_no_card(others: tuple[str, ...]) -> None:
    world = a_group(marked=(KTO, *others))
    meeting = coming(world)
    go_to(world, meeting.timetable.poll_at)
    assert world.store.meetings.vote(meeting.id, 0, "A", now=world.now)
    go_to(world, meeting.timetable.closes_at)
    assert coming(world).paper == KTO
    day = THURSDAYS.find_day(meeting.timetable.starts_at)
    plan = replace(THURSDAYS, days_off=(DaysOff(day, day),))
    world.store.meeting_plans.save(meeting.subscription_id, plan, **BY, now=world.now)
    go_to(world, meeting.timetable.starts_at)
    leads = coming(world).presenter
    assert (coming(world).paper, leads) == (KTO, "A"), "they are kept for the next one"
    world.store.moderation.hold(KTO, "suspect", now=world.now)
    posted = len(read_posts(world))
    go_to(world, coming(world).timetable.closes_at)
    assert world.store.queue_decisions.last_discussions(SCOPE, [KTO]) == {}, "it was not discussed"
    new = "\n".join(read_posts(world)[posted:])
    assert "KTO" not in new
    assert KTO not in new
    if others:
        assert (coming(world).paper, coming(world).presenter) == (DPO, leads)
        assert "Leads A" in new
    else:
        assert "The queue had no paper for it" in new


def test_a_called_off_meeting_shows_no_card_of_a_held_paper() -> None:
    world = a_group(marked=(KTO,))
    meeting = coming(world)
    go_to(world, meeting.timetable.closes_at)
    days_off = tuple(DaysOff(THURSDAYS.find_day(at), THURSDAYS.find_day(at)) for at in two_weeks(meeting))
    plan = replace(THURSDAYS, days_off=days_off)
    world.store.meeting_plans.save(meeting.subscription_id, plan, **BY, now=world.now)
    world.store.moderation.hold(KTO, "suspect", now=world.now)
    go_to(world, meeting.timetable.starts_at)
    posted = len(read_posts(world))
    go_to(world, coming(world).timetable.closes_at)
    (agenda,) = read_posts(world)[posted:]
    assert agenda.startswith("No meeting on Thursday 10 December")
    assert "KTO" not in agenda


def two_weeks(meeting: Meeting) -> tuple[datetime, datetime]:
    return meeting.timetable.starts_at, meeting.timetable.starts_at + timedelta(days=7)


def test_meetings_of_an_archived_channel_rest_with_its_digest() -> None:
    def refuse() -> None:
        raise PostError("The channel was archived.", Outcome.GONE)

    world = a_group()
    timetable = coming(world).timetable
    go_to(world, timetable.poll_at - timedelta(minutes=1))
    platform = MemoryPlatform(world.posted_pages, before_post=refuse)
    go_to(world, timetable.poll_at, platform=platform)
    (subscription,) = world.store.subscriptions.list_active()
    assert subscription.stop_reason == "The channel was archived."
    posted = len(world.posted_pages.pages)
    for instant in (timetable.closes_at, timetable.reminder_at, timetable.starts_at):
        go_to(world, instant)
    assert len(world.posted_pages.pages) == posted, "nobody is there to read it"
    assert coming(world).paper is None, "no paper leaves the queue for it"


def test_nobody_leads_without_a_rota() -> None:
    world = a_group(people="")
    go_to(world, coming(world).timetable.closes_at)
    assert "Leads Nobody yet. Who takes it?" in read_posts(world)[0]


def test_a_post_that_cannot_be_sent_before_its_meeting_is_given_up() -> None:
    world = a_group()
    times = coming(world).timetable
    go_to(world, times.closes_at)
    assert read_posts(world)
    (subscription,) = world.store.subscriptions.list_active()
    (report,) = world.store.delivery_reports.history(subscription, 9, kind=DeliveryKind.AGENDA)
    assert report.state is DeliveryState.POSTED


STEPS = (
    ("poll_at", DeliveryKind.POLL),
    ("closes_at", DeliveryKind.AGENDA),
    ("reminder_at", DeliveryKind.REMINDER),
)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 6))
@pytest.mark.parametrize("step", range(3))
def test_each_post_comes_once_whatever_call_of_the_outbox_its_worker_dies_at(
    step: int, at: int, after: bool
) -> None:
    world = a_group()
    killed: Any = KilledOutbox(world.store.outbox, at, after=after)
    run_with_crash(world, step, store=replace(world.store, outbox=killed))
    expect_one_meeting(world)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 4))
@pytest.mark.parametrize("step", range(3))
def test_each_post_comes_once_whatever_step_of_the_meeting_its_worker_dies_at(
    step: int, at: int, after: bool
) -> None:
    world = a_group()
    killed: Any = KilledOutbox(world.store.meetings, at, after=after)  # type: ignore[arg-type]
    run_with_crash(world, step, store=replace(world.store, meetings=killed))
    expect_one_meeting(world)


@pytest.mark.parametrize("step", range(3))
def test_each_post_comes_once_if_its_worker_dies_after_it_was_sent(step: int) -> None:
    def die() -> None:
        raise KilledError

    world = a_group()
    run_with_crash(world, step, platform=MemoryPlatform(world.posted_pages, after_post=die))
    expect_one_meeting(world)


def run_with_crash(world: World, step: int, **options: Any) -> None:
    """Run a month in which the worker of one step dies, and another takes over after its lease."""
    times = coming(world).timetable
    for place, (name, _) in enumerate(STEPS):
        instant = getattr(times, name)
        if place == step:
            try:
                go_to(world, instant, **options)
            except* KilledError:
                instant += timedelta(minutes=10)
        go_to(world, instant)
        go_to(world, instant + timedelta(minutes=10))


def expect_one_meeting(world: World) -> None:
    """Expect one poll, agenda and reminder, one paper that left the queue, and one person who leads."""
    posts = read_posts(world)
    starts = ["Thursday 3 December", "Thu 3 Dec: DPO", "DPO", "Reminder · Thu 3 Dec: DPO"]
    assert len(posts) == len(starts), posts
    assert all(post.startswith(start) for post, start in zip(posts, starts, strict=True)), posts
    assert "The poll is closed." in posts[0]
    assert len({key for _, key, _ in world.posted_pages.pages}) == len(world.posted_pages.pages)
    assert (coming(world).paper, coming(world).presenter) == (DPO, "A")
    assert [queued.paper for queued in read_queue(world)] == [KTO]
    (subscription,) = world.store.subscriptions.list_active()
    for _, kind in STEPS:
        reports = world.store.delivery_reports.history(subscription, 9, kind=kind)
        assert [report.state for report in reports] == [DeliveryState.POSTED]
