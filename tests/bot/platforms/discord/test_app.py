"""The bot in Discord where Discord differs from other platforms: a real process against a strict fake."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from digests.subscription import DigestStyle
from tests.bot.platforms.discord.processes import DiscordScenarioRunner, channel_of, wait_for_answer
from tests.bot.platforms.processes import BotProcess
from tests.fakes.discord import CROSSPOSTED, FORUM, FakeDiscord, read_text

Json = dict[str, Any]

SILENT = 1 << 12

# Digests.


def test_only_the_header_of_a_digest_notifies(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        messages = discord.messages_in(papers)
        assert "papers" in messages[0]["content"]
        assert [bool(message["flags"] & SILENT) for message in messages] == [False, True, True, True]

    discord_runner.run_scenario(scenario, "cards")


def test_the_cards_of_a_thread_digest_are_in_a_thread_that_takes_marks_when_archived(
    discord_runner: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        (listing,) = discord.messages_in(papers)
        (thread,) = discord.threads_of(papers)
        assert thread.id == listing["id"]
        assert "papers" in thread.name
        assert len(thread.messages) == 3
        card = thread.messages[1]
        await discord.add_reaction(ada, card)
        await discord.wait_until(lambda: "Discuss · 1" in read_text(card))
        thread.is_archived = True
        tapped = await discord.click_button(
            "discuss:", user=discord.add_user("bob"), channel=thread.id, within=card
        )
        assert "Marked for discussion" in await wait_for_answer(discord, tapped)
        await discord.wait_until(lambda: "Discuss · 2" in read_text(card))

    discord_runner.run_scenario(scenario, "thread")


def test_a_forum_gets_one_post_per_paper_with_the_tags_of_its_domain(
    discord_runner: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        header, *posts = discord.threads_of(papers)
        assert "papers" in header.name
        assert len(posts) == 3
        names = {tag["id"]: tag["name"] for tag in discord.channels[papers].tags}
        for post in posts:
            (card,) = post.messages
            tags = {names[tag] for tag in post.applied_tags}
            assert ("machine learning" in tags) == ("(cs.LG)" in read_text(card)), read_text(card)
            assert post.name.partition(". ")[2][:20] in read_text(card)
        await discord.add_reaction(ada, posts[0].messages[0])
        await discord.wait_until(lambda: "Discuss · 1" in read_text(posts[0].messages[0]))

    discord_runner.run_scenario(scenario, "forum")


def test_a_digest_in_an_announcement_channel_is_published(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        assert [message["flags"] & CROSSPOSTED for message in discord.messages_in(papers)] == [1, 1, 1, 1]

    discord_runner.run_scenario(scenario, "news")


def test_marks_vanish_when_a_moderator_clears_all_reactions(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        card = discord.messages_in(papers)[1]
        await discord.add_reaction(ada, card)
        await discord.wait_until(lambda: "Discuss · 1" in read_text(card))
        card["people"].clear()
        cleared = {"channel_id": papers, "message_id": card["id"], "guild_id": discord.channels[papers].guild}
        await discord.dispatch_event("MESSAGE_REACTION_REMOVE_ALL", cleared, 0)
        await discord.wait_until(lambda: "Discuss ·" not in read_text(card))

    discord_runner.run_scenario(scenario, "cards")


# Commands.


def test_papers_are_suggested_by_title_and_id(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        async def suggest(text: str) -> list[str]:
            choices = await discord.request_choices("paper", "query", text, user=ada, channel=papers)
            return [f"{choice['name']} = {choice['value']}" for choice in choices]

        assert 20 <= len(await suggest("")) <= 25
        assert any("2402.01306" in choice for choice in await suggest("kto model align"))
        assert [choice[-10:] for choice in await suggest("2402.013")] == ["2402.01306"]
        assert await suggest("zzzz qqqq") == []
        assert await suggest('"; DROP TABLE papers; --') is not None

    discord_runner.run_scenario(scenario)


def test_domains_days_and_time_zones_are_suggested(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        async def suggest(option: str, text: str) -> list[str]:
            choices = await discord.request_choices(
                "digest subscribe", option, text, user=ada, channel=papers
            )
            return [str(choice["value"]) for choice in choices]

        assert (await suggest("domains", "vis"))[0] == "vision"
        assert (await suggest("domains", "nlp"))[0] == "language"
        assert (await suggest("domains", "vision, llm"))[0] == "vision, language"
        assert (await suggest("domains", "rl"))[0] == "rl"
        assert (await suggest("domains", "cs.CL, rob"))[0] == "cs.CL, robotics"
        assert (await suggest("time_zone", "berlin")) == ["Europe/Berlin"]
        assert (await suggest("time_zone", "san fran"))[0] == "America/Los_Angeles"
        assert "UTC" in await suggest("time_zone", "")
        assert "mon, thu" in await suggest("days", "mon")

    discord_runner.run_scenario(scenario)


def test_keywords_of_an_option_need_no_quotes(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        subscribed = await discord.run_command(
            "digest subscribe", user=ada, channel=papers, keywords="reward at top"
        )
        assert "Done" in await wait_for_answer(discord, subscribed)
        known = bot.store.subscriptions.find(channel_of(discord, papers))
        assert known
        assert known.preferences.keywords == ("reward at top",)

    discord_runner.run_scenario(scenario)


async def open_part(discord: FakeDiscord, message: Json, part: str, user: str, channel: str) -> Json:
    opened = await discord.click_button(
        f"form:{part}", user=user, channel=channel, within={**message, "flags": 64}
    )
    assert opened.modal
    return opened.modal


def test_a_refused_form_keeps_its_text_and_an_emptied_field_is_cleared(
    discord_runner: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        async def submit(message: Json, part: str, fields: Mapping[str, str | Sequence[str]]) -> Json:
            modal = await open_part(discord, message, part, ada, papers)
            sent = await discord.submit_modal(modal, fields, user=ada, channel=papers)
            await wait_for_answer(discord, sent)
            return sent.responses[0]

        opened = await discord.run_command("digest subscribe", user=ada, channel=papers)
        assert "no digest yet" in await wait_for_answer(discord, opened)
        form = opened.responses[0]
        wrong = await submit(form, "what", {"categories": "visoin", "keywords": "reward, top 3"})
        assert "did you mean 'vision'" in str(wrong)
        again = await open_part(discord, wrong, "what", ada, papers)
        assert "visoin" in str(again)
        assert "reward, top 3" in str(again)
        saved = await submit(wrong, "what", {"groups": ["vision"], "categories": ""})
        assert "The time is in UTC" in str(saved)
        await submit(form, "how", {"top": ["2"], "style": "thread", "min_score": ["7.5"]})
        await submit(form, "when", {"at": "7:15 pm", "days": ["mon", "sat"], "time_zone": "tokyo"})
        known = bot.store.subscriptions.find(channel_of(discord, papers))
        assert known
        preferences, schedule = known.preferences, known.schedule
        assert (preferences.domains, preferences.keywords) == (("vision",), ("reward", "top 3"))
        assert (preferences.top, preferences.min_score, preferences.style) == (2, 7.5, DigestStyle.THREAD)
        assert (f"{schedule.at:%H:%M}", schedule.days, schedule.time_zone) == (
            "19:15", frozenset({0, 5}), "Asia/Tokyo",
        )  # fmt: skip
        await submit(form, "what", {"groups": (), "keywords": ""})
        known = bot.store.subscriptions.find(channel_of(discord, papers))
        assert known
        assert (known.preferences.domains, known.preferences.keywords) == ((), ())

    discord_runner.run_scenario(scenario)


def test_words_that_are_not_all_understood_fill_in_the_form(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        asked = await discord.run_command(
            "digest subscribe", user=ada, channel=papers, domains="visoin", at="9am", top=2
        )
        assert "did you mean “vision”" in await wait_for_answer(discord, asked)
        assert "09:00" in str(await open_part(discord, asked.responses[0], "when", ada, papers))
        saved = await discord.click_button(
            "form:save", user=ada, channel=papers, within={**asked.responses[0], "flags": 64}
        )
        assert "Done" in await wait_for_answer(discord, saved)
        known = bot.store.subscriptions.find(channel_of(discord, papers))
        assert known
        assert (known.preferences.top, f"{known.schedule.at:%H:%M}") == (2, "09:00")
        again = await discord.run_command("digest subscribe", user=ada, channel=papers, top=3)
        assert "top 2 → 3" in await wait_for_answer(discord, again)
        changed = await discord.run_command("digest set", user=ada, channel=papers, words="top 4 in Berlin")
        assert "Done" in await wait_for_answer(discord, changed)
        known = bot.store.subscriptions.find(channel_of(discord, papers))
        assert known
        assert (known.preferences.top, known.schedule.time_zone) == (4, "Europe/Berlin")

    discord_runner.run_scenario(scenario)


def test_another_channel_can_be_subscribed_unless_it_is_closed_to_the_bot(
    discord_runner: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        forum = await discord.open_channel("reading", FORUM)
        subscribed = await discord.run_command(
            "digest subscribe", user=ada, channel=papers, channel_=forum, top=2
        )
        assert "Done" in await wait_for_answer(discord, subscribed)
        assert bot.store.subscriptions.find(channel_of(discord, forum))
        closed = await discord.open_channel("closed", denied=("send_messages", "embed_links"))
        for here, options in ((papers, {"channel_": closed, "top": 2}), (closed, {"top": 2})):
            refused = await discord.run_command("digest subscribe", user=ada, channel=here, **options)
            assert "Send Messages and Embed Links" in await wait_for_answer(discord, refused)
        assert bot.store.subscriptions.find(channel_of(discord, closed)) is None

    discord_runner.run_scenario(scenario)


def test_a_change_of_a_forum_is_undone_in_its_post_and_nowhere_else(
    discord_runner: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        forum = await discord.open_channel("reading", FORUM)
        await discord.run_command("digest subscribe", user=ada, channel=papers, channel_=forum, top=2)
        await discord.wait_until(lambda: discord.threads_of(forum))
        (thread,) = discord.threads_of(forum)
        for here, answer, is_subscribed in (
            (papers, "cannot be undone here", True),
            (thread.id, "Done", False),
        ):
            undone = await discord.click_button("undo:", user=ada, channel=here, within=thread.messages[0])
            assert answer in await wait_for_answer(discord, undone)
            assert bool(bot.store.subscriptions.find(channel_of(discord, forum))) is is_subscribed
        assert discord.messages_in(papers) == []

    discord_runner.run_scenario(scenario)


def test_a_look_up_works_in_a_direct_message_and_for_an_app_that_only_the_person_installed(
    discord_runner: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        for here in (discord.open_dm(ada), papers):
            reply = await discord.run_command(
                "paper", user=ada, channel=here, user_installed=True, query="kto"
            )
            assert "Limitations" in await wait_for_answer(discord, reply)
            assert "Share" not in await wait_for_answer(discord, reply)
            marked = await discord.click_button(
                "discuss:", user=ada, channel=here, within=reply.responses[0], user_installed=True
            )
            assert "Marked for discussion" in await wait_for_answer(discord, marked)
        with pytest.raises(AssertionError, match="not there in such a channel"):
            await discord.run_command("digest today", user=ada, channel=discord.open_dm(ada))

    discord_runner.run_scenario(scenario)
