"""Records about a person that an export has."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, select

from digests.ports.people import Subject
from digests.store import schema
from digests.store.people.conditions import is_note_of, is_of_person, is_qualified
from digests.store.people.meetings import select_meeting_records, select_plans

marks, posts, subscriptions = schema.marks, schema.posts, schema.subscriptions
changes, discussions, holds = schema.subscription_changes, schema.discussions, schema.holds
requests, reports, re_reviews = schema.paper_requests, schema.review_reports, schema.re_reviews
feedback, queue_decisions, consents = schema.feedback, schema.queue_decisions, schema.queue_consents
account_links, answers, paper_notes = schema.account_links, schema.discussion_answers, schema.paper_notes
plans, installations = schema.meeting_plans, schema.installations

_WISHES = tuple(
    subscriptions.c[name]
    for name in (
        "name", "domains", "keywords", "authors", "muted", "top", "min_score", "at", "days", "time_zone",
    )
)  # fmt: skip
"""Columns of a digest that a person set up for themselves."""


def select_records(person: Subject) -> Iterator[tuple[str, Select[Any]]]:
    yield "marks", select(marks).where(*is_of_person(marks, person), marks.c.person == person.id)
    yield "requests", select(requests).where(*is_of_person(requests, person), requests.c.person == person.id)
    place = (subscriptions.c.platform, subscriptions.c.workspace, subscriptions.c.channel)
    is_owner = and_(*is_of_person(subscriptions, person), subscriptions.c.owner_id == person.id)
    yield "digests set up", select(*place, subscriptions.c.owner_id).where(is_owner)
    is_installer = (*is_of_person(installations, person), installations.c.installed_by == person.id)
    names = ("platform", "workspace", "name", "installed_at", "installed_by")
    yield "installations", select(*(installations.c[name] for name in names)).where(*is_installer)
    is_direct = and_(is_owner, subscriptions.c.is_direct)
    yield "own digests", select(*place, *_WISHES).where(is_direct)
    is_pauser = is_qualified(subscriptions.c.paused_by_id, person)
    yield "pauses", select(*place, subscriptions.c.paused_by, subscriptions.c.paused_by_id).where(is_pauser)
    yield (
        "changes",
        select(*place, *(column for column in changes.c if column.name not in ("id", "subscription")))
        .join(subscriptions, subscriptions.c.id == changes.c.subscription)
        .where(is_qualified(changes.c.by_id, person)),
    )
    yield "decisions", select(holds).where(is_qualified(holds.c.by_id, person))
    yield "discussions", select(discussions).where(is_qualified(discussions.c.by_id, person))
    is_decider = is_qualified(queue_decisions.c.by_id, person)
    yield "queue decisions", select(queue_decisions).where(is_decider)
    yield "agreements", select(consents).where(is_qualified(consents.c.by_id, person))
    is_linked = (*is_of_person(account_links, person), account_links.c.person == person.id)
    linked = (account_links.c.platform, account_links.c.workspace, account_links.c.person, account_links.c.at)
    yield "linked accounts", select(*linked).where(*is_linked)
    yield "reports", select(reports).where(*is_of_person(reports, person), reports.c.person == person.id)
    yield "opinions", select(feedback).where(*is_of_person(feedback, person), feedback.c.person == person.id)
    yield "notes", select(paper_notes).where(*is_note_of(person))
    is_answering = (*is_of_person(answers, person), answers.c.person == person.id)
    yield "answers about discussions", select(answers).where(*is_answering)
    yield "re-reviews", select(re_reviews).where(is_qualified(re_reviews.c.by_id, person))
    yield "plans of meetings", select_plans(is_qualified(plans.c.by_id, person))
    yield from select_meeting_records(and_(*is_of_person(subscriptions, person)), person.id)
    shared = (posts.c.platform, posts.c.workspace, posts.c.channel, posts.c.message_id, posts.c.posted_at)
    is_sharer = is_qualified(posts.c.shared_by_id, person)
    yield "shared cards", select(*shared, posts.c.payload, posts.c.shared_by_id).where(is_sharer)


def to_json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
