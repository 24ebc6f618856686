"""Post edits: noticed once, made seldom, and again after a crash."""

from datetime import date, timedelta

import pytest

from digests.model import NOT_REVIEWED, HoldState, PaperUpdate, Post
from digests.ports import Store
from digests.ports.outbox import PlannedPage
from digests.ports.workspaces import WorkspaceState
from digests.subscription import Channel
from tests.builders import NOW, TODAY, a_paper, a_review, a_store, a_subscription, save_subscription
from tests.outbox import confirm_page, save_plan

pytestmark = pytest.mark.usefixtures("over_both")

HOUR = timedelta(hours=1)

SINCE = NOW - timedelta(days=14)

PAPERS = Channel("slack", "C1", "T1")

A, B = "2401.00001", "2401.00002"


def a_store_with_papers() -> Store:
    """Build a store with two papers whose changes were enqueued."""
    store = a_store()
    store.library.add([(a_paper(A, version=1), a_review(7.4)), (a_paper(B), NOT_REVIEWED)], now=NOW)
    enqueue_edits(store)
    return store


def share_post(store: Store, message: str, *papers: str, at: timedelta = timedelta()) -> Post:
    post = Post(PAPERS, message, papers, {"text": "x"})
    store.posts.record_shared(post, now=NOW + at)
    return post


def enqueue_edits(store: Store, delay: timedelta = timedelta()) -> None:
    assert not store.post_edits.enqueue(since=SINCE + delay, now=NOW + delay)


def claim_edits(store: Store, delay: timedelta = timedelta()) -> list[str]:
    return [edit.post.message_id for edit in store.post_edits.claim(now=NOW + delay, interval=HOUR, limit=9)]


def revise_paper(store: Store, version: int = 2, paper: str = A) -> None:
    store.library.add([(a_paper(paper, version=version, updated=TODAY), NOT_REVIEWED)], now=NOW)


def test_only_recent_posts_with_a_changed_paper_are_edited() -> None:
    store = a_store_with_papers()
    share_post(store, "old", A, at=timedelta(days=-15))
    share_post(store, "both", A, B)
    share_post(store, "other", B)
    enqueue_edits(store)
    assert claim_edits(store) == []
    revise_paper(store)
    enqueue_edits(store)
    assert claim_edits(store) == ["both"]
    assert claim_edits(store) == []  # Another worker has them now.


def test_posts_in_a_denied_workspace_are_not_edited_any_more() -> None:
    store = a_store_with_papers()
    share_post(store, "1", A)
    revise_paper(store)
    enqueue_edits(store)
    store.workspaces.decide("slack", "T1", WorkspaceState.DENIED, now=NOW)
    assert claim_edits(store) == []
    store.workspaces.decide("slack", "T1", WorkspaceState.SERVED, now=NOW)
    assert claim_edits(store, HOUR) == []
    share_post(store, "2", A)
    revise_paper(store, version=3)
    enqueue_edits(store, HOUR)
    assert claim_edits(store, HOUR) == ["2"]


def test_an_edit_of_a_crashed_worker_is_claimed_again_after_its_lease() -> None:
    store = a_store_with_papers()
    share_post(store, "1", A)
    revise_paper(store)
    enqueue_edits(store)
    assert claim_edits(store) == ["1"]
    assert claim_edits(store, HOUR - timedelta(seconds=1)) == []
    assert claim_edits(store, HOUR) == ["1"]


def test_changes_within_an_hour_share_one_edit() -> None:
    store = a_store_with_papers()
    share_post(store, "1", A)
    revise_paper(store)
    enqueue_edits(store)
    (edit,) = store.post_edits.claim(now=NOW, interval=HOUR, limit=9)
    store.post_edits.complete(edit, "v2", now=NOW, interval=HOUR)
    revise_paper(store, 3)
    enqueue_edits(store, HOUR / 2)
    assert claim_edits(store, HOUR / 2) == []
    (second_edit,) = store.post_edits.claim(now=NOW + HOUR, interval=HOUR, limit=9)
    assert (second_edit.last_text, second_edit.attempts) == ("v2", 1)


def test_a_change_during_an_edit_is_not_lost() -> None:
    store = a_store_with_papers()
    share_post(store, "1", A)
    revise_paper(store)
    enqueue_edits(store)
    (edit,) = store.post_edits.claim(now=NOW, interval=HOUR, limit=9)
    revise_paper(store, 3)
    enqueue_edits(store)
    store.post_edits.complete(edit, "v2", now=NOW, interval=HOUR)
    assert claim_edits(store, HOUR) == ["1"]


