"""Digests and marks as people in Discord see them: a real process, over REST and gateway, against a strict Discord."""

from tests.bot.platforms.discord.processes import Office, answer
from tests.bot.platforms.processes import Bot
from tests.fakes.discord import CROSSPOSTED, FakeDiscord, read

SILENT = 1 << 12


def test_a_digest_comes_as_a_header_that_notifies_and_a_silent_message_a_paper(office: Office) -> None:
    async def story(discord: FakeDiscord, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        header, *cards = discord.messages(papers)
        assert len(cards) == 3
        assert "new papers" in header["content"]
        assert [bool(message["flags"] & SILENT) for message in [header, *cards]] == [False, True, True, True]
        assert all("Limitations" in read(card) or "not reviewed" in read(card) for card in cards)

    office.tells(story, "cards")


def test_in_style_compact_a_digest_is_one_message_and_a_keycap_names_the_paper(office: Office) -> None:
    async def story(discord: FakeDiscord, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        (digest,) = discord.messages(papers)
        await discord.react(ada, digest)
        await discord.until(lambda: discord.messages(discord.dm(ada)))
        assert "several papers" in read(discord.messages(discord.dm(ada))[0])
        await discord.react(ada, digest, "2️⃣")
        await discord.until(lambda: "2 · 1" in read(digest))

    office.tells(story, "compact")


def test_in_style_thread_the_cards_are_in_the_thread_of_the_list_and_take_marks(office: Office) -> None:
    async def story(discord: FakeDiscord, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        (listing,) = discord.messages(papers)
        (thread,) = discord.threads(papers)
        assert thread.id == listing["id"]
        assert "new papers" in thread.name
        assert len(thread.messages) == 3
        await discord.react(ada, thread.messages[1])
        await discord.until(lambda: "Discuss · 1" in read(thread.messages[1]))
        bob = discord.add_user("bob")
        thread.archived = True
        tapped = await discord.click("discuss:", user=bob, channel=thread.id, within=thread.messages[1])
        assert "Marked for discussion" in await answer(discord, tapped)
        await discord.until(lambda: "Discuss · 2" in read(thread.messages[1]))

    office.tells(story, "thread")


def test_a_forum_gets_a_post_a_paper_with_the_tags_of_its_domain(office: Office) -> None:
    async def story(discord: FakeDiscord, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        header, *posts = discord.threads(papers)
        assert "new papers" in header.name
        assert len(posts) == 3
        names = {tag["id"]: tag["name"] for tag in discord.channels[papers].tags}
        for post in posts:
            (card,) = post.messages
            tagged = {names[tag] for tag in post.applied_tags}
            assert ("machine learning" in tagged) == ("(cs.LG)" in read(card)), read(card)
            assert post.name.partition(". ")[2][:20] in read(card)
        await discord.react(ada, posts[0].messages[0])
        await discord.until(lambda: "Discuss · 1" in read(posts[0].messages[0]))

    office.tells(story, "forum")


def test_what_comes_into_an_announcement_channel_is_published(office: Office) -> None:
    async def story(discord: FakeDiscord, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        assert [message["flags"] & CROSSPOSTED for message in discord.messages(papers)] == [1, 1, 1, 1]

    office.tells(story, "news")


def test_the_bots_own_reaction_and_a_reaction_told_twice_count_for_nothing(office: Office) -> None:
    async def story(discord: FakeDiscord, bot: Bot, ada: str, papers: str) -> None:
        await bot.says("delivered", papers)
        card = discord.messages(papers)[1]
        await discord.react(discord.bot_user, card)
        await discord.react(ada, card, "🎉")
        added = await discord.react(ada, card)
        await discord.dispatch("MESSAGE_REACTION_ADD", added, 0)
        await discord.until(lambda: "Discuss · 1" in read(card))
        card["people"].clear()
        cleared = {"channel_id": papers, "message_id": card["id"], "guild_id": discord.channels[papers].guild}
        await discord.dispatch("MESSAGE_REACTION_REMOVE_ALL", cleared, 0)
        await discord.until(lambda: "Discuss ·" not in read(card))

    office.tells(story, "cards")
