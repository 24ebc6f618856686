"""Pages in the outbox, with their states, receipts and papers."""

from datetime import timedelta

import pytest

from digests.ports.outbox import PageState
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
