"""Digests and marks as people in Slack see them: a real process, over HTTP and WebSocket, against a strict Slack."""

import asyncio

from digests.model import Channel, Style
from tests.bot.platforms.slack.processes import Bot, Office
from tests.fakes.slack import FakeSlack, read


def test_a_digest_comes_as_a_header_and_a_message_a_paper(office: Office) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        header, *cards = slack.messages(papers)
        assert len(cards) == 3
        assert "new papers" in header["text"]
        assert all(
            "Limitations" in read(card["blocks"]) or "not reviewed" in read(card["blocks"]) for card in cards
        )
        assert all(message["text"] and not message["unfurled"] for message in [header, *cards])
        assert len({message["metadata"]["event_payload"]["key"] for message in [header, *cards]}) == 4

    office.tells(story, Style.CARDS)


def test_in_style_compact_a_digest_is_one_message(office: Office) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        (digest,) = slack.messages(papers)
        assert read(digest["blocks"]).count("Discuss") == 3
        await slack.react(ada, papers, digest["ts"], "bookmark")
        await slack.until(lambda: "several papers" in slack.whispered(papers))
        await slack.react(ada, papers, digest["ts"], "two")
        await slack.until(lambda: "Discuss · 1" in read(digest["blocks"]))
        marked = await slack.shortcut("mark_for_discussion", user=ada, channel=papers, message=digest)
        await slack.until(lambda: marked.responses)
        assert "several papers" in read(marked.responses[0]["blocks"])

    office.tells(story, Style.COMPACT)


def test_in_style_thread_the_cards_are_in_the_thread_of_the_list_and_take_marks(office: Office) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        listing, *cards = slack.messages(papers)
        assert len(cards) == 3
        assert {card["thread_ts"] for card in cards} == {listing["ts"]}
        await slack.react(ada, papers, cards[1]["ts"])
        await slack.until(lambda: "Discuss · 1" in read(cards[1]["blocks"]))
        assert "Discuss ·" not in read([cards[0]["blocks"], cards[2]["blocks"]])

    office.tells(story, Style.THREAD)


def test_a_burst_of_marks_is_one_edit_or_two_and_the_last_number_stands(office: Office) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        card = slack.messages(papers)[1]
        people = [slack.add_user(f"p{number}") for number in range(25)]
        told = await asyncio.gather(*(slack.react(one, papers, card["ts"], tell=False) for one in people))
        await asyncio.gather(*(slack.tell(event) for event in [*told, *told[:5]]))
        await slack.until(lambda: "Discuss · 25" in read(card["blocks"]))
        edits = [call for call in slack.called("chat.update") if call["channel"] == papers]
        assert len(edits) < 10, "many marks at once, and an edit for nearly each"
        assert not card.get("unfurled")

    office.tells(story, Style.CARDS)


def test_marks_made_while_the_socket_was_away_are_found_when_it_is_back(office: Office) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        card, other = slack.messages(papers)[1:3]
        await slack.react(ada, papers, other["ts"])
        await slack.until(lambda: "Discuss · 1" in read(other["blocks"]))
        await slack.react(ada, papers, card["ts"], tell=False)
        await slack.unreact(ada, papers, other["ts"], tell=False)
        await slack.disconnect()
        await slack.until(lambda: "Discuss · 1" in read(card["blocks"]))
        await slack.until(lambda: "Discuss ·" not in read(other["blocks"]))

    office.tells(story, Style.CARDS)


def test_a_channel_that_was_archived_gets_no_more_digests_and_the_log_says_so(office: Office) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        here = Channel("slack", papers, "T1")
        for gone, why, back, by in (
            ("channel_archive", "the channel was archived", "channel_unarchive", ada),
            ("group_left", "Paperround was removed", "member_joined_channel", slack.bot_user),
            ("channel_deleted", "the channel was deleted", "member_joined_channel", slack.bot_user),
        ):
            await slack.event(type=gone, channel=papers, user=ada)
            await bot.says(papers, "gets no more digests", why)
            known = bot.store.subscriptions.find(here)
            assert known
            assert why in known.stopped
            await slack.event(type=back, channel=papers, user=by)
            await bot.until(lambda store: (one := store.subscriptions.find(here)) and not one.stopped)
        await bot.says(papers, "takes digests again")

    office.tells(story, Style.CARDS)
