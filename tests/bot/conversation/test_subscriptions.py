"""Answers about a channel's digest: a preview of it, pause and resumption."""

from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.subscriptions import SubscriptionAnswers
from digests.build import DigestPolicy
from digests.ports import Store
from digests.subscription import Subscription
from tests.builders import NOW, a_paper, a_subscription
from tests.outbox import a_page, a_store_with_channel, claim_edition, save_plan

ADA, BOB = Person("UADA", "Ada"), Person("UBOB", "Bob")
CHANNEL = a_subscription("people").channel


def answer(store: Store) -> SubscriptionAnswers:
    return Answers(store, lambda words, limit: (), DigestPolicy(), lambda: NOW).subscriptions


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


def test_words_of_a_subscription_end_a_pause() -> None:
    store = subscribe_channel()
    answer(store).pause_digest(CHANNEL, ADA)
    answer(store).subscribe_channel("top 5", CHANNEL, BOB)
    assert find_channel(store).is_running


def test_a_digest_that_is_paused_and_stopped_is_resumed_by_one_command() -> None:
    store = subscribe_channel()
    answer(store).pause_digest(CHANNEL, ADA)
    store.subscriptions.stop(CHANNEL, "The channel was archived.")
    assert answer(store).resume_digest(CHANNEL, BOB).announcement
    assert find_channel(store).is_running
