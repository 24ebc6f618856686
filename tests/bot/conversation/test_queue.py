"""The queue of papers to discuss: whose marks are in it, and who takes a paper off."""

from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from bot.chat.message import ButtonAction, Buttons, Message, MessageReference, OptionRow, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.queue import MarkToggle
from bot.services import build_answers, build_services
from config.settings import DiscussionSettings, OperatorSettings, Settings, StoreSettings
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import Mark, MarkSource, Post, QueueOutcome
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_store, find_nothing

READING, VISION = Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1")
FOREIGN, DIRECT = Channel("slack", "C9", "T2"), Channel("discord", "D1")
ADA, EVE = Person("UADA", "Ada"), Person("UEVE", "Eve", is_admin=True)

PAPER_BY_CHANNEL = {READING: "2401.00001", VISION: "2401.00002", FOREIGN: "2401.00003", DIRECT: "2401.00004"}


def a_store_with_marks() -> Store:
    store = a_store()
    for channel, paper in PAPER_BY_CHANNEL.items():
        store.library.add([(a_paper(paper), a_review())], now=NOW)
        store.marks.set_mark(Mark(channel, "", paper, "UADA", MarkSource.BUTTON, NOW), True)
    return store


def answers(
    store: Store, *, has_workspace_queue: bool = True, days: int = 0, anyone_may_change: bool = True
) -> Answers:
    return Answers(
        store,
        find_nothing,
        DigestPolicy(),
        lambda: NOW + timedelta(days=days),
        has_workspace_queue=has_workspace_queue,
        anyone_may_change=anyone_may_change,
    )


def list_papers(message: Message) -> list[str]:
    return [row.button.value for row in message.blocks if isinstance(row, OptionRow)]


@pytest.mark.parametrize(
    ("channel", "of_workspace", "of_channel"),
    [
        (READING, ["2401.00001", "2401.00002"], ["2401.00001"]),
        (VISION, ["2401.00001", "2401.00002"], ["2401.00002"]),
        (FOREIGN, ["2401.00003"], ["2401.00003"]),
        (DIRECT, ["2401.00004"], ["2401.00004"]),
        (Channel("discord", "D2"), [], []),
        (Channel("discord", "C1", "T1"), [], []),
    ],
)
def test_a_queue_is_a_workspaces_or_a_channels_and_never_wider(
    channel: Channel, of_workspace: list[str], of_channel: list[str]
) -> None:
    store = a_store_with_marks()
    assert list_papers(answers(store).queue.show_queue(channel)) == of_workspace
    assert list_papers(answers(store, has_workspace_queue=False).queue.show_queue(channel)) == of_channel


def test_the_queue_of_a_direct_message_is_the_persons_alone() -> None:
    store, own = a_store_with_marks(), Channel("slack", "DUADA", "T1", is_direct=True)
    for paper in ("2401.00001", "2401.00004"):
        store.marks.set_mark(Mark(own, "", paper, "UADA", MarkSource.BUTTON, NOW), True)
    assert list_papers(answers(store).queue.show_queue(own)) == ["2401.00001", "2401.00004"]
    assert list_papers(answers(store).queue.show_queue(READING)) == ["2401.00001", "2401.00002"]
    answers(store).queue.decide("2401.00001", QueueOutcome.DISCUSSED, READING, EVE)
    assert list_papers(answers(store).queue.show_queue(own)) == ["2401.00001", "2401.00004"]
    answers(store).queue.decide("2401.00004", QueueOutcome.DISCUSSED, own, ADA)
    assert list_papers(answers(store).queue.show_queue(own)) == ["2401.00001"]
    assert list_papers(answers(store).queue.show_queue(READING)) == ["2401.00002"]


