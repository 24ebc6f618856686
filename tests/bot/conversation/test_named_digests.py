"""Answers about one of several digests of a channel: by its name, and the main one without."""

from dataclasses import replace
from datetime import time

import pytest

from bot.chat.message import Buttons
from bot.conversation.answers import Answers
from bot.conversation.context import Person, Reply
from bot.conversation.subscription_form import FormError
from bot.present.header import format_header
from digests.build import DigestPolicy, build
from digests.errors import InputError
from digests.next_papers import NextPapers
from digests.ports import Store
from digests.subscription import Channel, Schedule
from tests.builders import NOW, a_paper, a_review, a_store, find_nothing
from tests.outbox import LEASE, a_page, save_plan

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
    assert "There is no digest here yet" in run(a_store(), "list").message.summary


def test_the_settings_of_a_digest_are_shown_by_its_name() -> None:
    store = a_channel_with_two_digests()
    for text in ("settings friday agents", 'settings "Friday Agents"'):
        reply = run(store, text)
        assert reply.message.summary.startswith("“friday agents”: The 10 best papers")
        assert reply.form
        assert (reply.form.name, reply.form.top, reply.form.every_weeks) == ("friday agents", "10", "2")


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
    with pytest.raises(InputError, match=r"no main digest here\. These are here: “audio”, “friday agents”"):
        run(store, "resume")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pause monday", "no digest “monday” here. These are here: the main digest, “friday agents”"),
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


def test_a_form_changes_the_digest_that_it_names_and_no_other() -> None:
    store = a_channel_with_two_digests()
    main = store.subscriptions.find(CHANNEL)
    form = run(store, "settings friday agents").form
    assert form
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW).subscriptions
    answers.save_form(replace(form, top="4", repeat="yes", every_weeks="1"), CHANNEL, ADA)
    after = store.subscriptions.find(CHANNEL, "friday agents")
    assert after
    assert (after.preferences.top, after.preferences.repeat, after.schedule.every_weeks) == (4, True, 1)
    assert store.subscriptions.find(CHANNEL) == main


def test_the_form_of_a_channel_whose_only_digest_has_a_name_is_about_that_one() -> None:
    store = a_store()
    run(store, ADD)
    form = run(store, "settings").form
    assert form
    assert form.name == "friday agents"
    form = run(store, "subscribe").form
    assert form
    assert form.name == ""


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


def test_the_button_of_an_older_post_finds_its_digest_under_the_new_name() -> None:
    store = a_store()
    run(store, "subscribe vision top 1")
    store.library.add(
        [(a_paper(f"2401.0000{n}", primary_category="cs.CV"), a_review()) for n in range(3)], now=NOW
    )
    main = store.subscriptions.find(CHANNEL)
    assert main
    watermark = store.library.sequence_at(NOW)
    claim = store.outbox.claim(main, NOW.date(), owner="a", now=NOW, lease=LEASE)
    assert claim
    save_plan(store, claim, [a_page(0, "2401.00002")], watermark=watermark)
    value = NextPapers(NOW.date(), 0, watermark).format_value()
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW).subscriptions
    cards = answers.show_next_papers(value, CHANNEL).cards
    assert len(cards) == 2
    run(store, "rename to vision")
    run(store, "subscribe language top 1")
    assert answers.show_next_papers(value, CHANNEL).cards == cards
    run(store, "rename vision to images")
    assert answers.show_next_papers(value, CHANNEL).cards == cards
    run(store, "unsubscribe images")
    run(store, "unsubscribe")
    with pytest.raises(InputError, match="no digest"):
        answers.show_next_papers(value, CHANNEL)


def test_a_header_has_the_name_of_a_digest_in_place_of_its_subject() -> None:
    store = a_channel_with_two_digests()
    store.library.add([(a_paper(), a_review())], now=NOW)
    headers = []
    for each in store.subscriptions.list_of_channel(CHANNEL):
        digest = build(each, NOW.date(), store=store, policy=DigestPolicy(), now=NOW)
        headers.append(format_header(digest, ""))
    assert headers[0].startswith("Vision · ")
    assert headers[1].startswith("Friday agents · ")


def test_no_answer_in_a_direct_message_speaks_of_a_channel() -> None:
    store, own = a_store(), Channel("slack", "DUADA", "T1", is_direct=True)
    texts = (
        "list", "settings", "pause", "subscribe vision top 3", "subscribe language", "set top 4", ADD, "list",
        "settings friday agents", "pause weekly", "pause", "pause", "resume", "today", "queue", "set style x",
        "unsubscribe", "unsubscribe friday agents",
    )  # fmt: skip
    for text in texts:
        try:
            reply = run(store, text, own)
            said = f"{reply.message} {reply.announcement}"
        except InputError as error:
            said = str(error)
        assert "channel" not in said, text


