"""/digest forget me and export me: people reach their own records alone."""

import asyncio
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.chat.message import Message, Text
from bot.conversation.announce import share_paper
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.fair_use import Use, find_use_of_command
from bot.conversation.marks import MarkEmojis, MarkHandler
from bot.present.people import EXPORT_CHARACTERS
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import Mark, MarkSource, Post
from digests.ports import Store
from digests.ports.people import SOMEBODY, Subject, SubjectKind
from digests.store import open_store
from digests.subscription import Channel, Subscription
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription, find_nothing
from tests.fakes.platform import MemoryPlatform, PostedPages

ADA, BOB = Person("U1", "Ada Lovelace"), Person("U2", "Bob", is_admin=True)
HERE, THERE = Channel("slack", "C1", "T1"), Channel("slack", "C2", "T2")
PAPER = a_paper().id


def a_store_with_marks() -> Store:
    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    for channel, person in ((HERE, ADA), (HERE, BOB), (THERE, ADA)):
        store.marks.set_mark(Mark(channel, "1.0", PAPER, person.id, MarkSource.REACTION, NOW), True)
    return store


def answers(store: Store) -> Answers:
    return Answers(store, find_nothing, DigestPolicy(), lambda: NOW)


def ask(store: Store, text: str, person: Person = ADA, channel: Channel = HERE) -> str:
    return words(answers(store).run_digest_command(text, channel, person).message)


def words(message: Message) -> str:
    return "\n".join(block.text for block in message.blocks if isinstance(block, Text))


def test_a_person_is_told_what_would_go_before_anything_goes() -> None:
    store = a_store_with_marks()
    said = ask(store, "forget me")
    assert "This is kept about you here: 1 mark." in said
    assert "Nothing was erased yet, and it cannot be undone: /digest me forget yes does it." in said
    assert store.marks.mark_counts(HERE, [PAPER]) == {PAPER: 2}


def test_a_person_forgets_themselves_here_and_nobody_else() -> None:
    store = a_store_with_marks()
    assert "You are forgotten here: 1 mark." in ask(store, "forget me yes")
    assert store.marks.mark_counts(HERE, [PAPER]) == {PAPER: 1}
    assert store.marks.mark_counts(THERE, [PAPER]) == {PAPER: 1}
    assert ask(store, "forget me yes") == "Nothing was kept about you here."
    assert ask(store, "forget me") == "Nothing is kept about you here."
    assert ask(store, "export me") == "Nothing is kept about you here."


@pytest.mark.parametrize("text", ["forget", "forget U2", "forget bob", "forget me no", "export", "export U1"])
def test_nobody_can_name_another_person(text: str) -> None:
    store = a_store_with_marks()
    with pytest.raises(InputError, match="only themselves"):
        ask(store, text, BOB)
    assert store.marks.mark_counts(HERE, [PAPER]) == {PAPER: 2}


def test_the_owner_of_a_digest_is_told_what_becomes_of_it_and_it_goes_on() -> None:
    store = a_store_with_marks()
    wanted = Subscription(HERE, a_subscription().preferences, a_subscription().schedule, owner_id=ADA.id)
    store.subscriptions.change(HERE, wanted, by=ADA.name, by_id=ADA.qualify_id(HERE), now=NOW)
    assert "Digests that you set up would go on" in ask(store, "forget me")
    ask(store, "forget me yes")
    stored = store.subscriptions.find(HERE)
    assert stored
    assert (stored.is_running, stored.owner_id) == (True, "")


def test_an_export_shows_the_records_and_a_long_one_says_that_it_is_cut() -> None:
    store = a_store_with_marks()
    said = ask(store, "export me")
    assert "marks" in said
    assert "T2" not in said
    assert BOB.id not in said
    for number in range(60):
        mark = Mark(HERE, f"{number}", PAPER, ADA.id, MarkSource.REACTION, NOW)
        store.marks.set_mark(mark, True)
    long = ask(store, "export me")
    assert len(long) < EXPORT_CHARACTERS + 300
    assert long.endswith("paperround export person slack:T1:U1.")


