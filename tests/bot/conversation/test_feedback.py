"""Feedback in a conversation: opinions, what is said of them, and the reset."""

from datetime import timedelta

import pytest

from bot.chat.message import Button, ButtonAction, Buttons, Message, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.present.card import build_card
from bot.present.lookup import present_review
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.ports import Store
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_scored_paper, a_store, a_subscription, find_by_id

PAPER = "2402.01306"
ADA, BOB, EVE = Person("UADA", "ada"), Person("UBOB", "bob"), Person("UEVE", "eve")
CHANNEL = Channel("slack", "C1", "T1")
DIRECT = Channel("slack", "D1", "T1", is_direct=True)


def a_library() -> Store:
    store = a_store()
    audio = a_paper(PAPER, title="KTO: Tuning", primary_category="cs.SD")
    store.library.add([(audio, a_review()), (a_paper("2402.00002"), a_review())], now=NOW)
    return store


def answers(store: Store, *, anyone: bool = True, now: timedelta = timedelta()) -> Answers:
    return Answers(store, find_by_id(store), DigestPolicy(), lambda: NOW + now, anyone_may_change=anyone)


def run(
    store: Store, text: str, person: Person = ADA, channel: Channel = CHANNEL, *, anyone: bool = True
) -> str:
    reply = answers(store, anyone=anyone).run_digest_command(text, channel, person)
    announced = [reply.announcement] if reply.announcement else []
    return "\n".join(words(message) for message in (reply.message, *announced))


def words(message: Message) -> str:
    return "\n".join(block.text for block in message.blocks if isinstance(block, Text))


def test_the_cards_of_a_digest_and_every_full_review_have_both_buttons() -> None:
    scored = a_scored_paper(PAPER, a_review())
    both = {ButtonAction.MORE_OF_THIS, ButtonAction.NOT_FOR_US}
    assert both <= {button.action for button in build_card(scored, 1).menu}
    assert not both & {button.action for button in build_card(scored).menu}
    row = present_review(scored).blocks[-1]
    assert isinstance(row, Buttons)
    assert both <= {button.action for button in row.buttons}


def test_an_opinion_says_what_it_does_and_can_be_undone() -> None:
    store = a_library()
    give = answers(store).feedback.give_opinion
    first = give(PAPER, CHANNEL, ADA, is_more=False)
    assert first.summary == "Not for us: “KTO”. It counts once 2 people say so here."
    assert first.blocks[-1] == Buttons((Button(ButtonAction.TAKE_BACK, "Undo", PAPER),))
    second = give(PAPER, CHANNEL, BOB, is_more=False)
    assert second.summary.endswith("2 here say so of it and its like, and the next digests follow.")
    assert "Taken back" in answers(store).feedback.take_back(PAPER, CHANNEL, ADA).summary
    with pytest.raises(InputError, match="nothing to undo"):
        answers(store).feedback.take_back(PAPER, CHANNEL, ADA)


def test_a_changed_opinion_counts_once() -> None:
    store = a_library()
    for person in (ADA, BOB, EVE):
        answers(store).feedback.give_opinion(PAPER, CHANNEL, person, is_more=False)
    answer = answers(store).feedback.give_opinion(PAPER, CHANNEL, EVE, is_more=True)
    assert answer.summary == "More of this: “KTO”. It counts once 2 people say so here."


def test_in_their_own_digest_one_person_decides() -> None:
    store = a_library()
    assert "Your next digests have fewer papers like it." in run(
        store, f"feedback less {PAPER}", channel=DIRECT
    )
    assert "Fewer: audio, since you said not for us." in run(store, "feedback", channel=DIRECT)


@pytest.mark.parametrize(
    ("paper", "channel", "sentence"),
    [
        (PAPER, Channel("slack", "", "T1"), "on a card there"),
        ("2402.99999", CHANNEL, "not here any more"),
        ("x" * 5_000, CHANNEL, "not here any more"),
    ],
)
def test_a_value_that_is_not_one_of_ours_keeps_nothing(paper: str, channel: Channel, sentence: str) -> None:
    store = a_library()
    with pytest.raises(InputError, match=sentence) as refused:
        answers(store).feedback.give_opinion(paper, channel, ADA, is_more=True)
    assert len(str(refused.value)) < 200
    assert store.feedback.list_opinions([channel], since=NOW, limit=9) == {}


def test_the_settings_and_the_list_say_what_people_agree_on() -> None:
    store = a_library()
    store.subscriptions.change(CHANNEL, a_subscription(), by="ada", by_id="", now=NOW)
    assert "Feedback here" not in run(store, "settings")
    assert "No two people agree" in run(store, "feedback")
    for person in (ADA, BOB):
        run(store, f"feedback less https://arxiv.org/abs/{PAPER}", person)
    sentence = "Fewer: audio, since 2 said not for us. Fewer: papers like “KTO”, since 2 said not for us."
    assert f"Feedback here: {sentence} /digest feedback shows and resets it." in run(store, "settings")
    assert "• Fewer: audio, since 2 said not for us." in run(store, "feedback")
    assert "No two people agree" in run(store, "feedback", channel=Channel("slack", "C2", "T1"))
    later = answers(store, now=timedelta(days=91)).feedback.show_feedback(CHANNEL)
    assert "No two people agree" in words(later), "an old opinion does not count any more"


def test_a_reset_asks_first_is_announced_and_needs_the_right_to_change_the_digest() -> None:
    store = a_library()
    run(store, f"feedback more {PAPER}")
    assert "Nothing was deleted yet" in run(store, "feedback reset")
    with pytest.raises(InputError, match="Only workspace admins"):
        run(store, "feedback reset yes", anyone=False)
    assert "ada reset the feedback of this channel: 1 opinion deleted." in run(store, "feedback reset yes")
    assert "nothing was reset" in run(store, "feedback reset yes")


@pytest.mark.parametrize("text", ["feedback more", "feedback audio", "feedback less "])
def test_an_incomplete_command_is_answered_with_examples(text: str) -> None:
    with pytest.raises(InputError, match="/digest feedback less"):
        run(a_library(), text)
