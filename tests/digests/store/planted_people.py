"""A store in which people have done everything of which it keeps something, and what is left of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

from sqlalchemy import select

from digests.meetings.model import Candidate, MeetingPlan, Member
from digests.model import Account, Mark, MarkSource, Post, QueueOutcome
from digests.ports import Store
from digests.ports.outbox import DeliveryKind, PageSent, PlannedPage, PlanSaved
from digests.ports.paper_notes import NoteSource
from digests.ports.people import SOMEBODY, Subject, SubjectKind
from digests.ports.queue_groups import QueueGroup
from digests.ports.review_reports import ReviewPart, ReviewReport
from digests.ports.workspaces import WorkspaceState
from digests.store import schema
from digests.subscription import Channel, Schedule, Subscription, SubscriptionChange
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription, an_installation

LATER = NOW + timedelta(hours=1)
PERSON, NAME = "U0ADALOVELACE", "Ada *Lovelace*"
OTHER, OTHER_NAME = "U0BOB", "Bob"
PAPER, HELD = "2402.01306", "2402.01307"

ADA = Subject(SubjectKind.PERSON, "slack", "T1", PERSON)
ADA_ELSEWHERE = replace(ADA, workspace="T2")


def channel_of(workspace: str) -> Channel:
    return Channel("slack", f"C{workspace}", workspace)


def digest_of(workspace: str, person: str = PERSON) -> Channel:
    return Channel("slack", f"C{workspace}{'AB'[person == OTHER]}", workspace)


def plant(store: Store, workspace: str, person: str, name: str, paper: str = PAPER) -> None:
    """Let a person do everything of which the store keeps something."""
    channel, tag = channel_of(workspace), "AB"[person == OTHER]
    by = {"by": name, "by_id": f"slack:{workspace}:{person}"}
    pause_new_digest(store, digest_of(workspace, person), person, **by)
    for is_on, which in ((True, paper), (False, HELD)):
        mark = Mark(channel, f"1.{tag}", which, person, MarkSource.REACTION, NOW)
        store.marks.set_mark(mark, is_on)
    for outcome in (QueueOutcome.DISCUSSED, QueueOutcome.PASSED):
        store.queue_decisions.decide(
            f"{paper}.{tag}", scope_of(workspace), outcome, by=name, by_id=by["by_id"], now=NOW
        )
    plant_group(store, workspace, person, by)
    store.moderation.hold(f"held.{workspace}.{tag}", "suspect", now=NOW)
    store.moderation.release(f"held.{workspace}.{tag}", **by, now=NOW)
    store.paper_requests.add(paper, now=NOW, platform="slack", workspace=workspace, person=person)
    store.feedback.set_opinion(channel, paper, person, False, now=NOW)
    store.paper_notes.add(scope_of(workspace), paper, person, f"{name} likes it.", limit=9, now=NOW)
    kept = NoteSource(person, channel.channel, f"9.{tag}")
    store.paper_notes.add(
        scope_of(workspace), paper, "U0", f"{name} wrote it.", limit=9, now=NOW, source=kept
    )
    store.discussions.set_worth_it(scope_of(workspace), paper, person, True, now=NOW)
    plant_report(store, workspace, person, by, paper)
    content, nameless = ({"text": f"Shared by {each}"} for each in (name, SOMEBODY))
    post = Post(channel, f"2.{tag}", (paper,), content)
    store.posts.record_shared(post, now=NOW, by_id=by["by_id"], nameless=nameless)
    store.workspaces.decide("slack", workspace, WorkspaceState.SERVED, now=NOW)
    if tag == "A":  # One person installs the app.
        store.installations.save(replace(an_installation(workspace), installed_by=person))
        store.installations.add_member("slack", workspace, f"E-of-{workspace}")
    if workspace == "T1":  # Its tables do not name the workspace, by which rows of others are told apart.
        plant_meeting(store, digest_of(workspace, person), person, by)


def plant_meeting(store: Store, channel: Channel, person: str, by: dict[str, str]) -> None:
    """Let a person plan a meeting, vote for its paper, and lead it; its agenda mentions the person."""
    subscription = store.subscriptions.find(channel)
    assert subscription
    plan = MeetingPlan(Schedule(time(16), frozenset({3}), "UTC"))
    meeting = store.meeting_plans.save(subscription.id, plan, **by, now=NOW)
    member = Member(person, NOW)
    store.meeting_plans.save_member(meeting.plan_id, member)
    store.meetings.open_poll(meeting.id, [Candidate(PAPER)])
    if voted := store.meetings.vote(meeting.id, 0, person, now=NOW):
        store.meetings.choose_paper(voted, PAPER, member, now=NOW)
    else:
        store.meetings.set_presenter(meeting, member, declined=None, now=NOW)
        return
    lease = timedelta(minutes=5)
    claim = store.outbox.claim(
        subscription, NOW.date(), owner="w", now=NOW, lease=lease, kind=DeliveryKind.AGENDA
    )
    assert claim
    page = PlannedPage(0, "agenda", {"text": f"<@{person}> leads"}, (), False)
    planned = replace(claim, pages=(page,))
    store.outbox.apply([PlanSaved(planned, 1)])
    store.outbox.apply([PageSent(planned, 0, "3.A", NOW, is_last=True)])
    with store.people.database.write() as connection:  # type: ignore[attr-defined]
        post = {"delivery": claim.id, "meeting": meeting.id}
        connection.execute(schema.meeting_posts.insert().values(post))


def plant_group(store: Store, workspace: str, person: str, by: dict[str, str]) -> None:
    """Let a person agree to share a queue, link the account with another, and offer and claim a code."""
    group = QueueGroup(f"with {'AB'[person == OTHER]}", (scope_of(workspace), scope_of("T9")))
    store.queue_consents.agree(group, group.members[0], by=by["by"], by_id=by["by_id"], now=NOW)
    own, other = (
        Account("slack", workspace, person),
        Account("discord", "T9", f"9{len(person)}{workspace[1:]}"),
    )
    links, later = store.account_links, NOW + timedelta(minutes=10)
    links.offer(other, f"CODE{workspace}{person}", now=NOW, expires_at=later)
    for account in (own, other):
        links.enter(account, f"CODE{workspace}{person}", now=NOW)
    links.offer(own, f"OWN{workspace}{person}", now=NOW, expires_at=later)
    links.offer(other, f"THEIRS{workspace}{person}", now=NOW, expires_at=later)
    links.enter(own, f"THEIRS{workspace}{person}", now=NOW)


def plant_report(store: Store, workspace: str, person: str, by: dict[str, str], paper: str) -> None:
    """Let a person doubt a review, and have the paper reviewed again."""
    reported = f"{paper}.{workspace[1:]}.{'AB'[person == OTHER]}"
    report = ReviewReport(
        "slack", workspace, person, reported, ReviewPart.OTHER, f"Not so, says {person}.", NOW
    )
    store.review_reports.save(report, per_day=9)
    (saved,) = store.review_reports.list_of_paper(reported, "slack", workspace, 9)
    store.re_reviews.ask(saved.id, review_number=1, limitations=["Small."], **by, now=NOW)


def pause_new_digest(
    store: Store, channel: Channel, person: str, *, by: str, by_id: str
) -> SubscriptionChange:
    wanted = Subscription(channel, a_subscription().preferences, a_subscription().schedule, owner_id=person)
    store.subscriptions.change(channel, wanted, by=by, by_id=by_id, now=NOW)
    paused = replace(wanted, paused_by=by, paused_by_id=by_id)
    change = store.subscriptions.change(channel, paused, by=by, by_id=by_id, now=NOW)
    assert change
    return change


def scope_of(workspace: str) -> Any:
    from digests.ports.marks import QueueScope

    return QueueScope("slack", workspace)


def a_planted_store(make: Callable[[], Store] = a_store) -> Store:
    store = make()
    store.library.add([(a_paper(PAPER), a_review()), (a_paper(HELD), a_review())], now=NOW)
    plant(store, "T1", PERSON, NAME)
    plant(store, "T1", OTHER, OTHER_NAME)
    plant(store, "T2", PERSON, NAME)
    return store


def read_tables(store: Store) -> dict[str, list[dict[str, Any]]]:
    with store.people.database.read() as connection:  # type: ignore[attr-defined]
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in schema.metadata.sorted_tables
        }


def find_traces(store: Store, *, workspace: str, texts: tuple[str, ...]) -> list[str]:
    """Return the rows that have one of the texts, except those that name another workspace."""
    others = {"T1", "T2"} - {workspace}
    return [
        f"{table}: {row}"
        for table, rows in read_tables(store).items()
        for row in rows
        if any(text in str(row) for text in texts) and not any(other in str(row) for other in others)
    ]


def forget_fingerprints(store: Store) -> None:
    with store.people.database.write() as connection:  # type: ignore[attr-defined]
        connection.execute(schema.notes.delete())
