"""The two questions after a discussion, and the answers to them."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from bot.chat.message import Button, ButtonAction, Buttons, Message, People, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.exports import PaperExport
from bot.present.citations import ExportKind
from bot.present.discussion import find_key_limitation
from bot.present.wording import format_date
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.limitations import digest_limitation
from digests.meetings.model import MeetingPlan, Member
from digests.model import Mark, MarkSource, QueueOutcome
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.ports.meetings import PICKED_BY
from digests.subscription import Channel, Schedule
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription, find_by_id, save_subscription

PAPER = "2402.01306"
ADA, BOB, EVE = Person("UADA", "ada"), Person("UBOB", "bob"), Person("UEVE", "eve")
CHANNEL, SIBLING = Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1")
NEIGHBOUR = Channel("slack", "C9", "T2")
REVIEW = a_review(limitations="Only tested on English dialogues. No human evaluation was made.")


def a_marked_store() -> Store:
    store = a_store()
    store.library.add([(a_paper(PAPER, title="KTO: Tuning"), REVIEW)], now=NOW)
    for channel in (CHANNEL, NEIGHBOUR):
        store.marks.set_mark(Mark(channel, "", PAPER, "UADA", MarkSource.BUTTON, NOW), True)
    return store


def answers(store: Store, *, workspace_queue: bool = True) -> Answers:
    clock = NOW + timedelta(minutes=5)
    return Answers(
        store, find_by_id(store), DigestPolicy(), lambda: clock, has_workspace_queue=workspace_queue
    )


def finish(store: Store, channel: Channel = CHANNEL) -> Message:
    return answers(store).queue.decide("1", QueueOutcome.DISCUSSED, channel, ADA)


def list_buttons(message: Message) -> list[Button]:
    return [button for block in message.blocks if isinstance(block, Buttons) for button in block.buttons]


def tap(
    store: Store, action: ButtonAction, person: Person, channel: Channel = CHANNEL, value: str = ""
) -> str:
    is_limitation = action not in (ButtonAction.WORTH_IT, ButtonAction.NOT_WORTH_IT)
    limitation = next(iter(store.library.get([PAPER]).values()))
    hashed = digest_limitation(find_key_limitation(limitation))
    value = value or (f"{hashed}:{PAPER}" if is_limitation else PAPER)
    return answers(store).discussions.handle_click(action, value, channel, person).summary


def test_the_end_of_a_discussion_asks_two_questions() -> None:
    store = a_marked_store()
    message = finish(store)
    asked = next(block for block in message.blocks if isinstance(block, Text) and block.label == "Afterwards")
    assert asked.text.startswith("Was it worth it? Was the limitation true? “")
    actions = [button.action for button in list_buttons(message)][:5]
    assert actions == [
        ButtonAction.WORTH_IT,
        ButtonAction.NOT_WORTH_IT,
        ButtonAction.LIMITATION_TRUE,
        ButtonAction.LIMITATION_FALSE,
        ButtonAction.LIMITATION_UNCLEAR,
    ]


def test_a_paper_that_was_passed_on_is_not_asked_about() -> None:
    message = answers(a_marked_store()).queue.decide("1", QueueOutcome.PASSED, CHANNEL, ADA)
    assert ButtonAction.WORTH_IT not in {button.action for button in list_buttons(message)}


def test_everybody_in_the_workspace_has_one_answer_to_each_question() -> None:
    store = a_marked_store()
    finish(store)
    tap(store, ButtonAction.WORTH_IT, ADA)
    tap(store, ButtonAction.NOT_WORTH_IT, BOB)
    assert "worth it 1 of 2." in tap(store, ButtonAction.WORTH_IT, ADA)
    assert "worth it 2 of 2." in tap(store, ButtonAction.WORTH_IT, BOB, SIBLING)
    tap(store, ButtonAction.LIMITATION_TRUE, ADA)
    said = tap(store, ButtonAction.LIMITATION_UNCLEAR, EVE)
    assert said == (
        "Noted for “KTO”: worth it 2 of 2; limitation: true 1, can't tell 1. "
        "Another answer of yours takes its place."
    )


def test_a_neighbour_cannot_answer_about_a_paper_that_was_discussed_elsewhere() -> None:
    store = a_marked_store()
    finish(store)
    with pytest.raises(InputError, match="not discussed here"):
        tap(store, ButtonAction.WORTH_IT, EVE, NEIGHBOUR)
    finish(store, NEIGHBOUR)
    tap(store, ButtonAction.WORTH_IT, ADA)
    assert "worth it 0 of 1" in tap(store, ButtonAction.NOT_WORTH_IT, EVE, NEIGHBOUR)


def test_with_a_queue_for_each_channel_the_channels_answer_apart() -> None:
    store = a_marked_store()
    apart = answers(store, workspace_queue=False)
    apart.queue.decide("1", QueueOutcome.DISCUSSED, CHANNEL, ADA)
    click = apart.discussions.handle_click
    assert "1 of 1" in click(ButtonAction.WORTH_IT, PAPER, CHANNEL, ADA).summary
    with pytest.raises(InputError, match="not discussed here"):
        click(ButtonAction.WORTH_IT, PAPER, SIBLING, ADA)


@pytest.mark.parametrize("value", ["nothing", "", "x" * 3000, f"{PAPER}:1"])
def test_a_forged_value_is_one_sentence(value: str) -> None:
    store = a_marked_store()
    finish(store)
    for action in (ButtonAction.WORTH_IT, ButtonAction.LIMITATION_TRUE):
        with pytest.raises(InputError, match="not here any more"):
            answers(store).discussions.handle_click(action, value, CHANNEL, ADA)


def test_an_answer_about_a_limitation_that_the_review_dropped_is_not_counted() -> None:
    store = a_marked_store()
    finish(store)
    assert "has changed since" in tap(store, ButtonAction.LIMITATION_TRUE, ADA, value=f"0123:{PAPER}")
    scope = answers(store).discussions.choose_scope(CHANNEL)
    assert store.discussions.count_answers(scope, [PAPER]) == {}


# On the card of /paper.


def look_up(store: Store, channel: Channel = CHANNEL, *, later: timedelta = timedelta()) -> list[str]:
    """Return the lines that stand below the card of a look-up, with the labels of their buttons."""
    at = replace(answers(store), clock=lambda: NOW + timedelta(minutes=5) + later)
    card = at.lookup.show_paper(PAPER).message
    lines = []
    for block in at.discussions.build_record(card, channel):
        match block:
            case People(label, people, text):
                lines.append(f"{label} {', '.join(people)} {text}".strip())
            case Text(text):
                lines.append(text)
            case Buttons(buttons):
                lines.append(", ".join(button.label for button in buttons))
            case _:
                raise AssertionError(block)
    return lines


def test_the_card_of_a_paper_without_a_discussion_says_nothing() -> None:
    store = a_marked_store()
    assert look_up(store) == []
    assert look_up(store, Channel("slack", "", "T1")) == []


def test_a_paper_that_a_partners_meeting_took_was_not_discussed_here() -> None:
    store, scope = a_marked_store(), QueueScope("slack", "T1")
    store.queue_decisions.decide(PAPER, scope, QueueOutcome.DISCUSSED, by=PICKED_BY, by_id="", now=NOW)
    card = answers(store).lookup.show_paper(PAPER).message
    assert answers(store).discussions.build_record(card, CHANNEL) == ()
    export = PaperExport(store, scope, NOW + timedelta(days=9), timedelta(days=30))
    assert export.collect_papers(ExportKind.DISCUSSIONS) == []
    finish_again = Mark(CHANNEL, "", PAPER, "UBOB", MarkSource.BUTTON, NOW + timedelta(minutes=1))
    store.marks.set_mark(finish_again, True)
    finish(store)
    assert answers(store).discussions.build_record(card, CHANNEL) != ()


def test_the_card_of_a_discussed_paper_says_when_it_was_and_what_people_say() -> None:
    store = a_marked_store()
    finish(store)
    tap(store, ButtonAction.WORTH_IT, ADA)
    tap(store, ButtonAction.NOT_WORTH_IT, BOB)
    for words in ("small data", "no code"):
        answers(store).run_digest_command(f"note {PAPER} {words}", CHANNEL, BOB)
    buttons = "Worth it, Not worth it, Limitation: true, Limitation: not true, Limitation: can't tell, Notes"
    line = f"Discussed here on {format_date(NOW)} · worth it 1 of 2 · 2 notes."
    assert look_up(store) == look_up(store, SIBLING) == [line, buttons]
    assert look_up(store, NEIGHBOUR) == []


def test_the_card_of_a_paper_with_a_meeting_names_its_day_and_who_leads_it() -> None:
    store = a_marked_store()
    subscription = save_subscription(store, replace(a_subscription(), channel=CHANNEL))
    plan = MeetingPlan(Schedule(time(16), frozenset({3}), "Europe/Berlin"))
    meeting = store.meeting_plans.save(subscription.id, plan, by="", by_id="", now=NOW)
    chosen_at = NOW + timedelta(minutes=1)
    store.meetings.choose_paper(meeting, PAPER, Member("UADA", NOW), now=chosen_at)
    scope = answers(store).discussions.choose_scope(CHANNEL)
    store.queue_decisions.decide(PAPER, scope, QueueOutcome.DISCUSSED, by="", by_id="", now=chosen_at)
    day = format_date(meeting.plan.find_day(meeting.timetable.starts_at))
    assert look_up(store) == [f"To be discussed here on {day}, led by UADA"]
    tap(store, ButtonAction.WORTH_IT, ADA)
    after = look_up(store, later=meeting.timetable.starts_at - NOW)
    assert after[0] == f"Discussed here on {day}, led by UADA · worth it 1 of 1"
    assert look_up(store, NEIGHBOUR) == []