@pytest.mark.parametrize("entry", ["2", "2401.00001", "2401.00002", "2401.00004"])
def test_nobody_takes_a_paper_off_the_queue_of_another_workspace(entry: str) -> None:
    store = a_store_with_marks()
    with pytest.raises(InputError, match="is not in the queue"):
        answers(store).queue.decide(entry, QueueOutcome.DISCUSSED, FOREIGN, EVE)
    assert list_papers(answers(store).queue.show_queue(READING)) == ["2401.00001", "2401.00002"]
    assert list_papers(answers(store).queue.decide("1", QueueOutcome.DISCUSSED, FOREIGN, EVE)) == []
    assert list_papers(answers(store).queue.decide("1", QueueOutcome.DISCUSSED, VISION, ADA)) == [
        "2401.00002"
    ]


def test_a_persons_own_page_has_the_marks_of_that_workspace_alone() -> None:
    queue = answers(a_store_with_marks()).queue
    assert set(list_papers(queue.show_home("slack", "T1", ADA))) == {"2401.00001", "2401.00002"}
    assert list_papers(queue.show_home("slack", "T2", ADA)) == ["2401.00003"]
    assert list_papers(queue.show_home("slack", "T3", ADA)) == []


def test_a_persons_own_page_has_the_marks_of_their_own_direct_messages_and_nobody_elses() -> None:
    store = a_store_with_marks()
    for person, paper in (("UADA", "2401.00004"), ("UEVE", "2401.00003")):
        own = Channel("slack", f"D{person}", "T1", is_direct=True)
        store.marks.set_mark(Mark(own, "", paper, person, MarkSource.BUTTON, NOW), True)
    queue, own = answers(store).queue, Channel("slack", "DUADA", "T1", is_direct=True)
    expected = {"2401.00001", "2401.00002", "2401.00004"}
    assert set(list_papers(queue.show_home("slack", "T1", ADA))) == expected
    assert list_papers(queue.show_home("slack", "T2", ADA)) == ["2401.00003"]
    assert list_papers(queue.show_queue(READING)) == ["2401.00001", "2401.00002"]
    queue.decide("2401.00004", QueueOutcome.DISCUSSED, own, ADA)
    assert set(list_papers(queue.show_home("slack", "T1", ADA))) == expected - {"2401.00004"}


def test_a_persons_own_page_counts_no_marks_in_direct_messages_of_others() -> None:
    store = a_store_with_marks()
    for person in ("UADA", "UEVE"):
        own = Channel("slack", f"D{person}", "T1", is_direct=True)
        store.marks.set_mark(Mark(own, "", "2401.00004", person, MarkSource.BUTTON, NOW), True)
    own_page = str(answers(store).queue.show_home("slack", "T1", ADA))
    assert "Paper 2401.00004 · 1 wants to discuss" in own_page


def test_the_settings_choose_the_queue_and_the_deciders(tmp_path: Path) -> None:
    store = StoreSettings(url=f"sqlite:///{tmp_path / 'p.db'}")
    operator = OperatorSettings(deciders=("slack:T1:UADA",))
    for discussion, is_whole in ((DiscussionSettings(), True), (DiscussionSettings(queue="channel"), False)):
        settings = Settings(store=store, discussion=discussion, operator=operator)
        services = build_services(settings, Console(quiet=True))
        built = build_answers(services, "slack")
        assert built.has_workspace_queue is is_whole
        assert built.deciders == {"slack:T1:UADA"}
        services.store.close()


def test_the_answer_to_done_names_the_paper_that_left_the_list() -> None:
    store = a_store_with_marks()
    message = answers(store).queue.decide("2401.00001", QueueOutcome.DISCUSSED, READING, ADA)
    assert Text("Done: “Paper 2401.00001” is off the list.") in message.blocks
    assert list_papers(message) == ["2401.00002"]


def list_undo_values(message: Message) -> list[str]:
    buttons = [button for row in message.blocks if isinstance(row, Buttons) for button in row.buttons]
    return [button.value for button in buttons if button.action is ButtonAction.UNDO_DISCUSSION]


def list_texts(message: Message) -> list[str]:
    return [block.text for block in message.blocks if isinstance(block, Text)]


