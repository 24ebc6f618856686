"""Digests and marks as people in Discord see them: a real process, over REST and gateway, against a strict Discord."""

from tests.bot.platforms.discord.processes import DiscordScenarioRunner, wait_for_answer
from tests.bot.platforms.processes import BotProcess
from tests.fakes.discord import CROSSPOSTED, FakeDiscord, read_text

SILENT = 1 << 12


def test_a_digest_comes_as_a_header_that_notifies_and_a_silent_message_a_paper(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        header, *cards = discord.messages_in(papers)
        assert len(cards) == 3
        assert "new papers" in header["content"]
        assert [bool(message["flags"] & SILENT) for message in [header, *cards]] == [False, True, True, True]
        assert all("Limitations" in read_text(card) or "not reviewed" in read_text(card) for card in cards)

    office.run_scenario(scenario, "cards")


def test_in_style_compact_a_digest_is_one_message_and_a_keycap_names_the_paper(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        (digest,) = discord.messages_in(papers)
        await discord.add_reaction(ada, digest)
        await discord.wait_until(lambda: discord.messages_in(discord.open_dm(ada)))
        assert "several papers" in read_text(discord.messages_in(discord.open_dm(ada))[0])
        await discord.add_reaction(ada, digest, "2️⃣")
        await discord.wait_until(lambda: "2 · 1" in read_text(digest))

    office.run_scenario(scenario, "compact")


def test_in_style_thread_the_cards_are_in_the_thread_of_the_list_and_take_marks(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        (listing,) = discord.messages_in(papers)
        (thread,) = discord.threads_of(papers)
        assert thread.id == listing["id"]
        assert "new papers" in thread.name
        assert len(thread.messages) == 3
        await discord.add_reaction(ada, thread.messages[1])
        await discord.wait_until(lambda: "Discuss · 1" in read_text(thread.messages[1]))
        bob = discord.add_user("bob")
        thread.is_archived = True
        tapped = await discord.click_button(
            "discuss:", user=bob, channel=thread.id, within=thread.messages[1]
        )
        assert "Marked for discussion" in await wait_for_answer(discord, tapped)
        await discord.wait_until(lambda: "Discuss · 2" in read_text(thread.messages[1]))

    office.run_scenario(scenario, "thread")


def test_a_forum_gets_a_post_a_paper_with_the_tags_of_its_domain(office: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        header, *posts = discord.threads_of(papers)
        assert "new papers" in header.name
        assert len(posts) == 3
        names = {tag["id"]: tag["name"] for tag in discord.channels[papers].tags}
        for post in posts:
            (card,) = post.messages
            tagged = {names[tag] for tag in post.applied_tags}
            assert ("machine learning" in tagged) == ("(cs.LG)" in read_text(card)), read_text(card)
            assert post.name.partition(". ")[2][:20] in read_text(card)
        await discord.add_reaction(ada, posts[0].messages[0])
        await discord.wait_until(lambda: "Discuss · 1" in read_text(posts[0].messages[0]))

    office.run_scenario(scenario, "forum")


def test_what_comes_into_an_announcement_channel_is_published(office: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        assert [message["flags"] & CROSSPOSTED for message in discord.messages_in(papers)] == [1, 1, 1, 1]

    office.run_scenario(scenario, "news")


def test_the_bots_own_reaction_and_a_reaction_told_twice_count_for_nothing(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        card = discord.messages_in(papers)[1]
        await discord.add_reaction(discord.bot_user, card)
        await discord.add_reaction(ada, card, "🎉")
        added = await discord.add_reaction(ada, card)
        await discord.dispatch_event("MESSAGE_REACTION_ADD", added, 0)
        await discord.wait_until(lambda: "Discuss · 1" in read_text(card))
        card["people"].clear()
        cleared = {"channel_id": papers, "message_id": card["id"], "guild_id": discord.channels[papers].guild}
        await discord.dispatch_event("MESSAGE_REACTION_REMOVE_ALL", cleared, 0)
        await discord.wait_until(lambda: "Discuss ·" not in read_text(card))

    office.run_scenario(scenario, "cards")