def test_the_name_on_a_shared_card_goes_with_the_person() -> None:
    store, platform = a_store_with_marks(), MemoryPlatform(PostedPages())
    asyncio.run(share_paper(PAPER, HERE, ADA, answers=answers(store), platform=platform))
    (post,) = store.posts.find_with_paper(HERE, PAPER, 9)
    assert ADA.name in str(post.payload)
    ask(store, "forget me yes")
    (post,) = store.posts.find_with_paper(HERE, PAPER, 9)
    assert post.payload
    assert ADA.name not in str(post.payload)
    assert SOMEBODY in str(post.payload)


def test_these_commands_are_limited_as_decisions_are() -> None:
    for text in ("forget me", "forget me yes", "export me"):
        assert find_use_of_command(text) is Use.DECISION


def test_a_digest_in_direct_messages_is_its_persons_and_goes_with_them() -> None:
    store, own = a_store_with_marks(), Channel("slack", "DU1", "T1", is_direct=True)
    answers(store).run_digest_command("subscribe vision about pandas", own, ADA)
    store.marks.set_mark(Mark(own, "2.0", PAPER, ADA.id, MarkSource.REACTION, NOW), True)
    for text in ("subscribe language yes", "set top 9", "pause", "unsubscribe", 'add "mine" vision'):
        with pytest.raises(InputError, match="another person's"):
            ask(store, text, BOB, own)
        with pytest.raises(InputError, match="Only workspace admins"):
            ask(store, text, BOB, replace(own, is_direct=False))
    assert "another person's" in ask(store, "settings", BOB, own)
    assert "pandas" in ask(store, "export me")
    assert "pandas" not in ask(store, "export me", BOB)
    assert "Your own digest would be deleted too" in ask(store, "forget me")
    assert "1 own digest" in ask(store, "forget me yes")
    assert store.subscriptions.find(own) is None
    assert store.people.export(Subject(SubjectKind.PERSON, "slack", "T1", ADA.id))["own digests"] == []


def test_a_direct_message_reaches_the_records_of_all_workspaces() -> None:
    store = a_store_with_marks()
    ask(store, "forget me yes", channel=replace(HERE, channel="D1", workspace=""))
    assert store.marks.mark_counts(HERE, [PAPER]) == {PAPER: 1}
    assert store.marks.mark_counts(THERE, [PAPER]) == {}


def test_reactions_of_a_forgotten_person_are_not_read_again_after_a_lost_connection(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/p.db")) as store:
        store.library.add([(a_paper(), a_review())], now=NOW)
        post = Post(HERE, "1.0", (PAPER,), {"text": "x"})
        store.posts.record_shared(post, now=NOW)
        later = NOW + timedelta(hours=1)
        queue = Answers(store, find_nothing, DigestPolicy(), lambda: later).queue
        handler = MarkHandler(queue, MemoryPlatform(PostedPages()), MarkEmojis("🔖", ()), lambda: later)

        async def fetch_reactions(_: Post) -> dict[str, frozenset[str]]:
            return {"🔖": frozenset({ADA.id, BOB.id})}

        async def reconcile() -> None:
            await handler.reconcile_post(post, fetch_reactions)
            await handler.debouncer.flush_pending()

        asyncio.run(reconcile())
        assert store.marks.mark_counts(HERE, [PAPER]) == {PAPER: 2}
        ask(store, "forget me yes")
        asyncio.run(reconcile())
        assert store.marks.mark_counts(HERE, [PAPER]) == {PAPER: 1}
        store.marks.set_mark(Mark(HERE, "1.0", PAPER, ADA.id, MarkSource.REACTION, later), True)
        asyncio.run(reconcile())
        assert store.marks.mark_counts(HERE, [PAPER]) == {PAPER: 2}, "who marks it again is counted"
