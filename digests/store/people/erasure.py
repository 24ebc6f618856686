"""Erasure of what is kept about a person, a channel or a workspace."""

from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, and_, delete, or_, select, true, update

from digests.ports.people import Counts, Subject, SubjectKind
from digests.store import schema
from digests.store.account_links import delete_lone_links
from digests.store.discussions import edit_agendas
from digests.store.people.conditions import is_note_of, is_of_person, is_qualified, is_until, last_answer_at
from digests.store.people.meetings import erase_from_meetings
from digests.store.people.names import (
    collect_names,
    erase_names,
    erase_names_in_history,
    erase_pauses,
    erase_requesters,
    erase_sharer,
    has_newer_change,
    names_person,
)
from digests.store.people.places import delete_channels, erase_workspace, is_channel
from digests.store.post_refreshes import enqueue_refreshes

marks, post_papers, subscriptions = schema.marks, schema.post_papers, schema.subscriptions
changes, discussions, holds = schema.subscription_changes, schema.discussions, schema.holds
requests, reports, re_reviews = schema.paper_requests, schema.review_reports, schema.re_reviews
feedback, queue_decisions, consents = schema.feedback, schema.queue_decisions, schema.queue_consents
account_links, link_codes, answers = schema.account_links, schema.link_codes, schema.discussion_answers
paper_notes, plans, installations = schema.paper_notes, schema.meeting_plans, schema.installations

POSTS_PER_PAPER = 3
"""Messages of a channel that are refreshed after marks of a paper were erased: the newest that show it."""


def erase_subject(
    connection: Connection, subject: Subject, *, now: datetime, before: datetime | None = None
) -> Counts:
    """Erase a subject in the caller's transaction, as `People.forget` says, and count the records.

    With `before`, records that are newer stay. Refreshes are due at `now`.
    """
    match subject.kind:
        case SubjectKind.PERSON:
            counts = _erase_person(connection, subject, now, before)
        case SubjectKind.WORKSPACE:
            counts = erase_workspace(connection, subject, before)
        case SubjectKind.CHANNEL:
            counts = delete_channels(connection, before, is_channel(subject))
    return {kind: count for kind, count in counts.items() if count}


def _erase_person(
    connection: Connection, person: Subject, now: datetime, before: datetime | None
) -> dict[str, int]:
    names = collect_names(connection, person)
    counts = _delete_direct_digests(connection, person, before)
    counts["marks"] = counts.get("marks", 0) + _delete_marks(connection, person, now, before)
    is_owner = and_(*is_of_person(subscriptions, person), subscriptions.c.owner_id == person.id)
    owned = update(subscriptions).where(is_owner, ~has_newer_change(person, before)).values(owner_id="")
    counts["digests set up"] = connection.execute(owned).rowcount
    is_installer = and_(
        *is_of_person(installations, person),
        installations.c.installed_by == person.id,
        is_until(installations.c.installed_at, before),
    )
    installed = update(installations).where(is_installer).values(installed_by="")
    counts["installations"] = connection.execute(installed).rowcount
    counts["pauses"] = erase_pauses(connection, person, names, before)
    is_persons = is_qualified(changes.c.by_id, person)
    scope = select(subscriptions.c.id).where(*is_of_person(subscriptions, person))
    is_named = and_(changes.c.by_id == "", changes.c.by.in_(names), changes.c.subscription.in_(scope))
    counts["changes"] = erase_names(connection, changes, or_(is_persons, is_named), before)
    erase_names_in_history(connection, names_person(person, names), before)
    is_named = and_(holds.c.by_id == "", holds.c.by.in_(names))
    is_decider = or_(is_qualified(holds.c.by_id, person), is_named)
    counts["decisions"] = erase_names(connection, holds, is_decider, before)
    is_named = and_(
        discussions.c.by_id == "", discussions.c.by.in_(names), *is_of_person(discussions, person)
    )
    is_finisher = or_(is_qualified(discussions.c.by_id, person), is_named)
    counts["discussions"] = erase_names(connection, discussions, is_finisher, before)
    is_decider = is_qualified(queue_decisions.c.by_id, person)
    counts["queue decisions"] = erase_names(connection, queue_decisions, is_decider, before)
    is_agreeing = is_qualified(consents.c.by_id, person)
    counts["agreements"] = erase_names(connection, consents, is_agreeing, before)
    counts["linked accounts"] = _delete_links(connection, person, before)
    is_asker = or_(
        is_qualified(re_reviews.c.by_id, person), and_(re_reviews.c.by_id == "", re_reviews.c.by.in_(names))
    )
    counts["re-reviews"] = erase_names(connection, re_reviews, is_asker, before)
    is_own_report = (
        *is_of_person(reports, person), reports.c.person == person.id, is_until(reports.c.at, before),
    )  # fmt: skip
    counts["reports"] = connection.execute(delete(reports).where(*is_own_report)).rowcount
    is_own_opinion = (
        *is_of_person(feedback, person), feedback.c.person == person.id, is_until(feedback.c.at, before),
    )  # fmt: skip
    counts["opinions"] = connection.execute(delete(feedback).where(*is_own_opinion)).rowcount
    is_own_note = (*is_note_of(person), is_until(paper_notes.c.at, before))
    counts["notes"] = connection.execute(delete(paper_notes).where(*is_own_note)).rowcount
    counts["answers about discussions"] = _delete_answers(connection, person, now, before)
    counts["requests"] = erase_requesters(
        connection,
        [*is_of_person(requests, person), requests.c.person == person.id, is_until(requests.c.at, before)],
        keeps_workspace=True,
    )
    counts["shared cards"] = erase_sharer(connection, person, names, now, before)
    is_planner = or_(
        is_qualified(plans.c.by_id, person),
        and_(plans.c.by_id == "", plans.c.by.in_(names), plans.c.subscription.in_(scope)),
    )
    counts["plans of meetings"] = erase_names(connection, plans, is_planner, before)
    return counts | erase_from_meetings(
        connection, and_(*is_of_person(subscriptions, person)), person.id, now, before
    )


