"""Notes about papers by command and by button."""

from dataclasses import replace
from typing import Any

import pytest

from bot.chat.message import Button, ButtonAction, Buttons, Message, MessageReference, People, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.notes import MAX_NOTE_CHARACTERS, MAX_NOTES_OF_PERSON, PersonsMessage
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import Post
from digests.ports import Store
from digests.ports.people import Subject, SubjectKind
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_store, find_by_id

PAPER, OTHER = "2402.01306", "2402.00002"
ADA, BOB = Person("UADA", "ada"), Person("UBOB", "bob")
CHANNEL, NEIGHBOUR = Channel("slack", "C1", "T1"), Channel("slack", "C9", "T2")


@pytest.fixture
def store() -> Store:
    store = a_store()
    store.library.add([(a_paper(PAPER, title="KTO: Tuning"), a_review())], now=NOW)
    return store


def run(store: Store, text: str, person: Person = ADA, channel: Channel = CHANNEL) -> Message:
    answers = Answers(store, find_by_id(store), DigestPolicy(), lambda: NOW)
    return answers.run_digest_command(text, channel, person).message


def click(
    store: Store, action: ButtonAction, value: str, person: Person, channel: Channel = CHANNEL
) -> Message:
    notes = Answers(store, find_by_id(store), DigestPolicy(), lambda: NOW).notes
    if action is ButtonAction.REMOVE_NOTE:
        return notes.remove_note(value, channel, person)
    return notes.show_notes(value, channel, person)


def list_notes(message: Message) -> list[tuple[tuple[str, ...], str]]:
    return [(block.people, block.text) for block in message.blocks if isinstance(block, People)]


def list_buttons(message: Message) -> list[Button]:
    return [button for block in message.blocks if isinstance(block, Buttons) for button in block.buttons]


def test_a_note_is_shown_to_the_workspace_with_who_wrote_it(store: Store) -> None:
    assert "Noted at “KTO”" in run(store, f"note {PAPER} ask  for the *code* <!channel>").summary
    run(store, f"note https://arxiv.org/abs/{PAPER} small data", BOB)
    shown = run(store, f"notes {PAPER}", BOB)
    assert list_notes(shown) == [
        (("UADA",), "“ask for the *code* <!channel>”"),
        (("UBOB",), "“small data”"),
    ]
    assert [button.label for button in list_buttons(shown)] == ["Take back 2"]
    assert list_notes(run(store, f"notes {PAPER}", BOB, NEIGHBOUR)) == []


def test_people_list_and_take_back_their_own_notes(store: Store) -> None:
    run(store, f"note {PAPER} first")
    (button,) = list_buttons(run(store, "notes"))
    with pytest.raises(InputError, match="no such note"):
        click(store, ButtonAction.REMOVE_NOTE, button.value, BOB)
    with pytest.raises(InputError, match="no such note"):
        click(store, ButtonAction.REMOVE_NOTE, button.value, ADA, NEIGHBOUR)
    assert click(store, ButtonAction.REMOVE_NOTE, button.value, ADA).summary == "Taken back: “first”"
    assert "You wrote no notes" in run(store, "notes").summary
    for value in ("", "x", "9" * 40, "-1"):
        with pytest.raises(InputError, match="no such note"):
            click(store, ButtonAction.REMOVE_NOTE, value, ADA)


# Messages of people that are kept.


def a_message(text: str = "Try it on our data.", *above: str, **changes: Any) -> PersonsMessage:
    return replace(PersonsMessage(CHANNEL, "5.5", above, "UEVE", text), **changes)


def keep(store: Store, message: PersonsMessage, person: Person = ADA) -> str:
    notes = Answers(store, find_by_id(store), DigestPolicy(), lambda: NOW).notes
    return notes.keep_message(message, person).summary


@pytest.fixture
def discussed(store: Store) -> Store:
    """A channel with a card of the paper and a list of two."""
    store.library.add([(a_paper(OTHER, title="DPO"), a_review())], now=NOW)
    for receipt, papers in (("1.1", (PAPER,)), ("2.2", (PAPER, OTHER)), ("3.3", ("2402.99999",))):
        store.posts.record_shared(Post(CHANNEL, receipt, papers, {"text": "x"}), now=NOW)
    return store


