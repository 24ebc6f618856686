"""The library in the store: no paper twice, none lost, sequence numbers in the order of visibility."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digests.model import (
    NOT_REVIEWED,
    Flag,
    ReadDepth,
)
from digests.ports.library import ImportCounts
from digests.store import library as library_module
from digests.store.engine import open_database
from digests.store.migration import migrate
from tests.builders import NOW, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)


def test_a_paper_and_its_review_are_stored_unchanged() -> None:
    store = a_store()
    paper = a_paper(
        version=2,
        authors=("Ada, L.", "Bob"),
        abstract="$x$ \n y",
        primary_category="cs.LG",
        categories=("cs.LG", "cs.AI"),
        published=NOW.date(),
        flags=(Flag("instruction_override", "ignore all"),),
    )
    review = a_review(
        rank=3,
        model="qwen",
        reviewed_at=NOW - timedelta(days=1),
        read_depth=ReadDepth.FULL_TEXT,
        impact="Some.",
    )
    store.library.add([(paper, review)], now=NOW)
    scored = store.library.get([paper.id])[paper.id]
    assert (scored.paper, scored.review, scored.known_at) == (paper, review, NOW)


def test_a_repeated_import_changes_nothing() -> None:
    store = a_store()
    records = [(a_paper("2401.00001"), a_review()), (a_paper("2401.00002"), NOT_REVIEWED)]
    assert store.library.add(records, now=NOW) == ImportCounts(new=2)
    before = store.library.latest_sequence()
    assert store.library.add(records * 2, now=LATER) == ImportCounts(unchanged=4)
    assert store.library.latest_sequence() == before


def test_a_newer_review_replaces_an_older_one_and_draws_a_sequence_number() -> None:
    store = a_store()
    old, new = a_review(5.0, reviewed_at=NOW), a_review(8.0, reviewed_at=LATER)
    store.library.add([(a_paper(), old)], now=NOW)
    seen = store.library.latest_sequence()
    assert store.library.add([(a_paper(), new)], now=LATER) == ImportCounts(changed=1)
    assert store.library.reviews_of(a_paper().id) == [new, old]
    assert [
        candidate.score
        for candidate in store.library.candidates(seen, store.library.latest_sequence(), with_text=False)
    ] == [8.0]


def test_an_older_review_that_arrives_late_is_stored_and_replaces_nothing() -> None:
    store = a_store()
    old, new = a_review(5.0, reviewed_at=NOW), a_review(8.0, reviewed_at=LATER)
    store.library.add([(a_paper(), new)], now=LATER)
    store.library.add([(a_paper(), old)], now=LATER)
    assert store.library.reviews_of(a_paper().id) == [new, old]
    assert store.library.get([a_paper().id])[a_paper().id].review == new


def test_a_paper_without_a_review_removes_none() -> None:
    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    assert store.library.add([(a_paper(), NOT_REVIEWED)], now=LATER) == ImportCounts(unchanged=1)
    assert store.library.get([a_paper().id])[a_paper().id].review == a_review()


def test_fields_of_the_newest_version_count_and_empty_ones_replace_nothing() -> None:
    store = a_store()
    store.library.add([(a_paper(version=2, title="Two", abstract="Known"), NOT_REVIEWED)], now=NOW)
    store.library.add([(a_paper(version=3, title="Three"), NOT_REVIEWED)], now=NOW)
    store.library.add([(a_paper(version=1, title="One", authors=("Ada",)), NOT_REVIEWED)], now=NOW)
    paper = store.library.get([a_paper().id])[a_paper().id].paper
    assert (paper.version, paper.title, paper.abstract, paper.authors) == (3, "Three", "Known", ("Ada",))


def test_a_record_without_a_version_only_fills_empty_fields() -> None:
    store = a_store()
    store.library.add([(a_paper(version=1, title="arXiv's", abstract=""), NOT_REVIEWED)], now=NOW)
    store.library.add([(a_paper(title="Another's", abstract="Known", upvotes=3), NOT_REVIEWED)], now=NOW)
    paper = store.library.get([a_paper().id])[a_paper().id].paper
    assert (paper.title, paper.abstract, paper.upvotes, paper.version) == ("arXiv's", "Known", 3, 1)


def test_different_white_space_is_no_change() -> None:
    store = a_store()
    store.library.add([(a_paper(title="A title", abstract="One.\n  Two."), NOT_REVIEWED)], now=NOW)
    same = a_paper(title="A  title\n", abstract="One. Two.")
    assert store.library.add([(same, NOT_REVIEWED)], now=LATER) == ImportCounts(unchanged=1)


def test_the_latest_upvotes_count_and_draw_no_sequence_number() -> None:
    store = a_store()
    store.library.add([(a_paper(version=2), NOT_REVIEWED)], now=NOW)
    seen = store.library.latest_sequence()
    for upvotes in (3, 31, 30):
        popular = a_paper(upvotes=upvotes, code_url="https://github.com/o/r")
        assert store.library.add([(popular, NOT_REVIEWED)], now=LATER) == ImportCounts(changed=1)
    store.library.add([(a_paper(version=2), NOT_REVIEWED)], now=LATER)
    paper = store.library.get([a_paper().id])[a_paper().id].paper
    assert (paper.upvotes, paper.code_url) == (30, "https://github.com/o/r")
    assert store.library.candidates(seen, store.library.latest_sequence(), with_text=False) == []
    assert [candidate.upvotes for candidate in store.library.candidates(0, seen, with_text=False)] == [30]


def test_changed_fields_make_no_paper_new_for_a_digest() -> None:
    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    seen = store.library.latest_sequence()
    store.library.add([(a_paper(title="Better"), a_review())], now=LATER)
    assert store.library.candidates(seen, store.library.latest_sequence(), with_text=False) == []
    assert [scored.paper.title for _, scored in store.library.changes_after(seen, 10)] == ["Better"]


def test_an_unannounced_paper_is_in_no_window_until_reviewed() -> None:
    store = a_store()
    old = [(a_paper(f"1601.0000{n}"), NOT_REVIEWED) for n in range(3)]
    assert store.library.add(old, now=LATER, announce=False) == ImportCounts(new=3)
    assert store.library.sequence_at(LATER) == 0
    store.library.add([(a_paper("2401.00001"), NOT_REVIEWED)], now=NOW)
    last = store.library.latest_sequence()
    assert [candidate.id for candidate in store.library.candidates(0, last, with_text=False)] == [
        "2401.00001"
    ]
    assert len(store.library.changes_after(0, 10)) == 4
    assert store.library.sequence_at(LATER) == 4
    store.library.add([(a_paper("1601.00001"), a_review())], now=LATER)
    fresh = store.library.candidates(last, store.library.latest_sequence(), with_text=False)
    assert [candidate.id for candidate in fresh] == ["1601.00001"]


def test_changes_are_listed_by_sequence_number_up_to_the_limit() -> None:
    store = a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), NOT_REVIEWED) for n in range(5)], now=NOW)
    first = store.library.changes_after(0, 2)
    rest = store.library.changes_after(first[-1][0], 10)
    assert [scored.paper.id[-1] for _, scored in [*first, *rest]] == list("01234")
    assert rest[-1][0] == store.library.latest_sequence()


def test_the_sequence_number_at_an_instant_is_the_last_one_known_then() -> None:
    store = a_store()
    store.library.add([(a_paper("2401.00001"), NOT_REVIEWED)], now=NOW)
    store.library.add([(a_paper("2401.00002"), NOT_REVIEWED)], now=LATER)
    assert store.library.sequence_at(NOW - timedelta(seconds=1)) == 0
    assert store.library.sequence_at(NOW) == 1
    assert store.library.sequence_at(LATER) == 2


def test_a_candidate_has_its_text_only_on_request() -> None:
    store = a_store()
    store.library.add(
        [(a_paper(title="T", abstract="A", categories=("cs.LG",)), a_review(tldr="S"))], now=NOW
    )
    (with_text,) = store.library.candidates(0, 9, with_text=True)
    (without,) = store.library.candidates(0, 9, with_text=False)
    assert with_text.text.split() == ["T", "A", "S"]
    assert without == with_text._replace(text="")


reviews = st.builds(
    a_review,
    score=st.sampled_from([None, 1.0, 2.0]),
    reviewed_at=st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]),
)


records = st.lists(
    st.tuples(
        st.builds(
            a_paper, st.sampled_from(["2401.00001", "2401.00002"]), version=st.sampled_from([None, 1, 2])
        ),
        st.one_of(st.just(NOT_REVIEWED), reviews),
    ),
    max_size=8,
)


@settings(max_examples=25)
@given(records, st.integers(0, 8))
def test_one_batch_and_two_have_the_same_result(batch: list[tuple[object, object]], cut: int) -> None:
    whole, halves = a_store(), a_store()
    whole.library.add(batch, now=NOW)  # type: ignore[arg-type]
    halves.library.add(batch[:cut], now=NOW)  # type: ignore[arg-type]
    halves.library.add(batch[cut:], now=NOW)  # type: ignore[arg-type]
    ids = ["2401.00001", "2401.00002"]
    assert whole.library.get(ids) == halves.library.get(ids)
    assert [set(whole.library.reviews_of(paper_id)) for paper_id in ids] == [
        set(halves.library.reviews_of(paper_id)) for paper_id in ids
    ]
    assert replace(whole.library.add(batch, now=LATER), unchanged=0) == ImportCounts()  # type: ignore[arg-type]


def test_a_withdrawal_counts_until_a_newer_version() -> None:
    store = a_store()
    day = NOW.date()
    store.library.add([(a_paper(version=2, updated=day), NOT_REVIEWED)], now=NOW)
    store.library.add([(a_paper(version=3, withdrawn=day), NOT_REVIEWED)], now=NOW)
    store.library.add([(a_paper(version=2), NOT_REVIEWED), (a_paper(), NOT_REVIEWED)], now=NOW)
    paper = store.library.get([a_paper().id])[a_paper().id].paper
    assert (paper.version, paper.withdrawn, paper.updated) == (3, day, None)
    assert [candidate.withdrawn for candidate in store.library.candidates(0, 9, with_text=False)] == [True]
    store.library.add([(a_paper(version=4), NOT_REVIEWED)], now=NOW)
    assert store.library.get([a_paper().id])[a_paper().id].paper.withdrawn is None


def test_papers_are_found_by_a_prefix_of_their_id_newest_first() -> None:
    store = a_store()
    ids = ["2402.01306", "2402.99999", "2403.00001", "web:abc", "cs/0112017"]
    store.library.add([(a_paper(paper_id), NOT_REVIEWED) for paper_id in ids], now=NOW)
    assert list(store.library.ids_with_prefix("2402.", 10)) == ["2402.99999", "2402.01306"]
    assert list(store.library.ids_with_prefix("2402.", 1)) == ["2402.99999"]
    assert list(store.library.ids_with_prefix("24%", 10)) == []
    assert list(store.library.ids_with_prefix("cs/", 10)) == ["cs/0112017"]


def test_papers_are_found_by_their_title_in_any_case_newest_first() -> None:
    store = a_store()
    titled = [a_paper("2402.01306", title="A Study"), a_paper("2402.01307", title="a study")]
    store.library.add([(paper, NOT_REVIEWED) for paper in [*titled, a_paper("2402.01308")]], now=NOW)
    assert list(store.library.ids_with_title(" A STUDY", 10)) == ["2402.01307", "2402.01306"]
    assert list(store.library.ids_with_title("a study", 1)) == ["2402.01307"]
    assert list(store.library.ids_with_title("a stud", 10)) == []


def test_long_titles_are_compared_to_their_ends() -> None:
    store, beginning = a_store(), "A Study of Long Titles " * 10
    titled = [a_paper("2402.01306", title=f"{beginning}One"), a_paper("2402.01307", title=f"{beginning}Two")]
    store.library.add([(paper, NOT_REVIEWED) for paper in titled], now=NOW)
    assert list(store.library.ids_with_title(f"{beginning}one", 10)) == ["2402.01306"]
    assert list(store.library.ids_with_title(beginning, 10)) == []


def test_a_title_is_found_by_an_index_of_all_papers() -> None:
    database = open_database("sqlite://")
    migrate(database, now=NOW)
    titled = library_module._TITLED_PAPERS.params(title="a", limit=1)
    query = titled.compile(database.engine, compile_kwargs={"literal_binds": True})
    with database.read() as connection:
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").fetchall()
    assert "USING INDEX ix_papers_title" in steps[0].detail


def test_only_known_papers_are_updated() -> None:
    papers = a_store().library
    papers.add([(a_paper(version=1), NOT_REVIEWED)], now=NOW)
    updates = [a_paper(version=2, title="Better"), a_paper("1601.00001", title="Old")]
    assert papers.update_known(updates, now=LATER) == ImportCounts(changed=1)
    assert papers.update_known(updates, now=LATER) == ImportCounts(unchanged=1)
    assert papers.get(["1601.00001"]) == {}
    assert papers.get([a_paper().id])[a_paper().id].paper.title == "Better"
