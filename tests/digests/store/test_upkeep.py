"""Which posted messages are no longer true: noticed once, edited seldom, and after a crash again."""

from datetime import date, timedelta

import pytest

from digests.model import NOT_REVIEWED, Channel, News, Post
from digests.ports import PlannedPage, Store
from tests.builders import NOW, TODAY, a_paper, a_review, a_store, a_subscription, stored
from tests.ledger import land, plan

pytestmark = pytest.mark.usefixtures("over_both")

HOUR = timedelta(hours=1)
SINCE = NOW - timedelta(days=14)
PAPERS = Channel("slack", "C1", "T1")
A, B = "2401.00001", "2401.00002"


def a_world() -> Store:
    """Two papers are known, and what changed before is gone through."""
    store = a_store()
    store.papers.add([(a_paper(A, version=1), a_review(7.4)), (a_paper(B), NOT_REVIEWED)], now=NOW)
    notice(store)
    return store


def share(store: Store, message: str, *papers: str, at: timedelta = timedelta()) -> Post:
    post = Post(PAPERS, message, papers, {"text": "x"})
    store.marks.shared(post, now=NOW + at)
    return post


def notice(store: Store, late: timedelta = timedelta()) -> None:
    assert not store.upkeep.notice(since=SINCE + late, now=NOW + late)


def taken(store: Store, late: timedelta = timedelta()) -> list[str]:
    return [edit.post.message for edit in store.upkeep.take(now=NOW + late, every=HOUR, most=9)]


def revise(store: Store, version: int = 2, paper: str = A) -> None:
    store.papers.add([(a_paper(paper, version=version, updated=TODAY), NOT_REVIEWED)], now=NOW)


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
    (edit,) = store.upkeep.take(now=NOW, every=HOUR, most=9)
    store.upkeep.edited(edit, "v2", now=NOW, every=HOUR)
    revise(store, 3)
    notice(store, HOUR / 2)
    assert taken(store, HOUR / 2) == []
    (again,) = store.upkeep.take(now=NOW + HOUR, every=HOUR, most=9)
    assert (again.said, again.tries) == ("v2", 1)


def test_what_changes_while_an_edit_is_made_is_not_lost() -> None:
    store = a_world()
    share(store, "1", A)
    revise(store)
    notice(store)
    (edit,) = store.upkeep.take(now=NOW, every=HOUR, most=9)
    revise(store, 3)
    notice(store)
    store.upkeep.edited(edit, "v2", now=NOW, every=HOUR)
    assert taken(store, HOUR) == ["1"]


def test_an_edit_that_showed_nothing_new_costs_no_wait_and_a_lost_message_is_forgotten() -> None:
    store = a_world()
    share(store, "1", A)
    revise(store)
    notice(store)
    (edit,) = store.upkeep.take(now=NOW, every=HOUR, most=9)
    store.upkeep.same(edit, now=NOW)
    revise(store, 3)
    notice(store)
    (edit,) = store.upkeep.take(now=NOW, every=HOUR, most=9)
    store.upkeep.put_off(edit, NOW + HOUR / 6)
    (edit,) = store.upkeep.take(now=NOW + HOUR / 6, every=HOUR, most=9)
    assert edit.tries == 2
    store.upkeep.put_off(edit, None)
    revise(store, 4)
    notice(store)
    assert taken(store, timedelta(days=1)) == []


def test_a_flood_of_changes_is_gone_through_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digests.store.upkeep.STRETCH", 2)
    store = a_world()
    share(store, "1", A)
    for version in range(2, 6):
        revise(store, version)
    more = [store.upkeep.notice(since=SINCE, now=NOW) for _ in range(3)]
    assert more == [True, False, False]
    assert taken(store) == ["1"]


def test_the_news_is_what_the_message_did_not_say() -> None:
    store = a_world()
    post = share(store, "1", A, B)
    assert store.upkeep.news(post) == {}
    revise(store, 3)
    store.papers.add([(a_paper(A), a_review(8.1)), (a_paper(B), a_review(5.0))], now=NOW)
    assert store.upkeep.news(post) == {
        A: News(version=3, updated=TODAY, reviewed=True, score=8.1, was_reviewed=True, was_score=7.4),
        B: News(reviewed=True, score=5.0),
    }
    assert store.upkeep.news(share(store, "2", A, B)) == {}


def test_a_withdrawal_is_news_where_the_message_did_not_say_it() -> None:
    store = a_world()
    post = share(store, "1", A)
    store.papers.add([(a_paper(A, version=2, withdrawn=date(2026, 11, 25)), NOT_REVIEWED)], now=NOW)
    assert store.upkeep.news(post)[A].withdrawn == date(2026, 11, 25)
    assert store.upkeep.news(share(store, "2", A)) == {}


def test_a_page_of_a_digest_says_what_was_known_when_it_was_planned_and_is_edited_for_what_came_before_it_landed() -> (
    None
):
    store = a_world()
    subscription = stored(store, a_subscription())
    claim = store.deliveries.claim(subscription, TODAY, owner="a", now=NOW, lease=HOUR)
    assert claim
    said = {A: store.papers.get([A])[A].said}
    pages = [PlannedPage(0, "k0", {}, (), False), PlannedPage(1, "k1", {"text": "x"}, (A,), False, said=said)]
    claim = plan(store, claim, pages, considered_to=9)
    revise(store)
    notice(store)
    land(store, claim, 1, "late")
    assert taken(store) == ["late"]
    post = store.marks.post(subscription.channel, "late")
    assert post
    assert post.first_number == 1
    assert store.upkeep.news(post)[A].version == 2