def test_the_queue_says_to_everybody_who_took_a_paper_off_and_anybody_there_puts_it_back() -> None:
    queue = answers(a_store_with_marks()).queue
    queue.decide("2401.00001", QueueOutcome.DISCUSSED, READING, ADA)
    seen = queue.show_queue(VISION)
    assert list_texts(seen) == ["Ada took “Paper 2401.00001” off the list as discussed on Tue 24 Nov."]
    (value,) = list_undo_values(seen)
    with pytest.raises(InputError, match="cannot be undone here"):
        queue.undo_decision(value, FOREIGN, ADA)
    restored = queue.undo_decision(value, VISION, ADA)
    assert list_texts(restored) == ["“Paper 2401.00001” is back on the list."]
    assert list_papers(restored) == ["2401.00001", "2401.00002"]
    with pytest.raises(InputError, match="put back already"):
        queue.undo_decision(value, READING, ADA)


def test_an_old_undo_does_not_undo_a_later_discussion() -> None:
    store = a_store_with_marks()
    queue = answers(store).queue
    (value,) = list_undo_values(queue.decide("2401.00001", QueueOutcome.DISCUSSED, READING, ADA))
    store.queue_decisions.decide(
        "2401.00001", QueueScope("slack", "T1"), QueueOutcome.DISCUSSED, by="Eve", by_id="slack:T1:UEVE",
        now=NOW + timedelta(hours=1),
    )  # fmt: skip
    with pytest.raises(InputError, match="taken off again since"):
        queue.undo_decision(value, READING, ADA)


@pytest.mark.parametrize("value", ["", "x", ":", "1:", "²:a", "9" * 40 + ":a", "-1:a", "1:2401.00001"])
def test_an_undo_with_a_made_up_value_changes_nothing(value: str) -> None:
    queue = answers(a_store_with_marks()).queue
    queue.decide("2401.00001", QueueOutcome.DISCUSSED, READING, ADA)
    with pytest.raises(InputError, match="cannot be undone here"):
        queue.undo_decision(value, READING, ADA)
    assert list_papers(queue.show_queue(READING)) == ["2401.00002"]


def test_of_many_finished_discussions_the_last_three_are_named() -> None:
    store = a_store_with_marks()
    for number in range(5):
        store.queue_decisions.decide(
            f"p{number}", QueueScope("slack", "T1"), QueueOutcome.DISCUSSED, by="Ada", by_id="slack:T1:UADA",
            now=NOW - timedelta(days=2 * number),
        )  # fmt: skip
    values = list_undo_values(answers(store).queue.show_queue(READING))
    assert [value.partition(":")[2] for value in values] == ["p0", "p1", "p2"]
    empty = answers(store).queue.show_queue(Channel("slack", "C5", "T5"))
    assert list_undo_values(empty) == []


# Order, people, pages.


def mark(store: Store, paper: str, *people: str, channel: Channel = READING, days: int = 0) -> None:
    for person in people:
        store.marks.set_mark(
            Mark(channel, "", paper, person, MarkSource.BUTTON, NOW + timedelta(days=days)), True
        )


def a_store_with_papers(*scores: float | None) -> Store:
    """Make a store with the papers p1, p2 ... of these scores, None for one without."""
    store = a_store()
    for number, score in enumerate(scores, start=1):
        store.library.add([(a_paper(f"p{number}"), a_review(score))], now=NOW)
    return store


def list_rows(message: Message) -> list[OptionRow]:
    return [row for row in message.blocks if isinstance(row, OptionRow)]


def test_the_most_wanted_paper_comes_first_then_the_best_then_the_one_that_waits_longest() -> None:
    store = a_store_with_papers(7.0, 9.0, 9.0, None, 5.0)
    mark(store, "p5", "U1", "U2")
    for days, paper in ((-9, "p4"), (-8, "p1"), (-2, "p2"), (-3, "p3")):
        mark(store, paper, "U1", days=days)
    shown = answers(store).queue.show_queue(READING)
    assert list_papers(shown) == ["p5", "p3", "p2", "p1", "p4"]
    assert [row.text for row in list_rows(shown)][:2] == [
        "1. Paper p5 · 5.0/10 · 2 want to discuss since Tue 24 Nov",
        "2. Paper p3 · 9.0/10 · 1 wants to discuss since Sat 21 Nov",
    ]


