"""The Slack app as a person sees it: a real process, over HTTP and WebSocket, against a strict Slack."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from digests.model import Style
from digests.ports import Store
from tests.bot.platforms.slack.processes import Bot, overdue, prepared, running
from tests.fakes.slack import PATIENCE, FakeSlack, Fault, read

Story = Callable[[FakeSlack, Bot, str, str], Awaitable[None]]


def told(story: Story, folder: Path, *, settings: str = "", **kinds: Any) -> None:
    """Run a story: a workspace with Ada in #papers, and the bot beside it."""

    async def run() -> None:
        async with FakeSlack(
            retry_delays=(0.1, 0.2), ack_seconds=PATIENCE, trigger_seconds=PATIENCE
        ) as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            if style := kinds.get("style"):
                overdue(prepared(folder), papers, style, kinds.get("top", 3))
            async with running(slack, folder, settings=settings) as bot:
                await story(slack, bot, ada, papers)
            assert slack.protocol_errors == []

    asyncio.run(run())


def test_a_digest_comes_as_a_header_and_a_message_a_paper(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await slack.until(lambda: len(slack.messages(papers)) == 4)
        header, *cards = slack.messages(papers)
        assert "new papers" in header["text"]
        assert all(
            "Limitations" in read(card["blocks"]) or "not reviewed" in read(card["blocks"]) for card in cards
        )
        assert all(message["text"] and not message["unfurled"] for message in [header, *cards])
        assert len({message["metadata"]["event_payload"]["key"] for message in [header, *cards]}) == 4

    told(story, tmp_path, style=Style.CARDS)


def test_a_look_up_is_answered_for_the_person_alone_and_shared_when_asked(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        asked = await slack.command("/paper", "2402.01306", user=ada, channel=papers)
        await slack.until(lambda: asked.responses)
        (card,) = asked.responses
        assert card["response_type"] == "ephemeral"
        assert "KTO" in read(card["blocks"])
        shared = await slack.click("share", user=ada, channel=papers, within=card)
        await slack.until(lambda: shared.responses)
        (message,) = slack.messages(papers)
        assert "Shared by ada" in read(message["blocks"])
        reviewed = await slack.click("review.1", user=ada, channel=papers, within=card)
        await slack.until(lambda: reviewed.responses)
        assert "Methodology" in read(reviewed.responses[0]["blocks"])

    told(story, tmp_path)


def test_a_mark_counts_on_the_card_and_in_the_queue_and_is_taken_back(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await slack.until(lambda: len(slack.messages(papers)) == 4)
        card = slack.messages(papers)[1]
        bob = slack.add_user("bob")
        added = await slack.react(ada, papers, card["ts"])
        await slack.click("discuss", user=bob, channel=papers, within=card)
        await slack.until(lambda: "Discuss · 2" in read(card["blocks"]))
        queue = await slack.command("/digest", "queue", user=ada, channel=papers)
        await slack.until(lambda: queue.responses)
        assert "2 voices" in read(queue.responses[0]["blocks"])
        await slack.unreact(ada, papers, card["ts"])
        await slack.until(lambda: "Discuss · 1" in read(card["blocks"]))
        await slack.tell(added)  # Told again, out of order: it changes nothing.
        await slack.click("discuss", user=bob, channel=papers, within=card)
        await slack.until(lambda: "Discuss ·" not in read(card["blocks"]))

    told(story, tmp_path, style=Style.CARDS)


def test_keycaps_mark_a_paper_in_a_digest_of_one_message(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await slack.until(lambda: slack.messages(papers))
        (digest,) = slack.messages(papers)
        await slack.react(ada, papers, digest["ts"], "bookmark")
        await slack.until(lambda: slack.whispers)
        assert "several papers" in read(slack.whispers[0]["blocks"])
        await slack.react(ada, papers, digest["ts"], "two")
        await slack.until(lambda: "Discuss · 1" in read(digest["blocks"]))

    told(story, tmp_path, style=Style.COMPACT)


def test_a_channel_is_subscribed_by_words_told_of_it_and_the_change_is_undone(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await slack.command("/digest", "subscribe vision at 08:30 top 3 min 8", user=ada, channel=papers)
        await slack.until(lambda: slack.messages(papers))
        (note,) = slack.messages(papers)
        assert "ada subscribed this channel" in read(note["blocks"])
        assert "08:30 (Europe/Berlin)" in read(note["blocks"])
        await slack.click("undo", user=ada, channel=papers, within=note)
        await slack.until(lambda: len(slack.messages(papers)) == 2)
        assert bot.store.subscriptions.all() == []
        again = await slack.click("undo", user=ada, channel=papers, within=note)
        await slack.until(lambda: again.responses)
        assert "cannot be undone" in read(again.responses[0]["blocks"])

    told(story, tmp_path)


def test_the_form_says_what_is_wrong_beside_each_field_and_saves_what_is_right(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await slack.command("/digest", "settings", user=ada, channel=papers)
        await slack.until(lambda: slack.views)
        (form,) = slack.views
        wrong = {"domains": "visoin", "time_zone": "Mars/Phobos", "min_score": "11"}
        refused = await slack.submit(form, wrong, user=ada)
        assert refused.ack
        assert set(refused.ack["errors"]) == set(wrong)
        assert "vision" in refused.ack["errors"]["domains"]
        saved = await slack.submit(form, {"domains": "vision", "days": ["mon"], "style": "compact"}, user=ada)
        assert saved.acked
        await slack.until(lambda: slack.messages(papers))
        (subscription,) = bot.store.subscriptions.all()
        assert (subscription.wish.domains, subscription.wish.style) == (("vision",), Style.COMPACT)
        assert subscription.schedule.time_zone == "Europe/Berlin"

    told(story, tmp_path)


@pytest.mark.parametrize(
    "fault", [Fault.DROP_AFTER, Fault.SERVER_ERROR_AFTER, Fault.INTERNAL_ERROR_AFTER, Fault.SLOW_AFTER]
)
def test_a_post_whose_answer_was_lost_is_asked_for_and_not_sent_again(tmp_path: Path, fault: Fault) -> None:
    async def run() -> None:
        async with FakeSlack() as slack:
            papers = slack.add_channel("papers")
            overdue(prepared(tmp_path), papers)
            slack.fail("chat.postMessage", fault)
            async with running(slack, tmp_path, time_out=3) as bot:
                await bot.says("may have arrived")
            # The next try is a minute away: what a process does then is done by the next one, at once.
            retry_now(bot)
            async with running(slack, tmp_path):
                await slack.until(lambda: len(slack.messages(papers)) == 4)
                assert slack.called("conversations.history")

    asyncio.run(run())


def retry_now(bot: Bot) -> None:
    """Let the wait before the next try be over."""
    import sqlite3

    with sqlite3.connect(bot.folder / "p.db") as connection:
        connection.execute("UPDATE deliveries SET next_try_at = '2020-01-01 00:00:00.000000'")
    connection.close()


def test_marks_made_while_the_bot_was_away_are_found_when_it_comes_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with FakeSlack() as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            overdue(prepared(tmp_path), papers)
            async with running(slack, tmp_path):
                await slack.until(lambda: len(slack.messages(papers)) == 4)
            card = slack.messages(papers)[2]
            await slack.react(ada, papers, card["ts"], tell=False)
            async with running(slack, tmp_path):
                await slack.until(lambda: "Discuss · 1" in read(card["blocks"]))

    asyncio.run(run())


def test_a_channel_that_was_archived_gets_no_more_digests_and_the_log_says_so(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await slack.until(lambda: len(slack.messages(papers)) == 4)
        await slack.event(type="channel_archive", channel=papers, user=ada)
        await bot.says("the channel was archived")
        assert bot.store.subscriptions.all()[0].stopped
        await slack.event(type="channel_unarchive", channel=papers, user=ada)
        await bot.says("takes digests again")

    told(story, tmp_path, style=Style.CARDS)


def test_in_style_thread_the_cards_are_in_the_thread_of_the_list(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await slack.until(lambda: len(slack.messages(papers)) == 4)
        listing, *cards = slack.messages(papers)
        assert {card["thread_ts"] for card in cards} == {listing["ts"]}
        await slack.react(ada, papers, cards[1]["ts"])
        await slack.until(lambda: "Discuss · 1" in read(cards[1]["blocks"]))

    told(story, tmp_path, style=Style.THREAD)


def test_of_several_papers_one_is_chosen_from_a_list(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        asked = await slack.command("/paper", "preference tuning language", user=ada, channel=papers)
        await slack.until(lambda: asked.responses)
        (choice,) = asked.responses
        assert "Did you mean one of these" in read(choice["blocks"])
        shown = await slack.click("show", user=ada, channel=papers, within=choice)
        await slack.until(lambda: shown.responses)
        assert shown.responses[0]["replace_original"] is True
        assert "Limitations" in read(shown.responses[0]["blocks"])

    told(story, tmp_path)


def test_what_was_acknowledged_is_answered_even_when_the_bot_is_stopped_right_then(tmp_path: Path) -> None:
    async def run() -> None:
        async with FakeSlack() as slack:
            ada, papers = slack.add_user("ada"), slack.add_channel("papers")
            async with running(slack, tmp_path):
                done = await asyncio.gather(
                    *(slack.command("/paper", f"learning {n}", user=ada, channel=papers) for n in range(30))
                )
            assert [one for one in done if one.acked and not one.responses] == []
            assert any(one.acked for one in done)

    asyncio.run(run())


def test_a_revoked_token_is_told_in_a_sentence_and_the_bot_comes_back_when_it_is_good_again(
    tmp_path: Path,
) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        slack.token_error = "token_revoked"
        await slack.event(type="tokens_revoked", tokens={"bot": [slack.bot_user]})
        await bot.says("took the app's rights away")
        await slack.disconnect()
        await slack.until(lambda: len(slack.called("apps.connections.open")) > 3)
        slack.token_error = ""
        await slack.until(lambda: slack.sockets)

    told(story, tmp_path)


def _stopped(store: Store) -> dict[str, bool]:
    return {one.channel.channel: bool(one.stopped) for one in store.subscriptions.all()}


def test_one_channel_that_cannot_be_posted_to_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async def run() -> None:
        async with FakeSlack() as slack:
            gone, well = slack.add_channel("gone", bot_in=False), slack.add_channel("well")
            for channel in (gone, well):
                overdue(prepared(tmp_path), channel)
            async with running(slack, tmp_path) as bot:
                await slack.until(lambda: len(slack.messages(well)) == 4)
                await bot.says(gone, "/invite @paperround")
                await bot.until(lambda store: _stopped(store) == {gone: True, well: False})

    asyncio.run(run())
