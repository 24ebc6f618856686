"""Answers about a channel's digest: a preview of it, pause and resumption."""

from dataclasses import replace

import pytest

from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.subscriptions import SubscriptionAnswers
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.ports import Store
from digests.ports.people import Subject, SubjectKind
from digests.subscription import Channel, Subscription
from tests.builders import NOW, a_paper, a_subscription, find_nothing
from tests.outbox import a_page, a_store_with_channel, claim_edition, save_plan

ADA, BOB = Person("UADA", "Ada"), Person("UBOB", "Bob")
CHANNEL = a_subscription("people").channel


def answer(store: Store) -> SubscriptionAnswers:
    return Answers(store, find_nothing, DigestPolicy(), lambda: NOW).subscriptions


def subscribe_channel() -> Store:
    """Build a store with one more channel, whose digest Ada has subscribed."""
    store, _ = a_store_with_channel()
    answer(store).subscribe_channel("top 3", CHANNEL, ADA)
    return store


def find_channel(store: Store) -> Subscription:
    found = store.subscriptions.find(CHANNEL)
    assert found
    return found


def test_a_preview_shows_papers_that_the_channel_was_shown() -> None:
    store, subscription = a_store_with_channel()
    paper = a_paper("2401.00001").id
    store.outbox.finish(save_plan(store, claim_edition(store, subscription), [a_page(0, paper)], watermark=9))
    shown = answer(store).show_today(subscription.channel).message
    assert paper in [card.paper for card in shown.cards]


def test_a_pause_stays_with_the_person_who_began_it() -> None:
    store = subscribe_channel()
    for person in (ADA, BOB):
        answer(store).pause_digest(CHANNEL, person)
    assert find_channel(store).paused_by == "Ada"


def test_confirmed_words_of_a_subscription_end_a_pause() -> None:
    store = subscribe_channel()
    answer(store).pause_digest(CHANNEL, ADA)
    answer(store).subscribe_channel("top 5", CHANNEL, BOB, is_confirmed=True)
    assert find_channel(store).is_running


def test_subscribing_a_subscribed_channel_says_what_would_change_and_asks() -> None:
    store = subscribe_channel()
    asked = answer(store).subscribe_channel("vision top 5", CHANNEL, BOB)
    assert "domains none → vision; top 3 → 5" in asked.message.summary
    assert asked.announcement is None
    assert asked.form is not None
    assert (asked.form.domains, asked.form.top) == ("vision", "5")
    assert find_channel(store).preferences.top == 3
    assert answer(store).save_form(asked.form, CHANNEL, BOB).announcement
    assert find_channel(store).preferences.top == 5


def test_the_same_words_again_change_nothing_and_ask_nothing() -> None:
    store = subscribe_channel()
    again = answer(store).subscribe_channel("top 3", CHANNEL, BOB)
    assert again.form is None
    assert "Nothing changed" in again.message.summary


def test_set_changes_one_thing_at_once_and_leaves_the_others() -> None:
    store = subscribe_channel()
    answer(store).subscribe_channel('vision about "diffusion"', CHANNEL, ADA, is_confirmed=True)
    changed = answer(store).change_digest("top 7 at 9am in Berlin", CHANNEL, BOB)
    assert changed.announcement
    preferences, schedule = find_channel(store).preferences, find_channel(store).schedule
    assert (preferences.domains, preferences.keywords, preferences.top) == (("vision",), ("diffusion",), 7)
    assert schedule.time_zone == "Europe/Berlin"


def test_set_needs_a_digest_and_the_right_to_change_it() -> None:
    store, _ = a_store_with_channel()
    with pytest.raises(InputError, match="no digest here yet"):
        answer(store).change_digest("top 7", HERE, ADA)
    strict = Answers(store, find_nothing, DigestPolicy(), lambda: NOW, anyone_may_change=False)
    for words in ("top 7", "visoin"):
        with pytest.raises(InputError, match="Only workspace admins"):
            strict.subscriptions.change_digest(words, HERE, ADA)
        with pytest.raises(InputError, match="Only workspace admins"):
            strict.subscriptions.subscribe_channel(words, HERE, ADA)


def test_words_that_are_not_understood_come_back_in_a_form_with_the_rest() -> None:
    store, _ = a_store_with_channel()
    reply = answer(store).subscribe_channel("visoin at 9am in Berlin top 2", HERE, ADA)
    assert "did you mean “vision”" in reply.message.summary
    assert reply.form is not None
    assert (reply.form.at, reply.form.time_zone, reply.form.top) == ("09:00", "Europe/Berlin", "2")
    assert reply.announcement is None
    assert store.subscriptions.find(HERE) is None