def test_a_renamed_digest_keeps_its_history_and_renaming_is_undone() -> None:
    store = a_channel_with_two_digests()
    before = store.subscriptions.find(CHANNEL, "friday agents")
    assert before
    reply = run(store, 'rename "friday agents" to weekly')
    assert reply.announcement
    assert reply.announcement.summary == "Ada renamed this channel's digest “friday agents” to “weekly”."
    renamed = store.subscriptions.find(CHANNEL, "weekly")
    assert renamed == replace(before, name="weekly"), "the id too: what it showed is kept by it"
    (button,) = (block for block in reply.announcement.blocks if isinstance(block, Buttons))
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW)
    undone = answers.subscriptions.undo_change(button.buttons[0].value, CHANNEL, ADA)
    assert undone.announcement
    assert "“weekly” to “friday agents”" in undone.announcement.summary
    assert store.subscriptions.find(CHANNEL, "friday agents") == before


def test_a_change_from_before_a_renaming_can_still_be_undone() -> None:
    store = a_channel_with_two_digests()
    changed = run(store, 'set "friday agents" top 4').announcement
    assert changed
    run(store, "rename friday agents to weekly")
    (button,) = (block for block in changed.blocks if isinstance(block, Buttons))
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW)
    answers.subscriptions.undo_change(button.buttons[0].value, CHANNEL, ADA)
    weekly = store.subscriptions.find(CHANNEL, "weekly")
    assert weekly
    assert weekly.preferences.top == 10


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ('rename "text to speech" to "speech to text"', "text to speech", "speech to text"),
        ('rename text to speech to "audio"', "text to speech", "audio"),
        ("rename “text to speech” to audio to go", "text to speech", "audio to go"),
        ("rename audio to “text to speech”", "audio", "text to speech"),
    ],
)
def test_a_name_with_a_to_of_its_own_is_renamed_in_quotes(text: str, old: str, new: str) -> None:
    store = a_store()
    run(store, f'add "{old}" audio top 3')
    announce(store, text)
    assert [each.name for each in store.subscriptions.list_of_channel(CHANNEL)] == [new]


def test_names_with_a_to_of_their_own_are_asked_for_in_quotes() -> None:
    with pytest.raises(InputError, match="Put the names in quotes"):
        run(a_channel_with_two_digests(), "rename text to speech to audio")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("rename friday agents to main", "a main digest"),
        ("rename main to friday agents", "a digest “friday agents”"),
        ("rename friday agents", "Write the digest's name and the new one"),
        ("rename audio to video", "no digest “audio”"),
        ("rename friday agents to <!here>", "is no name of a digest"),
    ],
)
def test_a_name_that_is_taken_or_none_is_refused(text: str, named: str) -> None:
    store = a_channel_with_two_digests()
    before = store.subscriptions.list_of_channel(CHANNEL)
    with pytest.raises(InputError, match=named):
        run(store, text)
    assert store.subscriptions.list_of_channel(CHANNEL) == before


def test_the_name_of_a_removed_digest_is_free_again_and_its_history_stays_its_own() -> None:
    store = a_channel_with_two_digests()
    removed = store.subscriptions.find(CHANNEL, "friday agents")
    assert removed
    run(store, "remove friday agents")
    assert announce(store, "rename to friday agents").endswith("digest to “friday agents”.")
    (main,) = store.subscriptions.list_of_channel(CHANNEL)
    assert (main.name, main.preferences.domains) == ("friday agents", ("vision",))
    assert main.id != removed.id
    run(store, "subscribe language top 2")
    again = store.subscriptions.find(CHANNEL)
    assert again
    assert again.id == removed.id


def test_set_changes_the_only_digest_also_if_it_has_a_name() -> None:
    store = a_store()
    run(store, ADD)
    run(store, "set top 4")
    (only,) = store.subscriptions.list_of_channel(CHANNEL)
    assert (only.name, only.preferences.top) == ("friday agents", 4)


def test_the_form_renames_a_digest_and_changes_the_rest_at_once() -> None:
    store = a_channel_with_two_digests()
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW)
    form = answers.subscriptions.show_settings(CHANNEL, ADA, "friday agents").form
    assert form
    changed = replace(form, new_name="Weekly", top="4")
    said = answers.subscriptions.save_form(changed, CHANNEL, ADA).announcement
    assert said
    assert said.summary == ("Ada renamed this channel's digest “friday agents” to “weekly”; top 10 → 4.")
    with pytest.raises(FormError, match="is no name of a digest"):
        answers.subscriptions.save_form(replace(changed, name="weekly", new_name="#"), CHANNEL, ADA)
