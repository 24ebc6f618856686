"""Questions in a conversation: which paper is meant, and the answer with its links."""

import pytest

from bot.chat.message import Button, ButtonAction, Buttons, Links, Message, Text
from bot.conversation.answers import Answers
from bot.conversation.questions import WHICH_PAPER, split_number
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import NOT_REVIEWED, Assessment, Post, QuotedLimitation, ReadDepth, ReviewDepth
from digests.ports import Store
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_store, find_by_id

PAPER, OTHER, BARE = "2402.01306", "2402.00002", "2402.00003"
CHANNEL = Channel("slack", "C1", "T1")
QUOTE = "We evaluate on English only."


def a_library() -> Store:
    store = a_store()
    limitation = QuotedLimitation("Only English is tested.", QUOTE)
    assessment = Assessment("1", ReviewDepth.FULL, (), key_limitations=(limitation,))
    review = a_review(
        experiments="It is tested on Llama.", read_depth=ReadDepth.FULL_TEXT, assessment=assessment
    )
    papers = [
        (a_paper(PAPER, title="KTO: Tuning"), review),
        (a_paper(OTHER, title="DPO"), a_review()),
        (a_paper(BARE, title="Bare", abstract=""), NOT_REVIEWED),
    ]
    store.library.add(papers, now=NOW)
    store.posts.record_shared(Post(CHANNEL, "1.1", (PAPER,), {"text": "x"}), now=NOW)
    store.posts.record_shared(Post(CHANNEL, "2.2", (PAPER, OTHER), {"text": "x"}), now=NOW)
    return store


def answers(store: Store) -> Answers:
    return Answers(store, find_by_id(store), DigestPolicy(), lambda: NOW)


def words(message: Message) -> str:
    return "\n".join(f"{each.label} {each.text}" for each in message.blocks if isinstance(each, Text))


def ask(text: str, *messages: str, is_public: bool = False, store: Store | None = None) -> str | None:
    found = answers(store or a_library()).questions
    reply = found.answer_in_place(text, CHANNEL, messages, is_public=is_public)
    return words(reply.message) if reply else None


def test_a_question_below_a_card_is_answered_with_the_passage_and_its_link() -> None:
    message = answers(a_library()).questions.answer_question(PAPER, "what are its limitations?")
    assert f"Limitation Only English is tested.\n“{QUOTE}”" in words(message)
    (line,) = [block for block in message.blocks if isinstance(block, Links)]
    (link,) = line.links
    assert link.url == ("https://arxiv.org/html/2402.01306#:~:text=We%20evaluate%20on%20English%20only.")
    buttons = [each for block in message.blocks if isinstance(block, Buttons) for each in block.buttons]
    assert Button(ButtonAction.ASK, "Ask more", PAPER) in buttons


def test_the_paper_is_that_of_the_message_that_is_replied_to() -> None:
    assert "tested on Llama" in str(ask("how was it tested?", "1.1"))
    assert "tested on Llama" in str(ask("how was it tested?", "", "9.9", "1.1"))


@pytest.mark.parametrize(
    "text", ["kto", "hello", "what are the limitations of LoRA?", f"is {OTHER} any good?"]
)
def test_a_look_up_in_a_thread_stays_a_look_up(text: str) -> None:
    assert ask(text, "1.1") is None


def test_where_several_papers_are_shown_the_person_is_asked_which() -> None:
    assert str(ask("what are its limitations?", "2.2")).strip() == WHICH_PAPER
    assert ask("what are its limitations?") is None, "a look-up in words as before"


def ask_nobody(text: str, thread: str, store: Store | None = None) -> str | None:
    """Return the answer to a message in a thread that mentions nobody."""
    message = answers(store or a_library()).questions.answer_in_thread(text, CHANNEL, thread)
    return words(message) if message else None


def test_a_question_in_a_cards_thread_is_answered_without_a_mention() -> None:
    assert "tested on Llama" in str(ask_nobody("how was it tested?", "1.1"))
    assert "Only English is tested" in str(ask_nobody("1: limitations?", "2.2"))


@pytest.mark.parametrize(
    ("text", "thread"),
    [
        ("how was it tested?", "9.9"),  # A thread of people.
        ("1: how was it tested?", "9.9"),
        ("how was it tested?", "2.2"),  # Several papers, and none is named.
        ("what are the limitations of LoRA?", "1.1"),
        ("does it run on a toaster?", "1.1"),
        ("shall we meet at 5?", "1.1"),
        ("I like how it was tested", "1.1"),
        ("", "1.1"),
    ],
)
def test_all_other_messages_in_threads_are_left_to_people(text: str, thread: str) -> None:
    assert ask_nobody(text, thread) is None


def test_a_paper_that_is_not_here_any_more_is_no_reason_to_speak_in_a_thread() -> None:
    store = a_library()
    store.posts.record_shared(Post(CHANNEL, "3.3", ("2402.99999",), {"text": "x"}), now=NOW)
    assert ask_nobody("how was it tested?", "3.3", store) is None


def test_what_the_review_does_not_tell_is_said_with_what_it_does() -> None:
    answer = str(ask("does it run on a toaster?", "1.1"))
    assert (
        "The review says nothing that answers this. It tells of: limitations, experiments and TL;DR" in answer
    )
    assert "word for word" not in answer
    bare = words(answers(a_library()).questions.answer_question(BARE, "is there code?"))
    assert "This paper was not reviewed, so there is nothing about code." in bare


def test_a_score_is_told_with_its_grades() -> None:
    assert "Score 7.5/10" in str(ask("what score did it get?", "1.1"))


def test_a_channel_is_shown_no_held_paper() -> None:
    store = a_library()
    store.moderation.hold(PAPER, "suspect", now=NOW)
    assert "On hold" in str(ask("how was it tested?", "1.1", store=store, is_public=True))
    assert "tested on Llama" not in str(ask("how was it tested?", "1.1", store=store, is_public=True))
    assert "tested on Llama" in str(ask("how was it tested?", "1.1", store=store))


@pytest.mark.parametrize("paper", ["9999.99999", "x" * 5_000])
def test_a_forged_paper_is_refused_with_a_sentence(paper: str) -> None:
    with pytest.raises(InputError, match="not here any more") as refused:
        answers(a_library()).questions.answer_question(paper, "why?")
    assert len(str(refused.value)) < 200
    with pytest.raises(InputError, match="Write a question"):
        answers(a_library()).questions.answer_question(PAPER, "  ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2: limitations?", (2, "limitations?")),
        ("#2 is there code?", (2, "is there code?")),
        ("paper 2 how was it tested?", (2, "how was it tested?")),
        ("2 limitations", (0, "2 limitations")),
        ("3d vision?", (0, "3d vision?")),
        ("2402.01306: why?", (0, "2402.01306: why?")),
        ("２: why?", (0, "２: why?")),
    ],
)
def test_a_number_in_front_names_the_paper(text: str, expected: tuple[int, str]) -> None:
    assert split_number(text) == expected