def test_the_queue_names_the_first_who_marked_a_paper_and_counts_the_others() -> None:
    store = a_store_with_papers(7.0, 8.0)
    for minute in range(7):
        mark(store, "p1", f"U{7 - minute}", days=minute - 7)
    mark(store, "p2", "U9")
    first, second = list_rows(answers(store).queue.show_queue(READING))
    assert (first.people, first.more_people) == (("U7", "U6", "U5", "U4", "U3"), "2 more")
    assert (second.people, second.more_people) == (("U9",), "")


def test_a_long_queue_has_pages_and_a_decision_stays_on_its_own() -> None:
    store = a_store_with_papers(*[9.0 - number / 100 for number in range(523)])
    for number in range(523):
        mark(store, f"p{number + 1}", "U1")
    queue = answers(store).queue
    first = queue.show_queue(READING)
    assert first.summary == "523 to discuss"
    (following,) = [button for row in first.blocks if isinstance(row, Buttons) for button in row.buttons]
    assert (following.label, following.value) == ("Next 8 of 515", "8")
    second = queue.show_queue(READING, 8)
    assert [row.number for row in list_rows(second)] == list(range(9, 17))
    after = queue.decide("p300", QueueOutcome.PASSED, READING, ADA)
    assert list_papers(after)[:3] == ["p297", "p298", "p299"]
    assert list_papers(after)[3] == "p301"
    last = queue.show_queue(READING, 2_000)
    assert list_papers(last) == ["p522", "p523"]
    assert list_papers(queue.decide("522", QueueOutcome.PASSED, READING, ADA)) == ["p522"]


def test_a_paper_that_was_discussed_before_says_when_and_links_back() -> None:
    store = a_store_with_papers(7.0)
    store.posts.record_shared(Post(READING, "1700000000.000200", ("p1",), {"text": "x"}), now=NOW)
    mark(store, "p1", "U1", days=-20)
    answers(store, days=-15).queue.decide("p1", QueueOutcome.DISCUSSED, READING, ADA)
    mark(store, "p1", "U2", days=-1)
    (row,) = list_rows(answers(store).queue.show_queue(READING))
    assert (row.people, row.note) == (("U2",), "discussed on Mon 9 Nov")
    assert row.note_target == MessageReference(READING, "1700000000.000200")


# Decisions.


@pytest.mark.parametrize(
    ("outcome", "order", "order_after_a_mark", "order_after_a_week", "sentence"),
    [
        (QueueOutcome.DISCUSSED, ["p2"], ["p1", "p2"], ["p2"], "Ada took “Paper p1” off the list as"),
        (QueueOutcome.PASSED, ["p2"], ["p1", "p2"], ["p2"], "Ada passed on “Paper p1” on Tue 24 Nov."),
        (QueueOutcome.POSTPONED, ["p2", "p1"], ["p2", "p1"], ["p1", "p2"], "until Tue 1 Dec."),
        (QueueOutcome.TAKEN_OUT, ["p2"], ["p2"], ["p2"], "Ada took “Paper p1” out for good on"),
    ],
)
def test_a_decision_ends_as_it_says_and_is_undone_with_its_marks(
    outcome: QueueOutcome,
    order: list[str],
    order_after_a_mark: list[str],
    order_after_a_week: list[str],
    sentence: str,
) -> None:
    store = a_store_with_papers(9.0, 8.0)
    for paper in ("p1", "p2"):
        mark(store, paper, "U1", days=-1)
    message = answers(store).queue.decide("1", outcome, READING, ADA)
    assert list_papers(message) == order
    assert sentence in str(message.blocks)
    assert list_papers(answers(store, days=8).queue.show_queue(READING)) == order_after_a_week
    mark(store, "p1", "U2", days=1)
    assert list_papers(answers(store, days=2).queue.show_queue(READING)) == order_after_a_mark
    (value,) = list_undo_values(message)
    assert list_papers(answers(store, days=2).queue.undo_decision(value, READING, EVE)) == ["p1", "p2"]
    with pytest.raises(InputError, match="put back already"):
        answers(store, days=2).queue.undo_decision(value, READING, EVE)


