"""The queue of papers to discuss: whose marks are in it, and who takes a paper off."""

from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from bot.chat.message import Buttons, Message, OptionRow, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.services import build_answers, build_services
from config.settings import DiscussionSettings, OperatorSettings, Settings, StoreSettings
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import Mark, MarkSource
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


def answers(store: Store, *, has_workspace_queue: bool = True) -> Answers:
    return Answers(store, find_nothing, DigestPolicy(), lambda: NOW, has_workspace_queue=has_workspace_queue)


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


@pytest.mark.parametrize("entry", ["2", "2401.00001", "2401.00002", "2401.00004"])
def test_nobody_takes_a_paper_off_the_queue_of_another_workspace(entry: str) -> None:
    store = a_store_with_marks()
    with pytest.raises(InputError, match="is not in the queue"):
        answers(store).queue.finish_discussion(entry, FOREIGN, EVE)
    assert list_papers(answers(store).queue.show_queue(READING)) == ["2401.00001", "2401.00002"]
    assert list_papers(answers(store).queue.finish_discussion("1", FOREIGN, EVE)) == []
    assert list_papers(answers(store).queue.finish_discussion("1", VISION, ADA)) == ["2401.00002"]


def test_a_persons_own_page_has_the_marks_of_that_workspace_alone() -> None:
    queue = answers(a_store_with_marks()).queue
    assert set(list_papers(queue.show_home("slack", "T1", ADA))) == {"2401.00001", "2401.00002"}
    assert list_papers(queue.show_home("slack", "T2", ADA)) == ["2401.00003"]
    assert list_papers(queue.show_home("slack", "T3", ADA)) == []


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
    message = answers(store).queue.finish_discussion("2401.00001", READING, ADA)
    assert Text("Done: “Paper 2401.00001” is off the list.") in message.blocks
    assert list_papers(message) == ["2401.00002"]


def list_undo_values(message: Message) -> list[str]:
    return [button.value for row in message.blocks if isinstance(row, Buttons) for button in row.buttons]


def list_texts(message: Message) -> list[str]:
    return [block.text for block in message.blocks if isinstance(block, Text)]


def test_the_queue_says_to_everybody_who_took_a_paper_off_and_anybody_there_puts_it_back() -> None:
    queue = answers(a_store_with_marks()).queue
    queue.finish_discussion("2401.00001", READING, ADA)
    seen = queue.show_queue(VISION)
    assert list_texts(seen) == ["Ada took “Paper 2401.00001” off the list on Tue 24 Nov."]
    (value,) = list_undo_values(seen)
    with pytest.raises(InputError, match="cannot be undone here"):
        queue.undo_discussion(value, FOREIGN)
    restored = queue.undo_discussion(value, VISION)
    assert list_texts(restored) == ["“Paper 2401.00001” is back on the list."]
    assert list_papers(restored) == ["2401.00001", "2401.00002"]
    with pytest.raises(InputError, match="put back already"):
        queue.undo_discussion(value, READING)


def test_an_old_undo_does_not_undo_a_later_discussion() -> None:
    store = a_store_with_marks()
    queue = answers(store).queue
    (value,) = list_undo_values(queue.finish_discussion("2401.00001", READING, ADA))
    store.marks.finish_discussion(
        "2401.00001", QueueScope("slack", "T1"), by="Eve", by_id="slack:T1:UEVE", now=NOW + timedelta(hours=1)
    )
    with pytest.raises(InputError, match="taken off again since"):
        queue.undo_discussion(value, READING)


@pytest.mark.parametrize("value", ["", "x", ":", "1:", "²:a", "9" * 40 + ":a", "-1:a", "1:2401.00001"])
def test_an_undo_with_a_made_up_value_changes_nothing(value: str) -> None:
    queue = answers(a_store_with_marks()).queue
    queue.finish_discussion("2401.00001", READING, ADA)
    with pytest.raises(InputError, match="cannot be undone here"):
        queue.undo_discussion(value, READING)
    assert list_papers(queue.show_queue(READING)) == ["2401.00002"]


def test_of_many_finished_discussions_the_last_three_are_named() -> None:
    store = a_store_with_marks()
    for number in range(5):
        store.marks.finish_discussion(
            f"p{number}", QueueScope("slack", "T1"), by="Ada", by_id="slack:T1:UADA",
            now=NOW - timedelta(days=2 * number),
        )  # fmt: skip
    values = list_undo_values(answers(store).queue.show_queue(READING))
    assert [value.partition(":")[2] for value in values] == ["p0", "p1", "p2"]
    empty = answers(store).queue.show_queue(Channel("slack", "C5", "T5"))
    assert list_undo_values(empty) == []