@pytest.mark.parametrize(
    ("words", "zone", "is_said"),
    [("vision", "", True), ("vision", "Asia/Tokyo", False), ("vision in Berlin", "", False)],
)
def test_a_new_digest_in_utc_that_nobody_asked_for_says_so(words: str, zone: str, is_said: bool) -> None:
    store, _ = a_store_with_channel()
    reply = answer(store).subscribe_channel(words, HERE, replace(ADA, time_zone=zone))
    assert ("The time is in UTC" in reply.message.summary) is is_said


def test_a_digest_that_is_paused_and_stopped_is_resumed_by_one_command() -> None:
    store = subscribe_channel()
    answer(store).pause_digest(CHANNEL, ADA)
    store.subscriptions.stop(CHANNEL, "The channel was archived.")
    assert answer(store).resume_digest(CHANNEL, BOB).announcement
    assert find_channel(store).is_running


def test_the_resumption_of_a_stopped_digest_is_recorded_and_no_undo_of_it_stops_the_digest() -> None:
    store = subscribe_channel()
    store.subscriptions.stop(CHANNEL, "The channel was archived.")
    assert not answer(store).resume_digest(CHANNEL, BOB).announcement
    bob = Subject(SubjectKind.PERSON, CHANNEL.platform, CHANNEL.workspace, BOB.id)
    (change,) = store.people.export(bob)["changes"]
    with pytest.raises(InputError, match="cannot be undone"):
        answer(store).undo_change("2", CHANNEL, BOB)
    assert find_channel(store).is_running
    assert change["by"] == "Bob"
    assert answer(store).undo_change("1", CHANNEL, ADA).announcement
    assert store.subscriptions.find(CHANNEL) is None


ELSEWHERE = [Channel("slack", "C2", "T1"), Channel("slack", "C1", "T2"), Channel("discord", "C1", "T1")]
HERE = Channel("slack", "C1", "T1")


@pytest.mark.parametrize("channel", ELSEWHERE)
def test_a_change_of_another_channel_is_neither_undone_nor_announced(channel: Channel) -> None:
    store, _ = a_store_with_channel()
    answer(store).subscribe_channel("top 3", HERE, ADA)
    with pytest.raises(InputError, match="cannot be undone here"):
        answer(store).undo_change("1", channel, BOB)
    assert store.subscriptions.find(HERE)
    assert answer(store).undo_change("1", HERE, BOB).announcement
    assert store.subscriptions.find(HERE) is None


def test_an_undo_needs_the_right_at_the_moment_of_the_click() -> None:
    store, _ = a_store_with_channel()
    context = Answers(store, find_nothing, DigestPolicy(), lambda: NOW, anyone_may_change=False)
    admin = replace(ADA, is_admin=True)
    context.subscriptions.subscribe_channel("top 3", HERE, admin)
    with pytest.raises(InputError, match="Only workspace admins"):
        context.subscriptions.undo_change("1", HERE, ADA)
    assert context.subscriptions.undo_change("1", HERE, admin).announcement


@pytest.mark.parametrize(
    "value", ["", "x", "²", "9" * 40, "9" * 10, "-1", "1 ", "1\n", "٣", "0", "1" * 10_000]
)
def test_an_odd_value_of_an_undo_button_is_one_sentence(value: str) -> None:
    with pytest.raises(InputError, match="cannot be undone here"):
        answer(subscribe_channel()).undo_change(value, CHANNEL, ADA)


def test_a_change_and_a_pause_keep_the_id_of_the_person_beside_the_name() -> None:
    store, _ = a_store_with_channel()
    answer(store).subscribe_channel("top 3", HERE, ADA)
    namesake = Person("UEVE", "Ada")
    answer(store).pause_digest(HERE, namesake)
    answer(store).pause_digest(HERE, ADA)
    paused = store.subscriptions.find(HERE)
    assert paused
    assert (paused.paused_by, paused.paused_by_id) == ("Ada", "slack:T1:UEVE")
    answer(store).resume_digest(HERE, ADA)
    resumed = store.subscriptions.find(HERE)
    assert resumed
    assert (resumed.paused_by, resumed.paused_by_id) == ("", "")