def test_a_paper_is_put_back_by_its_id_long_after_the_decision() -> None:
    store = a_store_with_papers(9.0)
    mark(store, "p1", "U1", days=-1)
    answers(store).queue.decide("p1", QueueOutcome.TAKEN_OUT, READING, ADA)
    later = answers(store, days=20).queue
    assert list_undo_values(later.show_queue(READING)) == []
    assert list_papers(later.return_paper("p1", READING, EVE)) == ["p1"]
    with pytest.raises(InputError, match="Nobody has taken 'p1' off this queue"):
        later.return_paper("p1", READING, EVE)


def test_only_those_who_may_change_digests_take_papers_out_and_put_them_back() -> None:
    store = a_store_with_papers(9.0)
    mark(store, "p1", "U1")
    queue = answers(store, anyone_may_change=False).queue
    with pytest.raises(InputError, match="Only workspace admins may take papers out"):
        queue.decide("p1", QueueOutcome.TAKEN_OUT, READING, ADA)
    (value,) = list_undo_values(queue.decide("p1", QueueOutcome.TAKEN_OUT, READING, EVE))
    with pytest.raises(InputError, match="Only workspace admins may take papers out"):
        queue.undo_decision(value, READING, ADA)
    with pytest.raises(InputError, match="Only workspace admins may take papers out"):
        queue.return_paper("p1", READING, ADA)
    assert list_papers(queue.undo_decision(value, READING, EVE)) == ["p1"]
    assert list_papers(queue.decide("p1", QueueOutcome.PASSED, READING, ADA)) == []


# One person, one mark.


def react(store: Store, *, is_added: bool, days: int = 0, channel: Channel = READING) -> None:
    at = NOW + timedelta(days=days)
    store.marks.set_mark(Mark(channel, "1.0", "p1", "UADA", MarkSource.REACTION, at), is_added)


def count_marks(store: Store) -> dict[str, int]:
    return dict(store.marks.mark_counts(READING, ["p1"]))


def test_a_second_door_takes_the_same_mark_back_also_from_another_channel() -> None:
    store = a_store_with_papers(9.0)
    queue = answers(store).queue
    assert queue.toggle_mark(READING, "p1", "UADA") == MarkToggle(True, frozenset({READING}))
    assert queue.toggle_mark(VISION, "p1", "UADA") == MarkToggle(False, frozenset({READING}))
    assert count_marks(store) == {}
    of_channels = answers(store, has_workspace_queue=False).queue
    of_channels.toggle_mark(READING, "p1", "UADA")
    assert of_channels.toggle_mark(VISION, "p1", "UADA").is_marked


def test_a_mark_goes_with_the_reaction_whatever_door_it_came_through() -> None:
    store = a_store_with_papers(9.0)
    answers(store).queue.toggle_mark(READING, "p1", "UADA")
    react(store, is_added=True, days=1)
    assert count_marks(store) == {"p1": 1}
    with pytest.raises(InputError, match="take the reaction away"):
        answers(store, days=2).queue.toggle_mark(READING, "p1", "UADA")
    react(store, is_added=False, days=3)
    assert count_marks(store) == {}
    assert answers(store, days=4).queue.toggle_mark(READING, "p1", "UADA").is_marked
    react(store, is_added=False, days=3)
    assert count_marks(store) == {"p1": 1}


def test_a_mark_that_counts_no_more_is_renewed_by_one_tap() -> None:
    store = a_store_with_papers(9.0)
    react(store, is_added=True, days=-2)
    answers(store, days=-1).queue.decide("p1", QueueOutcome.DISCUSSED, READING, EVE)
    queue = answers(store).queue
    assert queue.toggle_mark(READING, "p1", "UADA").is_marked
    assert list_papers(queue.show_queue(READING)) == ["p1"]
    assert count_marks(store) == {"p1": 1}
