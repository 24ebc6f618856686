"""Pages in the outbox, with their states, receipts and papers."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from digests.model import AttachedFile
from digests.ports import Store
from digests.ports.outbox import PageState
from digests.store.schema import pages as pages_table
from tests.builders import NOW, TODAY
from tests.outbox import (
    LEASE,
    a_page,
    a_store_with_channel,
    claim_edition,
    confirm_page,
    find_shown_papers,
    save_plan,
    start_page,
    try_claim,
)

pytestmark = pytest.mark.usefixtures("over_both")


def test_the_next_owner_gets_every_page_in_its_last_state() -> None:
    store, subscription = a_store_with_channel()
    first = save_plan(store, claim_edition(store, subscription), [a_page(n) for n in range(3)], watermark=1)
    start_page(store, first, 0)
    confirm_page(store, first, 0, "receipt")
    start_page(store, first, 1)
    pages = claim_edition(store, subscription, "b", LEASE).pages
    assert [page.state for page in pages] == [PageState.POSTED, PageState.POSTING, PageState.PLANNED]
    assert pages[0].receipt == "receipt"
    assert pages[2].payload == {"text": "ünï 2"}
    assert [page.in_thread for page in pages] == [False, True, True]


def test_a_paper_of_two_pages_is_shown_by_the_first_of_them() -> None:
    store, subscription = a_store_with_channel()
    pages = [a_page(0, "2401.00001"), a_page(1, "2401.00001", "2401.00002")]
    claim = save_plan(store, claim_edition(store, subscription), pages, watermark=4)
    confirm_page(store, claim, 0, "receipt")
    store.outbox.abandon(claim, "The channel is gone.", now=NOW)
    assert find_shown_papers(store, subscription, 0, 4) == {"2401.00001"}


def test_a_paper_may_be_shown_by_two_editions() -> None:
    store, subscription = a_store_with_channel()
    first = save_plan(store, claim_edition(store, subscription), [a_page(0, "2401.00001")], watermark=4)
    store.outbox.finish(first)
    second = try_claim(store, subscription, edition=TODAY + timedelta(days=1))
    assert second
    save_plan(store, second, [a_page(0, "2401.00001", "2401.00002")], watermark=4)
    assert find_shown_papers(store, subscription, 0, 4) == {"2401.00001", "2401.00002"}


def test_a_page_keeps_its_file_until_it_is_confirmed() -> None:
    store, subscription = a_store_with_channel()
    picture = AttachedFile("week.png", b"\x89PNG\x00\xff", "Scores, ünï")
    pages = [replace(a_page(0), file=picture), a_page(1)]
    first = save_plan(store, claim_edition(store, subscription), pages, watermark=1)
    start_page(store, first, 0)
    second = claim_edition(store, subscription, "b", LEASE)
    assert [page.file for page in second.pages] == [picture, None]
    confirm_page(store, second, 0, "receipt")
    assert [page.file for page in claim_edition(store, subscription, "c", 2 * LEASE).pages] == [None, None]


def test_an_edition_that_is_given_up_keeps_no_file() -> None:
    store, subscription = a_store_with_channel()
    pages = [a_page(0), replace(a_page(1), file=AttachedFile("week.png", b"x", "Scores"))]
    claim = save_plan(store, claim_edition(store, subscription), pages, watermark=1)
    confirm_page(store, claim, 0, "receipt")
    assert count_files(store) == 1
    store.outbox.abandon(claim, "The channel is gone.", now=NOW)
    assert count_files(store) == 0


def count_files(store: Store) -> int:
    with store.outbox.database.read() as connection:  # type: ignore[attr-defined]
        return len(
            connection.execute(select(pages_table.c.file).where(pages_table.c.file.is_not(None))).all()
        )
