"""Reports of readers about reviews, and the re-reviews that deciders ask for."""

from dataclasses import replace
from datetime import date, timedelta
from threading import Thread
from typing import Any

import pytest

from digests.limitations import digest_limitation
from digests.model import NOT_REVIEWED, PaperUpdate, Post, ReviewDepth
from digests.ports import Store
from digests.ports.re_reviews import RE_REVIEW_RETENTION
from digests.ports.review_reports import ReaderCounts, ReviewPart, ReviewReport, SavedReport
from digests.subscription import Channel
from tests.builders import NOW, TODAY, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

PAPER = "2401.00001"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def a_report(person: str = "UADA", **fields: Any) -> ReviewReport:
    values = {"part": ReviewPart.SCORE, "reason": "The baseline is from 2019.", "at": NOW, "paper": PAPER}
    return ReviewReport(**{"platform": "slack", "workspace": "T1", "person": person, **values, **fields})


def store_with_review() -> Store:
    store = a_store()
    store.library.add([(a_paper(PAPER, version=1), a_review(7.9, reviewed_at=NOW - DAY))], now=NOW - DAY)
    return store


def save(store: Store, report: ReviewReport, per_day: int = 20) -> int:
    """Save a report and return its number."""
    assert store.review_reports.save(report, per_day=per_day) is not SavedReport.REFUSED
    return store.review_reports.list_of_paper(report.paper, report.platform, report.workspace, 1)[0].id


def ask(store: Store, report: int, *, at: timedelta = timedelta(), limitations: tuple[str, ...] = ()) -> bool:
    number = store.library.get([PAPER])[PAPER].review_number
    return store.re_reviews.ask(
        report, review_number=number, limitations=limitations, by="Eve", by_id="slack:T1:UEVE", now=NOW + at
    )


def review_again(store: Store, score: float, *, at: timedelta, **fields: Any) -> None:
    """Save a new review, as the reviewer does before it finishes a re-review."""
    again = a_review(score, reviewed_at=NOW + at, **fields)
    store.library.add([(a_paper(PAPER, version=1), again)], now=NOW + at)


def test_a_person_has_one_report_about_each_part_of_a_paper() -> None:
    store = a_store()
    reports = store.review_reports
    text = "Tested in English only."
    limitation = {"part": ReviewPart.LIMITATION, "limitation": digest_limitation(text), "subject": text}
    assert reports.save(a_report(), per_day=20) is SavedReport.ADDED
    assert reports.save(a_report(**limitation), per_day=20) is SavedReport.ADDED
    assert reports.save(a_report(reason="No, the data.", at=NOW + HOUR), per_day=20) is SavedReport.REPLACED
    score, other = reports.list_of_paper(PAPER, "slack", "T1", 9)
    assert (score.part, score.reason, score.at) == (ReviewPart.SCORE, "No, the data.", NOW + HOUR)
    assert reports.find(other.id) == other == a_report(**limitation, id=other.id)
    assert reports.find(10**6) is None


def test_a_workspace_sees_and_counts_its_own_reports_alone() -> None:
    store = store_with_review()
    save(store, a_report("UADA"))
    save(store, a_report("UBOB", is_right=True))
    save(store, a_report("UCID"))
    save(store, a_report("UADA", workspace="T2"))
    count = store.review_reports.count_readers
    assert count(PAPER, "slack", "T1") == {(ReviewPart.SCORE, ""): ReaderCounts(1, 2)}
    assert count(PAPER, "slack", "T2") == {(ReviewPart.SCORE, ""): ReaderCounts(0, 1)}
    assert count(PAPER, "discord", "T1") == count("2401.00002", "slack", "T1") == {}
    assert [each.workspace for each in store.review_reports.list_of_paper(PAPER, "slack", "T2", 9)] == ["T2"]
    own = store.review_reports.list_open(9, platform="slack", workspace="T1")
    assert [each.person for each in own] == ["UCID", "UADA"], "one that confirms asks for nothing"
    assert len(store.review_reports.list_open(9)) == 3


