"""Answers about one of several digests of a channel: by its name, and the main one without."""

from datetime import time

import pytest

from bot.conversation.answers import Answers
from bot.conversation.context import Person, Reply
from bot.present.header import format_header
from digests.build import DigestPolicy, build
from digests.errors import InputError
from digests.next_papers import NextPapers
from digests.ports import Store
from digests.subscription import Channel, Schedule
from tests.builders import NOW, a_paper, a_review, a_store, find_nothing

ADA = Person("UADA", "Ada", time_zone="Europe/Berlin")
CHANNEL = Channel("slack", "C1", "T1")
ADD = 'add "Friday Agents" agents on fri top 10 at 16:00 every 2 weeks'


def run(store: Store, text: str, channel: Channel = CHANNEL, person: Person = ADA) -> Reply:
    return Answers(store, find_nothing, DigestPolicy(), lambda: NOW).run_digest_command(text, channel, person)


def announce(store: Store, text: str) -> str:
    reply = run(store, text)
    assert reply.announcement
    return reply.announcement.summary


def a_channel_with_two_digests() -> Store:
    store = a_store()
    run(store, "subscribe vision top 3")
    run(store, ADD)
    return store


def test_a_digest_is_added_beside_the_main_one() -> None:
    store = a_store()
    run(store, "subscribe vision top 3")
    assert announce(store, ADD) == "Ada gave this channel the digest “friday agents”."
    main, added = store.subscriptions.list_of_channel(CHANNEL)
    assert (main.name, main.preferences.domains, main.preferences.top) == ("", ("vision",), 3)
    assert (added.name, added.preferences.keywords, added.preferences.top) == (
        "friday agents",
        ("agent",),
        10,
    )
    parity = added.schedule.week_parity
    assert added.schedule == Schedule(time(16), frozenset({4}), "Europe/Berlin", 2, parity)
    assert added.owner_id == "UADA"


def test_adding_it_again_changes_what_the_words_name_and_nothing_else() -> None:
    store = a_channel_with_two_digests()
    before = store.subscriptions.find(CHANNEL, "friday agents")
    assert before
    assert announce(store, 'add "friday agents" top 5') == (
        "Ada changed this channel's digest “friday agents”: top 10 → 5."
    )
    assert announce(store, 'set "friday agents" top 7').endswith("top 5 → 7.")
    after = store.subscriptions.find(CHANNEL, "friday agents")
    assert after
    assert (after.preferences.keywords, after.preferences.top) == (("agent",), 7)
    assert after.schedule == before.schedule


def test_the_digests_of_a_channel_are_listed() -> None:
    store = a_channel_with_two_digests()
    message = run(store, "list").message
    said = " ".join(getattr(block, "text", "") for block in message.blocks)
    main, added = (
        said.index("The 3 best papers from vision"),
        said.index("“friday agents”: The 10 best papers"),
    )
    assert main < added
    assert "on Friday of every second week at 16:00" in said
    assert "This channel has no digest yet" in run(a_store(), "list").message.summary


def test_the_settings_of_a_digest_are_shown_by_its_name() -> None:
    store = a_channel_with_two_digests()
    for text in ("settings friday agents", 'settings "Friday Agents"'):
        reply = run(store, text)
        assert reply.message.summary.startswith("“friday agents”: The 10 best papers")
        assert reply.form is None, "a form is about the main digest"


def test_a_digest_is_paused_resumed_and_removed_by_its_name() -> None:
    store = a_channel_with_two_digests()
    assert announce(store, "pause friday agents") == "Ada paused this channel's digest “friday agents”."
    assert [each.is_running for each in store.subscriptions.list_of_channel(CHANNEL)] == [True, False]
    assert "resume friday agents turns it back on" in run(store, "settings friday agents").message.summary
    assert announce(store, "resume Friday Agents") == "Ada resumed this channel's digest “friday agents”."
    assert announce(store, "remove friday agents") == "Ada ended this channel's digest “friday agents”."
    assert [each.name for each in store.subscriptions.list_of_channel(CHANNEL)] == [""]


def test_a_removed_digest_says_the_command_that_brings_it_back_as_it_was() -> None:
    store = a_channel_with_two_digests()
    before = store.subscriptions.find(CHANNEL, "friday agents")
    announcement = run(store, "remove friday agents").announcement
    assert announcement
    (note,) = [
        text for block in announcement.blocks if "To have it again" in (text := getattr(block, "text", ""))
    ]
    run(store, note.partition("/digest ")[2])
    assert store.subscriptions.find(CHANNEL, "friday agents") == before


def test_without_a_name_the_main_digest_is_meant_or_the_only_one() -> None:
    store = a_channel_with_two_digests()
    run(store, "pause")
    assert [each.is_running for each in store.subscriptions.list_of_channel(CHANNEL)] == [False, True]
    run(store, "remove")
    assert announce(store, "pause") == "Ada paused this channel's digest “friday agents”."
    run(store, "add audio audio")
    with pytest.raises(InputError, match=r"no main digest\. It has: “audio”, “friday agents”"):
        run(store, "resume")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pause monday", "no digest “monday”. It has: the main one, “friday agents”"),
        ("add", "Write a name for the digest"),
        ("add “”", "Write a name for the digest"),
        ("add audio", "Write what “audio” is to show"),
        ('add "friday agents"', "Write what to change behind the name"),
        ("add <!channel> vision", "is no name of a digest"),
        ("add audio visoin", "did you mean “vision”"),
        ("pause " + "x" * 9999, "is no name of a digest"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_one_sentence_and_changes_nothing(text: str, said: str) -> None:
    store = a_channel_with_two_digests()
    before = store.subscriptions.list_of_channel(CHANNEL)
    with pytest.raises(InputError, match=said):
        run(store, text)
    assert store.subscriptions.list_of_channel(CHANNEL) == before


def test_only_those_who_may_change_digests_add_one() -> None:
    store = a_store()
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW, anyone_may_change=False)
    with pytest.raises(InputError, match="Only workspace admins may"):
        answers.run_digest_command(ADD, CHANNEL, ADA)
    assert store.subscriptions.list_of_channel(CHANNEL) == []


def test_the_next_papers_under_a_digest_are_by_its_own_preferences() -> None:
    store = a_store()
    papers = [a_paper(f"2401.0000{n}", primary_category="cs.CV" if n < 3 else "cs.CL") for n in range(6)]
    store.library.add([(paper, a_review(score=7.0)) for paper in papers], now=NOW)
    run(store, "subscribe vision top 1")
    run(store, "add words language top 1")
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW).subscriptions
    reference = NextPapers(NOW.date(), 0, store.library.sequence_at(NOW), 0, name="words")
    shown = answers.show_next_papers(reference.format_value(), CHANNEL)
    assert {card.paper for card in shown.cards} == {f"2401.0000{n}" for n in (3, 4, 5)}


def test_a_header_has_the_name_of_a_digest_in_place_of_its_subject() -> None:
    store = a_channel_with_two_digests()
    store.library.add([(a_paper(), a_review())], now=NOW)
    headers = []
    for each in store.subscriptions.list_of_channel(CHANNEL):
        digest = build(each, NOW.date(), store=store, policy=DigestPolicy(), now=NOW)
        headers.append(format_header(digest, ""))
    assert headers[0].startswith("Vision · ")
    assert headers[1].startswith("Friday agents · ")