def test_an_unchanged_post_may_be_edited_at_once_and_a_deleted_one_never() -> None:
    store = a_store_with_papers()
    share_post(store, "1", A)
    revise_paper(store)
    enqueue_edits(store)
    (edit,) = store.post_edits.claim(now=NOW, interval=HOUR, limit=9)
    store.post_edits.unchanged(edit, now=NOW)
    revise_paper(store, 3)
    enqueue_edits(store)
    (edit,) = store.post_edits.claim(now=NOW, interval=HOUR, limit=9)
    store.post_edits.reschedule(edit, NOW + HOUR / 6)
    (edit,) = store.post_edits.claim(now=NOW + HOUR / 6, interval=HOUR, limit=9)
    assert edit.attempts == 2
    store.post_edits.reschedule(edit, None)
    revise_paper(store, 4)
    enqueue_edits(store)
    assert claim_edits(store, timedelta(days=1)) == []


def test_many_changes_are_enqueued_in_several_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digests.store.post_edits.CHANGES_PER_PASS", 2)
    store = a_store_with_papers()
    share_post(store, "1", A)
    for version in range(2, 6):
        revise_paper(store, version)
    has_more = [store.post_edits.enqueue(since=SINCE, now=NOW) for _ in range(3)]
    assert has_more == [True, False, False]
    assert claim_edits(store) == ["1"]


def test_a_paper_update_names_the_changes_since_its_post() -> None:
    store = a_store_with_papers()
    post = share_post(store, "1", A, B)
    assert store.post_edits.paper_updates(post) == {}
    revise_paper(store, 3)
    store.library.add([(a_paper(A), a_review(8.1)), (a_paper(B), a_review(5.0))], now=NOW)
    assert store.post_edits.paper_updates(post) == {
        A: PaperUpdate(
            version=3, updated=TODAY, has_new_review=True, score=8.1, had_review=True, previous_score=7.4
        ),
        B: PaperUpdate(has_new_review=True, score=5.0),
    }
    assert store.post_edits.paper_updates(share_post(store, "2", A, B)) == {}


def test_a_posted_paper_that_is_held_or_rejected_later_is_refreshed_until_it_is_released() -> None:
    store = a_store_with_papers()
    post = share_post(store, "1", A, B)
    enqueue_edits(store)
    for paper in (A, B):
        store.moderation.hold(paper, "Why.", now=NOW)
    enqueue_edits(store)
    assert claim_edits(store) == ["1"]
    assert store.post_edits.paper_updates(post) == {
        paper: PaperUpdate(hold_state=HoldState.HELD) for paper in (A, B)
    }
    store.moderation.reject(A, by="ada", by_id="slack:T1:U1", now=NOW)
    store.moderation.release(B, by="ada", by_id="slack:T1:U1", now=NOW)
    enqueue_edits(store)
    assert claim_edits(store, 2 * HOUR) == ["1"]
    assert store.post_edits.paper_updates(post) == {A: PaperUpdate(hold_state=HoldState.REJECTED)}


def test_a_withdrawal_since_its_post_is_a_paper_update() -> None:
    store = a_store_with_papers()
    post = share_post(store, "1", A)
    store.library.add([(a_paper(A, version=2, withdrawn=date(2026, 11, 25)), NOT_REVIEWED)], now=NOW)
    assert store.post_edits.paper_updates(post)[A].withdrawn == date(2026, 11, 25)
    assert store.post_edits.paper_updates(share_post(store, "2", A)) == {}


def test_a_change_between_plan_and_confirmation_of_a_page_is_a_paper_update() -> None:
    store = a_store_with_papers()
    subscription = save_subscription(store, a_subscription())
    claim = store.outbox.claim(subscription, TODAY, owner="a", now=NOW, lease=HOUR)
    assert claim
    posted_states = {A: store.library.get([A])[A].posted_state}
    pages = [
        PlannedPage(0, "k0", {}, (), False),
        PlannedPage(1, "k1", {"text": "x"}, (A,), False, posted_states=posted_states),
    ]
    claim = save_plan(store, claim, pages, watermark=9)
    revise_paper(store)
    enqueue_edits(store)
    confirm_page(store, claim, 1, "late")
    assert claim_edits(store) == ["late"]
    post = store.posts.find(subscription.channel, "late")
    assert post
    assert post.first_number == 1
    assert store.post_edits.paper_updates(post)[A].version == 2