@pytest.mark.parametrize(
    ("message", "paper"),
    [
        (a_message("Try it on our data.", "1.1"), PAPER),
        (a_message("Try it on our data.", "9.9", "1.1"), PAPER),
        (a_message(f"As in https://arxiv.org/abs/{OTHER}", "1.1"), PAPER),
        (a_message(f"As in https://arxiv.org/abs/{OTHER}v2", "2.2"), OTHER),
        (a_message(f"{OTHER} <https://arxiv.org/abs/{OTHER}|again>"), OTHER),
    ],
)
def test_a_message_is_kept_at_the_paper_above_it_or_in_its_text(
    discussed: Store, message: PersonsMessage, paper: str
) -> None:
    assert "is kept at" in keep(discussed, message)
    assert "is kept at" in keep(discussed, message, BOB)
    (line,) = [each for each in run(discussed, f"notes {paper}").blocks if isinstance(each, People)]
    assert line.people == ("UEVE",)
    assert line.target == MessageReference(CHANNEL, "5.5")


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (a_message(), "Which paper is this message about"),
        (a_message("no paper", "2.2"), "Which paper is this message about"),
        (a_message(f"{PAPER} or {OTHER}?"), "Which paper is this message about"),
        (a_message("hm", "3.3"), "is not known here"),
        (a_message("see 2402.88888"), "is not known here"),
        (a_message("", "1.1"), "has no text"),
        (a_message(" \u200b\x00 ", "1.1"), "has no text"),
        (a_message("hi", "1.1", author=""), "one of an app"),
        (a_message("hi", "1.1", channel=Channel("slack", "D1", "T1", is_direct=True)), "in channels only"),
    ],
)
def test_a_message_that_cannot_be_kept_is_refused_with_a_sentence(
    discussed: Store, message: PersonsMessage, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        keep(discussed, message)
    assert list_notes(run(discussed, f"notes {PAPER}")) == []


def test_a_long_message_is_kept_in_part_and_the_answer_says_so(discussed: Store) -> None:
    assert "The beginning of the message" in keep(discussed, a_message("long " * 2_000, "1.1"))
    ((_, text),) = list_notes(run(discussed, f"notes {PAPER}"))
    assert MAX_NOTE_CHARACTERS - 10 < len(text) <= MAX_NOTE_CHARACTERS + 2
    assert text.endswith("…”")


def test_keeper_and_author_take_a_kept_message_back_and_nobody_else(discussed: Store) -> None:
    eve = Person("UEVE", "eve")
    for person in (ADA, eve):
        keep(discussed, a_message("mine", "1.1"))
        assert list_buttons(run(discussed, f"notes {PAPER}", BOB)) == []
        (button,) = list_buttons(run(discussed, f"notes {PAPER}", person))
        assert (
            click(discussed, ButtonAction.REMOVE_NOTE, button.value, person).summary == "Taken back: “mine”"
        )


@pytest.mark.parametrize("person", ["UADA", "UEVE"])
def test_a_kept_message_is_forgotten_with_its_author_and_with_its_keeper(
    discussed: Store, person: str
) -> None:
    keep(discussed, a_message("mine", "1.1"))
    discussed.people.forget(Subject(SubjectKind.PERSON, "slack", "T1", person), now=NOW)
    assert list_notes(run(discussed, f"notes {PAPER}")) == []


def test_the_messages_that_a_person_keeps_count_as_their_notes(discussed: Store) -> None:
    for number in range(MAX_NOTES_OF_PERSON):
        keep(discussed, a_message(f"{number}", "1.1", message_id=f"6.{number}"))
    with pytest.raises(InputError, match="10 notes about this paper already"):
        keep(discussed, a_message("one more", "1.1"))


def test_notes_are_bounded(store: Store) -> None:
    with pytest.raises(InputError, match="at most 500 characters"):
        run(store, f"note {PAPER} {'x' * (MAX_NOTE_CHARACTERS + 1)}")
    for number in range(MAX_NOTES_OF_PERSON):
        run(store, f"note {PAPER} {number}")
    with pytest.raises(InputError, match="10 notes about this paper already"):
        run(store, f"note {PAPER} one more")
    shown = run(store, f"notes {PAPER}")
    assert [text for _, text in list_notes(shown)] == [f"“{number}”" for number in range(2, 10)]
    assert any("2 older notes left out" in block.text for block in shown.blocks if isinstance(block, Text))


def test_a_paper_that_is_not_known_and_a_missing_text_are_said(store: Store) -> None:
    with pytest.raises(InputError, match="is not known here"):
        run(store, "note 2402.99999 hello")
    with pytest.raises(InputError, match="write the note"):
        run(store, "note hello")


def test_notes_are_forgotten_with_their_writer(store: Store) -> None:
    run(store, f"note {PAPER} mine")
    run(store, f"note {PAPER} yours", BOB)
    store.people.forget(Subject(SubjectKind.PERSON, "slack", "T1", "UADA"), now=NOW)
    assert list_notes(run(store, f"notes {PAPER}")) == [(("UBOB",), "“yours”")]
