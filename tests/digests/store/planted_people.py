"""A store in which people have done everything of which it keeps something, and what is left of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from digests.model import Mark, MarkSource, Post
from digests.ports import Store
from digests.ports.people import SOMEBODY, Subject, SubjectKind
from digests.ports.workspaces import WorkspaceState
from digests.store import schema
from digests.subscription import Channel, Subscription, SubscriptionChange
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription

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
    store.marks.finish_discussion(f"{paper}.{tag}", scope_of(workspace), **by, now=NOW)
    store.moderation.hold(f"held.{workspace}.{tag}", "suspect", now=NOW)
    store.moderation.release(f"held.{workspace}.{tag}", **by, now=NOW)
    store.paper_requests.add(paper, now=NOW, platform="slack", workspace=workspace, person=person)
    content, nameless = ({"text": f"Shared by {each}"} for each in (name, SOMEBODY))
    post = Post(channel, f"2.{tag}", (paper,), content)
    store.posts.record_shared(post, now=NOW, by_id=by["by_id"], nameless=nameless)
    store.workspaces.decide("slack", workspace, WorkspaceState.SERVED, now=NOW)


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
