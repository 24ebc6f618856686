"""The bot in Discord where Discord differs from other platforms: a real process against a strict fake."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from digests.ports import Store
from digests.ports.outbox import PlannedPage
from digests.subscription import DigestStyle, Subscription
from tests.bot.platforms.discord.processes import DiscordScenarioRunner, channel_of, wait_for_answer
from tests.bot.platforms.processes import BotProcess
from tests.fakes.discord import CROSSPOSTED, FORUM, FakeDiscord, read_text
from tests.outbox import save_plan

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
        posts = discord.threads_of(papers)
        assert len(posts) == 3
        headers = [post.messages[0]["content"] for post in posts]
        assert "papers" in headers[0]
        assert headers[1:] == ["", ""]
        names = {tag["id"]: tag["name"] for tag in discord.channels[papers].tags}
        for post in posts:
            (card,) = post.messages
            tags = {names[tag] for tag in post.applied_tags}
            assert ("machine learning" in tags) == ("(cs.LG)" in read_text(card)), read_text(card)
            assert post.name.partition(". ")[2][:20] in read_text(card)
        await discord.add_reaction(ada, posts[0].messages[0])
        await discord.wait_until(lambda: "Discuss · 1" in read_text(posts[0].messages[0]))

    discord_runner.run_scenario(scenario, "forum")


def test_a_full_review_opens_from_the_menu_of_a_compact_digest(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        (digest,) = discord.messages_in(papers)
        (menu,) = digest["components"][-1]["components"]
        option = menu["options"][1]
        opened = await discord.click_button(
            "review:", user=ada, channel=papers, within=digest, value=option["value"]
        )
        answer = await wait_for_answer(discord, opened)
        assert opened.ack == {"type": 5, "data": {"flags": 64}}
        card = discord.add_message(papers)
        button = {"type": 2, "style": 2, "label": "x", "custom_id": f"review:{option['value']}"}
        same = await discord.click_button(
            "review:",
            user=ada,
            channel=papers,
            within={**card, "components": [{"type": 1, "components": [button]}]},
        )
        assert answer == await wait_for_answer(discord, same)
        assert option["label"].removeprefix("2. ") in answer
        await discord.add_reaction(ada, digest, "2️⃣")
        await discord.wait_until(lambda: "2 · 1" in read_text(digest))
        assert digest["components"][-1]["components"][0]["options"] == menu["options"]

    discord_runner.run_scenario(scenario, "compact")


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
        assert "no digest here yet" in await wait_for_answer(discord, opened)
        form = opened.responses[0]
        wrong = await submit(form, "what", {"categories": "visoin", "keywords": "reward, top 3"})
        assert "did you mean 'vision'" in str(wrong)
        again = await open_part(discord, wrong, "what", ada, papers)
        assert "visoin" in str(again)
        assert "reward, top 3" in str(again)
        saved = await submit(wrong, "what", {"groups": ["vision"], "categories": ""})
        assert "The time is in UTC" in str(saved)
        await submit(form, "how", {"top": ["2"], "min_score": ["7.5"]})
        when = {"at": "7:15 pm", "days": ["mon", "sat"], "time_zone": "tokyo", "style": "compact"}
        await submit(form, "when", when)
        known = bot.store.subscriptions.find(channel_of(discord, papers))
        assert known
        preferences, schedule = known.preferences, known.schedule
        assert (preferences.domains, preferences.keywords) == (("vision",), ("reward", "top 3"))
        assert (preferences.top, preferences.min_score, preferences.style) == (2, 7.5, DigestStyle.COMPACT)
        assert (f"{schedule.at:%H:%M}", schedule.days, schedule.time_zone) == (
            "19:15", frozenset({0, 5}), "Asia/Tokyo",
        )  # fmt: skip
        await submit(form, "what", {"groups": (), "keywords": ""})
        known = bot.store.subscriptions.find(channel_of(discord, papers))
        assert known
        assert (known.preferences.domains, known.preferences.keywords) == ((), ())

    discord_runner.run_scenario(scenario)


def test_the_next_meetings_come_as_a_calendar_file(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        done = await discord.run_command("digest subscribe", user=ada, channel=papers, keywords="reward")
        assert "Done" in await wait_for_answer(discord, done)
        planned = await discord.run_command(
            "digest meet set", user=ada, channel=papers, words="thu 16:00 in Berlin"
        )
        assert "Done" in await wait_for_answer(discord, planned)
        asked = await discord.run_command("digest meet ics", user=ada, channel=papers)
        assert "Next meetings" in await wait_for_answer(discord, asked)
        (attached,) = asked.responses[0]["attachments"]
        assert attached["filename"] == "meetings.ics"
        calendar: Any = Calendar.from_ical(discord.files["meetings.ics"])
        assert [event["DTSTART"].dt.hour for event in calendar.walk("VEVENT")] == [16]

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


def test_the_form_changes_the_digest_that_its_message_is_about(discord_runner: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        async def submit(message: Json, part: str, fields: Mapping[str, str | Sequence[str]]) -> Json:
            modal = await open_part(discord, message, part, ada, papers)
            sent = await discord.submit_modal(modal, fields, user=ada, channel=papers)
            await wait_for_answer(discord, sent)
            return sent.responses[0]

        async def run(command: str, **options: Any) -> Json:
            asked = await discord.run_command(f"digest {command}", user=ada, channel=papers, **options)
            await wait_for_answer(discord, asked)
            return {**asked.responses[0], "flags": 64}

        def find(name: str) -> Subscription:
            found = bot.store.subscriptions.find(channel_of(discord, papers), name)
            assert found
            return found

        await run("add", name_="friday agents", words="agents on fri top 10")
        only = await run("settings")
        assert "“friday agents”" in read_text(only)
        # Without a main digest, words that are not all understood are a draft of a new one.
        draft = await run("subscribe", domains="visoin", top=2)
        await submit(only, "how", {"repeat": "yes"})
        assert (find("friday agents").preferences.top, find("friday agents").preferences.repeat) == (10, True)
        await submit(draft, "when", {"at": "07:00", "every_weeks": "1"})
        assert (find("").preferences.top, f"{find('').schedule.at:%H:%M}") == (2, "07:00")

        # A refused form of one digest is no draft of the other.
        both = await run("settings")
        assert "Settings of “friday agents”" in read_text(both)
        refused = await submit(both, "what", {"categories": "visoin"})
        assert "did you mean" in read_text(refused)
        other = await discord.click_button(
            f"settings:{papers}:friday agents", user=ada, channel=papers, within=both
        )
        await wait_for_answer(discord, other)
        named = {**other.responses[0], "flags": 64}
        assert "“friday agents”" in (await open_part(discord, named, "what", ada, papers))["title"]
        assert "visoin" not in str(await open_part(discord, named, "what", ada, papers))
        assert "visoin" in str(await open_part(discord, refused, "what", ada, papers))
        await submit(named, "when", {"every_weeks": "2"})
        assert (find("friday agents").schedule.every_weeks, find("").schedule.every_weeks) == (2, 1)
        assert (find("friday agents").preferences.keywords, find("").preferences.keywords) == (("agent",), ())
        wrong = await submit(named, "what", {"categories": "robotiks"})
        assert "robotiks" in str(await open_part(discord, wrong, "what", ada, papers))
        assert "robotiks" not in str(await open_part(discord, refused, "what", ada, papers))
        assert "no digest “monday”" in read_text(await run("settings", name_="Monday"))
        assert "“friday agents”" in read_text(await run("settings", name_="Friday  Agents"))

        # A form renames it, and the button under its posts opens its settings.
        await submit(named, "name", {"new_name": "Weekly"})
        assert find("weekly").preferences.keywords == ("agent",)
        key = _post_page(bot.store, find("weekly"))
        row = {"type": 1, "components": [{"type": 2, "style": 2, "custom_id": f"settings:#{key}"}]}
        post = {**both, "flags": 0, "components": [row]}
        pressed = await discord.click_button(f"settings:#{key}", user=ada, channel=papers, within=post)
        assert "“weekly”" in await wait_for_answer(discord, pressed)
        await run("rename", name_="weekly", to="agents to watch")
        assert find("agents to watch").preferences.keywords == ("agent",)

    discord_runner.run_scenario(scenario)


def _post_page(store: Store, subscription: Subscription) -> str:
    """Store a page of a digest as it is before it is posted, and return its idempotency key."""
    now = datetime.now(UTC)
    claim = store.outbox.claim(subscription, now.date(), owner="test", now=now, lease=timedelta(hours=1))
    assert claim
    save_plan(store, claim, [PlannedPage(0, "k1", {}, (), in_thread=False)], watermark=0)
    return "k1"


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


def test_a_change_of_a_forum_is_told_to_its_person_alone_who_can_undo_it_there(
    discord_runner: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        forum = await discord.open_channel("reading", FORUM)
        other = await discord.open_channel("other")
        changed = await discord.run_command(
            "digest subscribe", user=ada, channel=papers, channel_=forum, top=2
        )
        await discord.wait_until(lambda: len(changed.responses) == 2)
        notice = {**changed.responses[1], "flags": 64}
        assert "ada subscribed this channel" in read_text(notice)
        assert changed.responses[1]["flags"] & 64
        bob = discord.add_user("bob")
        for person, answer in ((bob, "Only people who may manage this server"), (ada, "Done")):
            undone = await discord.click_button("undo:", user=person, channel=other, within=notice)
            assert answer in await wait_for_answer(discord, undone)
        await discord.wait_until(lambda: len(undone.responses) == 2)
        assert "ended this channel" in read_text(undone.responses[1])
        assert bot.store.subscriptions.find(channel_of(discord, forum)) is None
        assert discord.threads_of(forum) == []
        assert discord.messages_in(papers) == discord.messages_in(other) == []

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
        with pytest.raises(AssertionError, match="is not installed so"):
            await discord.run_command("digest today", user=ada, channel=papers, user_installed=True)

    discord_runner.run_scenario(scenario)
