"""The papers after those of a posted digest: their reference, their choice, and its bounds."""

from datetime import date, timedelta

import pytest

from digests.build import DigestPolicy, build
from digests.errors import InputError
from digests.model import LeftOut
from digests.next_papers import (
    MAX_SKIPPED,
    NextPapers,
    build_next_papers,
    find_next_papers,
    parse_next_papers,
)
from digests.ports import Store
from digests.subscription import Subscription
from tests.builders import NOW, TODAY, a_paper, a_review, a_store, a_subscription, save_subscription


def a_day_of(count: int, top: int = 2) -> tuple[Store, Subscription]:
    """Build a store with papers of falling scores, and a subscription for the best of them."""
    store = a_store()
    papers = [(a_paper(f"2401.{n:05}", published=TODAY), a_review(9.9 - n / 10)) for n in range(count)]
    store.library.add(papers, now=NOW - timedelta(hours=1))
    return store, save_subscription(store, a_subscription(top=top))


def follow(store: Store, subscription: Subscription) -> list[list[str]]:
    """Return the ids of the papers of a digest that is not recorded as shown, and of each next answer."""
    digest = build(subscription, TODAY, store=store, policy=DigestPolicy(), now=NOW)
    answers = [[pick.scored_paper.paper.id for pick in digest.picks]]
    following = find_next_papers(digest)
    while following:
        reference = parse_next_papers(following.format_value())
        digest, following = build_next_papers(
            reference, subscription, store=store, policy=DigestPolicy(), now=NOW
        )
        answers.append([pick.scored_paper.paper.id for pick in digest.picks])
    return answers


def test_the_next_papers_come_in_their_order_until_none_is_left() -> None:
    store, subscription = a_day_of(12)
    assert follow(store, subscription)[1:] == [
        [f"2401.{n:05}" for n in range(5)],
        [f"2401.{n:05}" for n in range(5, 10)],
        [f"2401.{n:05}" for n in range(10, 12)],
    ]


def test_the_next_papers_are_bounded() -> None:
    store, subscription = a_day_of(80)
    assert len(follow(store, subscription)[1:]) == MAX_SKIPPED // 5 + 1


def test_a_digest_that_shows_all_papers_has_no_next_ones() -> None:
    store, subscription = a_day_of(2)
    digest = build(subscription, TODAY, store=store, policy=DigestPolicy(), now=NOW)
    assert LeftOut.BEYOND_TOP not in digest.left_out
    assert find_next_papers(digest) is None


def test_a_reference_survives_its_button() -> None:
    reference = NextPapers(date(2026, 11, 24), 120, 652, 5)
    assert reference.format_value() == "2026-11-24.120.652.5"
    assert parse_next_papers("2026-11-24.120.652.5") == reference


@pytest.mark.parametrize(
    "value",
    ["", "x", "2026-11-24", "2026-11-24.1.2", "2026-11-24.1.2.3.@4", "2026-11-24.-1.2.3", "2026-13-01.1.2.3",
     "2026-11-24.1.2.46", "2026-11-24.1.2.٣", "2026-11-24.1.2." + "9" * 40, "2026-11-24.1.2." + "9" * 9999],
)  # fmt: skip
def test_any_other_value_is_refused_with_a_sentence(value: str) -> None:
    with pytest.raises(InputError, match=r"\.$"):
        parse_next_papers(value)


def test_the_value_of_a_button_names_the_digest_that_it_stands_under() -> None:
    reference = NextPapers(date(2026, 11, 24), 120, 652, 5, name="cs.cl on fridays")
    assert reference.format_value() == "2026-11-24.120.652.5.cs.cl on fridays"
    assert parse_next_papers(reference.format_value()) == reference
    with pytest.raises(InputError):
        parse_next_papers("2026-11-24.120.652.5.<!channel>")