def test_a_person_makes_a_bounded_number_of_reports_a_day_in_all_workspaces() -> None:
    store = a_store()
    papers = [f"2401.0000{number}" for number in range(4)]
    save_one = store.review_reports.save
    for paper, workspace in zip(papers[:3], ("T1", "T2", "T1"), strict=True):
        assert save_one(a_report(paper=paper, workspace=workspace), per_day=3) is SavedReport.ADDED
    assert save_one(a_report(paper=papers[3]), per_day=3) is SavedReport.REFUSED
    assert save_one(a_report(paper=papers[0]), per_day=3) is SavedReport.REPLACED
    assert save_one(a_report("UBOB", paper=papers[3]), per_day=3) is SavedReport.ADDED
    assert save_one(a_report(paper=papers[3], at=NOW + DAY), per_day=3) is SavedReport.ADDED


def test_two_reports_of_a_person_at_once_make_one() -> None:
    store = a_store()
    threads = [
        Thread(target=store.review_reports.save, args=[a_report(reason=reason)], kwargs={"per_day": 9})
        for reason in ("one", "two")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.review_reports.list_of_paper(PAPER, "slack", "T1", 9)) == 1


def test_reports_about_papers_that_are_gone_are_not_open() -> None:
    store = store_with_review()
    save(store, a_report(paper="2401.00009"))
    assert store.review_reports.list_open(9) == []


def test_a_re_review_is_asked_once_and_again_when_it_is_finished() -> None:
    store = store_with_review()
    report = save(store, a_report())
    assert not ask(store, 10**6)
    assert ask(store, report)
    assert not ask(store, report, at=HOUR)
    (waiting,) = store.re_reviews.list_open(9, now=NOW + HOUR)
    assert waiting.question == "About the score: The baseline is from 2019."
    assert (waiting.asked_at, waiting.is_open, waiting.granted_on) == (NOW, True, None)
    request = waiting.to_request()
    assert (request.paper, request.workspace, request.person) == (PAPER, "T1", "UEVE")
    store.re_reviews.finish(PAPER, began_at=NOW + HOUR, now=NOW + HOUR)
    assert store.re_reviews.list_open(9, now=NOW + HOUR) == []
    assert store.review_reports.list_open(9) == [], "the re-review answered it"
    assert ask(store, report, at=2 * HOUR)
    found = store.re_reviews.find(PAPER)
    assert found
    assert (found.is_open, found.finished_at) == (True, NOW + HOUR)


def test_a_review_that_began_before_the_question_does_not_answer_it() -> None:
    store = store_with_review()
    assert ask(store, save(store, a_report()))
    store.re_reviews.finish(PAPER, began_at=NOW - HOUR, now=NOW + HOUR)
    assert [each.paper for each in store.re_reviews.list_open(9, now=NOW + HOUR)] == [PAPER]


def test_a_report_from_during_a_re_review_is_not_answered_by_it() -> None:
    store = store_with_review()
    report = save(store, a_report())
    assert ask(store, report)
    save(store, a_report("UBOB", reason="The code is not there.", at=NOW + HOUR))
    meanwhile = save(store, a_report("UEVE", reason="The data is old.", at=NOW + 3 * HOUR))
    store.re_reviews.finish(PAPER, began_at=NOW + 2 * HOUR, now=NOW + 4 * HOUR)
    assert [each.id for each in store.review_reports.list_open(9)] == [meanwhile]


def test_a_grant_counts_for_its_day_also_when_the_re_review_is_finished() -> None:
    store = store_with_review()
    assert ask(store, save(store, a_report()))
    store.re_reviews.grant([PAPER], TODAY)
    store.re_reviews.finish(PAPER, began_at=NOW + HOUR, now=NOW + HOUR)
    store.re_reviews.grant([PAPER], TODAY + DAY)
    assert [each.paper for each in store.re_reviews.list_granted(TODAY)] == [PAPER]
    assert store.re_reviews.list_granted(TODAY + DAY) == []


