"""Notes about papers by command and by button."""

import pytest

from bot.chat.message import Button, ButtonAction, Buttons, Message, People, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.notes import MAX_NOTE_CHARACTERS, MAX_NOTES_OF_PERSON
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.ports import Store
from digests.ports.people import Subject, SubjectKind
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_store, find_by_id

PAPER = "2402.01306"
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
