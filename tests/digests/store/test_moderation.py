"""Held papers and final decisions."""

from datetime import timedelta

import pytest

from digests.ports.moderation import ModerationDecision
from tests.builders import NOW, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)


def test_a_released_paper_is_a_candidate_with_a_new_sequence_number() -> None:
    store = a_store()
    store.library.add([(a_paper("a"), a_review()), (a_paper("b"), a_review())], now=NOW)
    for name in ("a", "b"):
        store.moderation.hold(name, "It holds an order, and its score stands out.", now=NOW)
    assert store.moderation.find_decision("a") is None
    held = store.moderation.list_held()
    assert [(one.scored_paper.paper.id, one.reason[:8]) for one in held] == [
        ("a", "It holds"),
        ("b", "It holds"),
    ]
    last = store.library.latest_sequence()
    assert store.moderation.release("a", by="ada", by_id="slack:T1:U-ada", now=LATER)
    assert store.moderation.reject("b", by="ada", by_id="slack:T1:U-ada", now=LATER)
    assert not store.moderation.release("b", by="bob", by_id="slack:T1:U-bob", now=LATER)
    assert store.moderation.find_decision("a") == ModerationDecision(True, "ada", "slack:T1:U-ada", LATER)
    assert store.moderation.find_decision("b") == ModerationDecision(False, "ada", "slack:T1:U-ada", LATER)
    assert store.moderation.find_decision("unknown") is None
    assert not store.moderation.release("unknown", by="bob", by_id="slack:T1:U-bob", now=LATER)
    assert [
        (one.id, one.held)
        for one in store.library.candidates(last, store.library.latest_sequence(), with_text=False)
    ] == [("a", False)]
    assert {one.id: one.held for one in store.library.candidates(0, last, with_text=False)} == {"b": True}
    assert store.moderation.list_held() == []


def test_a_decision_is_final() -> None:
    store = a_store()
    store.library.add([(a_paper("a"), a_review())], now=NOW)
    store.moderation.hold("a", "Why.", now=NOW)
    store.moderation.release("a", by="ada", by_id="slack:T1:U-ada", now=NOW)
    store.moderation.hold("a", "Why again.", now=LATER)
    assert store.moderation.list_held() == []