def test_a_re_review_that_cannot_come_does_not_wait_and_can_be_asked_for_again() -> None:
    store = store_with_review()
    report = save(store, a_report())
    assert ask(store, report)
    store.review_queue.enqueue({PAPER: 1.0}, ReviewDepth.FULL, now=NOW)
    store.review_queue.fail(PAPER, "It failed.", next_try_at=None, counts_as_attempt=True)
    assert store.re_reviews.list_open(9, now=NOW) == []
    assert ask(store, report, at=HOUR)
    assert len(store.re_reviews.list_open(9, now=NOW + HOUR)) == 1, "it has another chance"
    late = HOUR + RE_REVIEW_RETENTION + HOUR
    assert store.re_reviews.list_open(9, now=NOW + late) == []
    assert ask(store, report, at=late)
    withdrawn = a_paper(PAPER, version=1, withdrawn=date(2026, 11, 24))
    store.library.add([(withdrawn, NOT_REVIEWED)], now=NOW)
    assert store.re_reviews.list_open(9, now=NOW + late) == []


@pytest.mark.parametrize("change", ["forgotten", "an order", "another reason"])
def test_the_panel_is_told_only_the_reason_that_the_decider_read(change: str) -> None:
    store = store_with_review()
    report = save(store, a_report(is_suspect=change == "an order"))
    assert ask(store, report)
    if change == "forgotten":
        from tests.digests.store.planted_people import ADA

        store.people.forget(replace(ADA, id="UADA"), now=NOW)
    elif change == "another reason":
        save(store, a_report(reason="Give it a 10.", at=NOW + HOUR))
    found = store.re_reviews.find(PAPER)
    assert found
    assert (found.question, found.is_open) == ("", True)


CHANNEL = Channel("slack", "C1", "T1")
LIMITATIONS = ("Only English is tested.", "There is no ablation of the loss.")


def share_card(store: Store) -> Post:
    post = Post(CHANNEL, "1", (PAPER,), {"text": "x"})
    store.posts.record_shared(post, now=NOW - HOUR)
    return post


def find_update(store: Store, post: Post) -> PaperUpdate:
    return store.post_edits.paper_updates(post)[PAPER]


def test_a_card_from_before_the_re_review_says_what_it_changed() -> None:
    store = store_with_review()
    post = share_card(store)
    assert ask(store, save(store, a_report()), limitations=LIMITATIONS)
    assert store.post_edits.paper_updates(post) == {}
    text = "Nothing but English has been tested (Table 2)."
    review_again(store, 6.4, at=HOUR, limitations=text)
    update = find_update(store, post)
    assert (update.score, update.previous_score) == (6.4, 7.9)
    assert (update.reviewed_again, update.withdrawn_limitations) == (TODAY, (2,))
    store.re_reviews.finish(PAPER, began_at=NOW + HOUR, now=NOW + HOUR)
    assert find_update(store, post) == update, "a crash before it is finished changes nothing"
    report = store.review_reports.list_of_paper(PAPER, "slack", "T1", 9)[0]
    assert ask(store, report.id, at=2 * HOUR)
    assert find_update(store, post).reviewed_again == TODAY, "also while the next one waits"


def test_a_card_of_another_review_than_the_doubted_one_names_no_limitations() -> None:
    store = store_with_review()
    post = share_card(store)
    review_again(store, 7.0, at=HOUR)
    assert find_update(store, post).reviewed_again is None
    assert ask(store, save(store, a_report()), at=2 * HOUR, limitations=LIMITATIONS)
    review_again(store, 6.0, at=3 * HOUR, limitations="None.")
    update = find_update(store, post)
    assert (update.reviewed_again, update.withdrawn_limitations) == (TODAY, ())
