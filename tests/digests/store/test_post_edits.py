"""Which posted messages are no longer true: noticed once, edited seldom, and after a crash again."""

from datetime import date, timedelta

import pytest

from digests.model import NOT_REVIEWED, PaperUpdate, Post
from digests.ports import Store
from digests.ports.outbox import PlannedPage
from digests.subscription import Channel
from tests.builders import NOW, TODAY, a_paper, a_review, a_store, a_subscription, save_subscription
from tests.outbox import confirm_page, save_plan

pytestmark = pytest.mark.usefixtures("over_both")

HOUR = timedelta(hours=1)
SINCE = NOW - timedelta(days=14)
PAPERS = Channel("slack", "C1", "T1")
A, B = "2401.00001", "2401.00002"


def a_world() -> Store:
    """Two papers are known, and what changed before is gone through."""
    store = a_store()
    store.library.add([(a_paper(A, version=1), a_review(7.4)), (a_paper(B), NOT_REVIEWED)], now=NOW)
    notice(store)
    return store


def share(store: Store, message: str, *papers: str, at: timedelta = timedelta()) -> Post:
    post = Post(PAPERS, message, papers, {"text": "x"})
    store.posts.record_shared(post, now=NOW + at)
    return post


def notice(store: Store, late: timedelta = timedelta()) -> None:
    assert not store.post_edits.enqueue(since=SINCE + late, now=NOW + late)


def taken(store: Store, late: timedelta = timedelta()) -> list[str]:
    return [edit.post.message_id for edit in store.post_edits.claim(now=NOW + late, interval=HOUR, limit=9)]


def revise(store: Store, version: int = 2, paper: str = A) -> None:
    store.library.add([(a_paper(paper, version=version, updated=TODAY), NOT_REVIEWED)], now=NOW)


def test_only_the_messages_that_show_a_changed_paper_are_to_be_edited_and_only_young_ones() -> None:
    store = a_world()
    share(store, "old", A, at=timedelta(days=-15))
    share(store, "both", A, B)
    share(store, "other", B)
    notice(store)
    assert taken(store) == []
    revise(store)
    notice(store)
    assert taken(store) == ["both"]
    assert taken(store) == []  # They are somebody's now.


def test_who_took_an_edit_and_died_leaves_it_to_the_next_after_a_while() -> None:
    store = a_world()
    share(store, "1", A)
    revise(store)
    notice(store)
    assert taken(store) == ["1"]
    assert taken(store, HOUR - timedelta(seconds=1)) == []
    assert taken(store, HOUR) == ["1"]


def test_a_message_is_not_edited_twice_within_the_hour_however_much_changes() -> None:
    store = a_world()
    share(store, "1", A)
    revise(store)
    notice(store)
    (edit,) = store.post_edits.claim(now=NOW, interval=HOUR, limit=9)
    store.post_edits.complete(edit, "v2", now=NOW, interval=HOUR)
    revise(store, 3)
    notice(store, HOUR / 2)
    assert taken(store, HOUR / 2) == []
    (again,) = store.post_edits.claim(now=NOW + HOUR, interval=HOUR, limit=9)
    assert (again.last_text, again.attempts) == ("v2", 1)


def test_what_changes_while_an_edit_is_made_is_not_lost() -> None:
    store = a_world()
    share(store, "1", A)
    revise(store)
    notice(store)
    (edit,) = store.post_edits.claim(now=NOW, interval=HOUR, limit=9)
    revise(store, 3)
    notice(store)
    store.post_edits.complete(edit, "v2", now=NOW, interval=HOUR)
    assert taken(store, HOUR) == ["1"]


def test_an_edit_that_showed_nothing_new_costs_no_wait_and_a_lost_message_is_forgotten() -> None:
    store = a_world()
    share(store, "1", A)
    revise(store)
    notice(store)
    (edit,) = store.post_edits.claim(now=NOW, interval=HOUR, limit=9)
    store.post_edits.unchanged(edit, now=NOW)
    revise(store, 3)
    notice(store)
    (edit,) = store.post_edits.claim(now=NOW, interval=HOUR, limit=9)
    store.post_edits.reschedule(edit, NOW + HOUR / 6)
    (edit,) = store.post_edits.claim(now=NOW + HOUR / 6, interval=HOUR, limit=9)
    assert edit.attempts == 2
    store.post_edits.reschedule(edit, None)
    revise(store, 4)
    notice(store)
    assert taken(store, timedelta(days=1)) == []


def test_a_flood_of_changes_is_gone_through_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digests.store.post_edits.CHANGES_PER_PASS", 2)
    store = a_world()
    share(store, "1", A)
    for version in range(2, 6):
        revise(store, version)
    more = [store.post_edits.enqueue(since=SINCE, now=NOW) for _ in range(3)]
    assert more == [True, False, False]
    assert taken(store) == ["1"]


def test_the_news_is_what_the_message_did_not_say() -> None:
    store = a_world()
    post = share(store, "1", A, B)
    assert store.post_edits.paper_updates(post) == {}
    revise(store, 3)
    store.library.add([(a_paper(A), a_review(8.1)), (a_paper(B), a_review(5.0))], now=NOW)
    assert store.post_edits.paper_updates(post) == {
        A: PaperUpdate(
            version=3, updated=TODAY, has_new_review=True, score=8.1, had_review=True, previous_score=7.4
        ),
        B: PaperUpdate(has_new_review=True, score=5.0),
    }
    assert store.post_edits.paper_updates(share(store, "2", A, B)) == {}


def test_a_withdrawal_is_news_where_the_message_did_not_say_it() -> None:
    store = a_world()
    post = share(store, "1", A)
    store.library.add([(a_paper(A, version=2, withdrawn=date(2026, 11, 25)), NOT_REVIEWED)], now=NOW)
    assert store.post_edits.paper_updates(post)[A].withdrawn == date(2026, 11, 25)
    assert store.post_edits.paper_updates(share(store, "2", A)) == {}


def test_a_page_of_a_digest_says_what_was_known_when_it_was_planned_and_is_edited_for_what_came_before_it_landed() -> (
    None
):
    store = a_world()
    subscription = save_subscription(store, a_subscription())
    claim = store.outbox.claim(subscription, TODAY, owner="a", now=NOW, lease=HOUR)
    assert claim
    said = {A: store.library.get([A])[A].posted_state}
    pages = [
        PlannedPage(0, "k0", {}, (), False),
        PlannedPage(1, "k1", {"text": "x"}, (A,), False, posted_states=said),
    ]
    claim = save_plan(store, claim, pages, watermark=9)
    revise(store)
    notice(store)
    confirm_page(store, claim, 1, "late")
    assert taken(store) == ["late"]
    post = store.posts.find(subscription.channel, "late")
    assert post
    assert post.first_number == 1
    assert store.post_edits.paper_updates(post)[A].version == 2
