"""Papers that people requested."""

from datetime import date, timedelta

import pytest

from digests.model import NOT_REVIEWED, ReviewDepth
from digests.ports import Store
from tests.builders import NOW, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)
TODAY = NOW.date()
TOMORROW = TODAY + timedelta(days=1)


def store_with(*papers: str) -> Store:
    store = a_store()
    store.library.add([(a_paper(paper), NOT_REVIEWED) for paper in papers], now=NOW)
    return store


def list_open(store: Store, limit: int = 9, per_person: int = 9) -> list[str]:
    return [request.paper for request in store.paper_requests.list_open(limit, per_person)]


def test_requested_papers_are_listed_in_order_until_reviewed_or_dropped() -> None:
    store = store_with("2401.00001", "2401.00002")
    papers, requests = store.library, store.paper_requests
    requests.add("2401.00003", now=NOW)
    requests.add("2401.00002", now=NOW)
    requests.add("2401.00001", now=LATER)
    requests.add("2401.00002", now=LATER + timedelta(hours=1))
    assert list_open(store) == ["2401.00002", "2401.00001"]
    assert list_open(store, limit=1) == ["2401.00002"]
    assert requests.list_unknown(9) == ["2401.00003"]
    papers.add([(a_paper("2401.00002"), a_review())], now=LATER)
    requests.drop(["2401.00003"])
    assert list_open(store) == ["2401.00001"]
    assert requests.list_unknown(9) == []


def test_a_request_keeps_who_asked_and_where() -> None:
    store = store_with("2401.00001")
    store.paper_requests.add("2401.00001", now=NOW, platform="slack", workspace="T1", person="UADA")
    store.paper_requests.add("2401.00001", now=LATER, platform="slack", workspace="T1", person="UADA")
    (request,) = store.paper_requests.list_open(9, 9)
    assert (request.platform, request.workspace, request.person) == ("slack", "T1", "UADA")
    assert (request.requested_at, request.granted_on) == (NOW, None)


def test_everybodys_first_requests_come_before_the_second_ones() -> None:
    store = store_with("2401.00001", "2401.00002", "2401.00003")
    for paper in ("2401.00001", "2401.00002", "2401.00008", "2401.00009"):
        store.paper_requests.add(paper, now=NOW, platform="slack", workspace="T1", person="UADA")
    for paper in ("2401.00003", "2401.00007"):
        store.paper_requests.add(paper, now=LATER, platform="slack", workspace="T1", person="UBOB")
    assert list_open(store) == ["2401.00001", "2401.00003", "2401.00002"]
    assert list_open(store, per_person=1) == ["2401.00001", "2401.00003"]
    assert store.paper_requests.list_unknown(9) == ["2401.00008", "2401.00007", "2401.00009"]
    assert store.paper_requests.list_unknown(2) == ["2401.00008", "2401.00007"]


def test_an_unknown_paper_that_several_asked_for_is_listed_once() -> None:
    store = a_store()
    for person in ("UADA", "UBOB"):
        store.paper_requests.add("2401.00001", now=NOW, platform="slack", workspace="T1", person=person)
    assert store.paper_requests.list_unknown(9) == ["2401.00001"]


def test_papers_that_are_withdrawn_or_abandoned_by_the_reviewer_are_not_open() -> None:
    store = store_with("2401.00001", "2401.00002")
    store.library.add([(a_paper("2401.00003", withdrawn=date(2026, 11, 1)), NOT_REVIEWED)], now=NOW)
    for number in (1, 2, 3):
        store.paper_requests.add(f"2401.0000{number}", now=NOW)
    store.review_queue.enqueue({"2401.00001": 1.0}, ReviewDepth.FULL, now=NOW)
    store.review_queue.fail("2401.00001", "It failed.", next_try_at=None, counts_as_attempt=True)
    assert list_open(store) == ["2401.00002"]


def test_a_grant_marks_every_request_for_the_paper() -> None:
    store = store_with("2401.00001", "2401.00002")
    for person in ("UADA", "UBOB"):
        store.paper_requests.add("2401.00001", now=NOW, platform="slack", workspace="T1", person=person)
    store.paper_requests.add("2401.00002", now=NOW)
    store.paper_requests.grant(["2401.00001"], TODAY)
    assert sorted(request.person for request in store.paper_requests.list_granted(TODAY)) == ["UADA", "UBOB"]
    assert store.paper_requests.list_granted(TOMORROW) == []
    assert {request.granted_on for request in store.paper_requests.list_open(9, 9)} == {TODAY, None}


def test_requests_that_are_old_or_closed_are_pruned() -> None:
    store = store_with("2401.00001", "2401.00002")
    requests = store.paper_requests
    requests.add("2401.00009", now=NOW)
    for number in (1, 2):
        requests.add(f"2401.0000{number}", now=LATER)
    requests.grant(["2401.00001"], TODAY)
    store.library.add([(a_paper("2401.00001"), a_review())], now=LATER)
    requests.prune(requested_before=NOW, granted_before=TODAY)
    assert (requests.list_unknown(9), len(requests.list_granted(TODAY))) == (["2401.00009"], 1)
    requests.prune(requested_before=LATER, granted_before=TOMORROW)
    assert (requests.list_unknown(9), requests.list_granted(TODAY)) == ([], [])
    assert list_open(store) == ["2401.00002"]
    requests.prune(requested_before=LATER + timedelta(seconds=1), granted_before=TOMORROW)
    assert list_open(store) == []
