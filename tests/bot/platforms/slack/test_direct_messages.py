"""A person's own digest in Slack: a real process against a strict fake."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.ports.people import Subject, SubjectKind
from digests.subscription import Channel, DigestStyle, Preferences, Schedule, Subscription
from tests.bot.platforms.processes import BotProcess, add_overdue_subscription
from tests.bot.platforms.slack.processes import create_patient_slack, prepare_store, run_bot
from tests.builders import NOW
from tests.fakes.slack import FakeSlack, SlackInteraction, read_text

TEAM = QueueScope("slack", "T1")


def direct_channel(user: str) -> Channel:
    return Channel("slack", f"D{user}", "T1", is_direct=True)


def own_digest(user: str, style: DigestStyle = DigestStyle.COMPACT) -> Subscription:
    """Return a digest of a person, to be stored."""
    return Subscription(direct_channel(user), Preferences(style=style), Schedule(), owner_id=user)


def add_overdue_digest(store: Store, user: str, style: DigestStyle = DigestStyle.COMPACT) -> None:
    """Give a person a digest in direct messages that is due now."""
    add_overdue_subscription(store, direct_channel(user), style, owner=user)


async def answer_to(slack: FakeSlack, text: str, *, user: str, channel: str) -> str:
    """Type a /digest command, and return the answer."""
    reply = await slack.run_command("/digest", text, user=user, channel=channel)
    await slack.wait_until(lambda: reply.responses or reply.views)
    return text_of(reply)


def text_of(reply: SlackInteraction) -> str:
    return "\n".join(read_text(shown["blocks"]) for shown in (*reply.responses, *reply.views))


def marked_papers(store: Store, scope: QueueScope) -> list[str]:
    return [
        each.paper
        for each in store.marks.discussion_queue(scope, since=NOW.replace(year=2000), now=NOW, limit=9)
    ]


def test_a_person_gets_a_digest_of_their_own_and_its_marks_are_theirs_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with create_patient_slack() as slack:
            ada, bob = slack.add_user("ada"), slack.add_user("bob", is_admin=True)
            papers, here = slack.add_channel("papers"), slack.open_dm(ada)
            store = prepare_store(tmp_path)
            add_overdue_digest(store, ada, DigestStyle.THREAD)
            async with run_bot(slack, tmp_path) as bot:
                await bot.wait_for_log("delivered", here)
                (message,) = slack.messages_in(here)  # A direct message has no thread.
                await ask_for_a_number(slack, bot, ada)
                await mark_privately(slack, bot, ada, papers, message)
                await try_to_change_it(slack, store, bob, papers, ada)
                await forget_it(slack, store, ada)

    asyncio.run(scenario())


async def ask_for_a_number(slack: FakeSlack, bot: BotProcess, ada: str) -> None:
    """A number in the conversation is the paper of the own digest there."""
    here = slack.open_dm(ada)
    (post,) = bot.store.posts.list_recent("slack", NOW.replace(year=2000), 9)
    title = bot.store.library.get(post.papers)[post.papers[0]].paper.title
    await slack.dispatch_event(type="message", channel_type="im", channel=here, user=ada, text="1", ts="9.1")
    await slack.wait_until(lambda: len(slack.messages_in(here)) > 1)
    assert slack.messages_in(here)[-1]["text"] == title


async def mark_privately(
    slack: FakeSlack, bot: BotProcess, ada: str, papers: str, message: dict[str, Any]
) -> None:
    here = slack.open_dm(ada)
    own = QueueScope("slack", "T1", here, is_direct=True)
    await slack.add_reaction(ada, here, message["ts"], "one")
    await bot.wait_until(lambda store: marked_papers(store, own))
    assert marked_papers(bot.store, TEAM) == []
    (post,) = bot.store.posts.list_recent("slack", NOW.replace(year=2000), 9)
    title = bot.store.library.get(post.papers)[post.papers[0]].paper.title
    assert title in await answer_to(slack, "queue", user=ada, channel=here)
    assert "Nothing to discuss yet" in await answer_to(slack, "queue", user=ada, channel=papers)


async def try_to_change_it(slack: FakeSlack, store: Store, bob: str, papers: str, ada: str) -> None:
    """An admin with forged values does not reach it, from a channel or from their own conversation."""
    await answer_to(slack, "set top 7", user=ada, channel=slack.open_dm(ada))
    messages = slack.messages_in(slack.open_dm(ada))
    await slack.wait_until(lambda: "this conversation's digest" in str(messages))
    change = messages[-1]
    button = {"type": "button", "action_id": "undo", "value": _undo_value(change)}
    forged = {"ts": "1.1", "blocks": [{"type": "actions", "elements": [button]}]}
    for place in (papers, slack.open_dm(bob)):
        clicked = await slack.click_button("undo", user=bob, channel=place, within=forged)
        await slack.wait_until(partial(_was_refused, slack, clicked))
    for text in ("set top 9", "pause", "unsubscribe", "subscribe vision yes"):
        said = await answer_to(slack, text, user=bob, channel=slack.open_dm(ada))
        assert "another person's" in said or "You have no digest" in said, said
    stored = store.subscriptions.find(direct_channel(ada))
    assert stored
    assert (stored.preferences.top, stored.is_running, stored.owner_id) == (7, True, ada)
    form = await slack.run_command("/digest", "settings", user=ada, channel=slack.open_dm(ada))
    await slack.wait_until(lambda: form.views)
    sent = await slack.submit_view(form.views[0], {"top": "3"}, user=bob)
    assert "not valid any more" in str(sent.ack)


def _was_refused(slack: FakeSlack, clicked: SlackInteraction) -> bool:
    return "undone" in f"{clicked.responses} {slack.ephemerals}"


def _undo_value(message: dict[str, Any]) -> str:
    (row,) = [block for block in message["blocks"] if block["type"] == "actions"]
    return str(row["elements"][0]["value"])


async def forget_it(slack: FakeSlack, store: Store, ada: str) -> None:
    here = slack.open_dm(ada)
    assert "Your own digest would be deleted too" in await answer_to(
        slack, "forget me", user=ada, channel=here
    )
    assert "1 own digest" in await answer_to(slack, "forget me yes", user=ada, channel=here)
    assert store.subscriptions.list_of_channel(direct_channel(ada)) == []
    assert store.posts.list_recent("slack", NOW.replace(year=2000), 9) == []
    assert store.people.count_records(Subject(SubjectKind.CHANNEL, "slack", "T1", here)) == {}


def test_a_digest_is_subscribed_in_messages_to_the_app_and_in_no_other_conversation(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with create_patient_slack() as slack:
            ada = slack.add_user("ada")
            store = prepare_store(tmp_path)
            async with run_bot(slack, tmp_path):
                said = await answer_to(slack, "subscribe vision top 3", user=ada, channel="DOTHERS")
                assert "I am not in this conversation" in said
                here = slack.open_dm(ada)
                assert "Done" in await answer_to(slack, "subscribe vision top 3", user=ada, channel=here)
                stored = store.subscriptions.find(Channel("slack", here, "T1"))
                assert stored
                assert stored.channel.is_direct
                assert (stored.owner_id, stored.preferences.style) == (ada, DigestStyle.COMPACT)
                form = await slack.run_command("/digest", "settings", user=ada, channel=here)
                await slack.wait_until(lambda: form.views)
                saved = await slack.submit_view(form.views[0], {"top": "4"}, user=ada)
                assert saved.is_acked
                assert not (saved.ack or {}).get("errors")
            stored = store.subscriptions.find(Channel("slack", here, "T1"))
            assert stored
            assert stored.preferences.top == 4

    asyncio.run(scenario())


def test_a_conversation_that_is_closed_stops_the_digest_with_a_sentence(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with create_patient_slack() as slack:
            ada = slack.add_user("ada")
            slack.channels[slack.open_dm(ada)].members.clear()
            store = prepare_store(tmp_path)
            add_overdue_digest(store, ada)
            async with run_bot(slack, tmp_path) as bot:
                await bot.wait_for_log("Given up")
            stored = store.subscriptions.find(direct_channel(ada))
            assert stored
            assert stored.stop_reason.startswith("Paperround cannot write to this person any more")
            assert len(slack.calls_of("chat.postMessage")) <= 2  # The edition, and the failure notice.

    asyncio.run(scenario())


def test_the_removal_of_a_workspace_takes_the_digests_of_its_people_along(tmp_path: Path) -> None:
    store = prepare_store(tmp_path)
    mine = own_digest("UADA")
    store.subscriptions.change(mine.channel, mine, by="Ada", by_id="slack:T1:UADA", now=NOW)
    theirs = replace(mine, channel=replace(mine.channel, channel="DUEVE", workspace="T2"), owner_id="UEVE")
    store.subscriptions.change(theirs.channel, theirs, by="Eve", by_id="slack:T2:UEVE", now=NOW)
    store.people.forget(Subject(SubjectKind.WORKSPACE, "slack", "T1"), now=NOW)
    assert [each.owner_id for each in store.subscriptions.list_active()] == ["UEVE"]
