"""Digests and marks as people in Slack see them: a real process, over HTTP and WebSocket, against a strict Slack."""

import asyncio

from digests.subscription import Channel, DigestStyle
from tests.bot.platforms.slack.processes import BotProcess, SlackScenarioRunner
from tests.fakes.slack import FakeSlack, read_text


def test_a_digest_comes_as_a_header_and_a_message_a_paper(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        header, *cards = slack.messages_in(papers)
        assert len(cards) == 3
        assert "new papers" in header["text"]
        assert all(
            "Limitations" in read_text(card["blocks"]) or "not reviewed" in read_text(card["blocks"])
            for card in cards
        )
        assert all(message["text"] and not message["unfurled"] for message in [header, *cards])
        assert len({message["metadata"]["event_payload"]["key"] for message in [header, *cards]}) == 4

    office.run_scenario(scenario, DigestStyle.CARDS)


def test_in_style_compact_a_digest_is_one_message(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        (digest,) = slack.messages_in(papers)
        assert read_text(digest["blocks"]).count("Discuss") == 3
        await slack.add_reaction(ada, papers, digest["ts"], "bookmark")
        await slack.wait_until(lambda: "several papers" in slack.ephemeral_text(papers))
        await slack.add_reaction(ada, papers, digest["ts"], "two")
        await slack.wait_until(lambda: "Discuss · 1" in read_text(digest["blocks"]))
        marked = await slack.use_shortcut("mark_for_discussion", user=ada, channel=papers, message=digest)
        await slack.wait_until(lambda: marked.responses)
        assert "several papers" in read_text(marked.responses[0]["blocks"])

    office.run_scenario(scenario, DigestStyle.COMPACT)


def test_in_style_thread_the_cards_are_in_the_thread_of_the_list_and_take_marks(
    office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        listing, *cards = slack.messages_in(papers)
        assert len(cards) == 3
        assert {card["thread_ts"] for card in cards} == {listing["ts"]}
        await slack.add_reaction(ada, papers, cards[1]["ts"])
        await slack.wait_until(lambda: "Discuss · 1" in read_text(cards[1]["blocks"]))
        assert "Discuss ·" not in read_text([cards[0]["blocks"], cards[2]["blocks"]])

    office.run_scenario(scenario, DigestStyle.THREAD)


def test_a_burst_of_marks_is_one_edit_or_two_and_the_last_number_stands(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        card = slack.messages_in(papers)[1]
        people = [slack.add_user(f"p{number}") for number in range(25)]
        told = await asyncio.gather(
            *(slack.add_reaction(one, papers, card["ts"], is_dispatched=False) for one in people)
        )
        await asyncio.gather(*(slack.deliver_event(event) for event in [*told, *told[:5]]))
        await slack.wait_until(lambda: "Discuss · 25" in read_text(card["blocks"]))
        edits = [call for call in slack.calls_of("chat.update") if call["channel"] == papers]
        assert len(edits) < 10, "many marks at once, and an edit for nearly each"
        assert not card.get("unfurled")

    office.run_scenario(scenario, DigestStyle.CARDS)


def test_marks_made_while_the_socket_was_away_are_found_when_it_is_back(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        card, other = slack.messages_in(papers)[1:3]
        await slack.add_reaction(ada, papers, other["ts"])
        await slack.wait_until(lambda: "Discuss · 1" in read_text(other["blocks"]))
        await slack.add_reaction(ada, papers, card["ts"], is_dispatched=False)
        await slack.remove_reaction(ada, papers, other["ts"], is_dispatched=False)
        await slack.disconnect_sockets()
        await slack.wait_until(lambda: "Discuss · 1" in read_text(card["blocks"]))
        await slack.wait_until(lambda: "Discuss ·" not in read_text(other["blocks"]))

    office.run_scenario(scenario, DigestStyle.CARDS)


def test_a_channel_that_was_archived_gets_no_more_digests_and_the_log_says_so(
    office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        here = Channel("slack", papers, "T1")
        for gone, why, back, by in (
            ("channel_archive", "the channel was archived", "channel_unarchive", ada),
            ("group_left", "Paperround was removed", "member_joined_channel", slack.bot_user),
            ("channel_deleted", "the channel was deleted", "member_joined_channel", slack.bot_user),
        ):
            await slack.dispatch_event(type=gone, channel=papers, user=ada)
            await bot.wait_for_log(papers, "gets no more digests", why)
            known = bot.store.subscriptions.find(here)
            assert known
            assert why in known.stop_reason
            await slack.dispatch_event(type=back, channel=papers, user=by)
            await bot.wait_until(
                lambda store: (one := store.subscriptions.find(here)) and not one.stop_reason
            )
        await bot.wait_for_log(papers, "takes digests again")

    office.run_scenario(scenario, DigestStyle.CARDS)