def _delete_direct_digests(
    connection: Connection, person: Subject, before: datetime | None
) -> dict[str, int]:
    """Delete the digests that a person gets in direct messages, with everything else in that conversation."""
    is_own = and_(
        *is_of_person(subscriptions, person),
        subscriptions.c.owner_id == person.id,
        subscriptions.c.is_direct,
    )
    conversations = select(subscriptions.c.workspace, subscriptions.c.channel).where(is_own).distinct()
    counts: Counter[str] = Counter()
    for workspace, channel in connection.execute(conversations).all():
        conversation = Subject(SubjectKind.CHANNEL, person.platform, workspace, channel)
        counts.update(delete_channels(connection, before, is_channel(conversation)))
    counts["own digests"] = counts.pop("digests", 0)
    return dict(counts)


def _delete_links(connection: Connection, person: Subject, before: datetime | None) -> int:
    """Take a person's account out of its links, and delete the codes that it got or typed."""
    other = (link_codes.c.other_platform, link_codes.c.other_workspace, link_codes.c.other_person)
    places = (person.workspace, "")
    is_other = and_(
        other[0] == person.platform,
        other[1].in_(places) if person.workspace else true(),
        other[2] == person.id,
    )
    is_own = and_(*is_of_person(link_codes, person), link_codes.c.person == person.id)
    void = delete(link_codes).where(or_(is_own, is_other), is_until(link_codes.c.expires_at, before))
    connection.execute(void)
    linked = delete(account_links).where(
        *is_of_person(account_links, person),
        account_links.c.person == person.id,
        is_until(account_links.c.at, before),
    )
    count: int = connection.execute(linked).rowcount
    delete_lone_links(connection)
    return count


def _delete_marks(connection: Connection, person: Subject, now: datetime, before: datetime | None) -> int:
    conditions = (
        *is_of_person(marks, person), marks.c.person == person.id, is_until(marks.c.at, before),
    )  # fmt: skip
    shown = (
        select(marks.c.platform, marks.c.channel, marks.c.paper).where(*conditions, marks.c.is_on).distinct()
    )
    marked = [tuple(row) for row in connection.execute(shown)]
    count: int = connection.execute(delete(marks).where(*conditions)).rowcount
    for platform, channel, paper in marked:
        showing = select(post_papers.c.post).where(
            post_papers.c.platform == platform,
            post_papers.c.channel == channel,
            post_papers.c.paper == paper,
        )
        newest = showing.order_by(post_papers.c.post.desc()).limit(POSTS_PER_PAPER)
        enqueue_refreshes(connection, connection.execute(newest).scalars(), now)
    return count


def _delete_answers(connection: Connection, person: Subject, now: datetime, before: datetime | None) -> int:
    """Delete a person's answers about discussed papers; the agendas with their numbers are edited."""
    is_own = (
        *is_of_person(answers, person), answers.c.person == person.id, is_until(last_answer_at(), before),
    )  # fmt: skip
    papers = list(connection.execute(select(answers.c.paper).where(*is_own).distinct()).scalars())
    edit_agendas(connection, and_(*is_of_person(subscriptions, person)), papers, now)
    count: int = connection.execute(delete(answers).where(*is_own)).rowcount
    return count
