"""What people can do in Discord, and what they get back: the same real process for all of it."""

import asyncio

import pytest

from digests.subscription import Channel, DigestStyle
from tests.bot.platforms.discord.processes import DiscordScenarioRunner, wait_for_answer
from tests.bot.platforms.processes import BotProcess
from tests.fakes.discord import FORUM, FakeDiscord, read_text


def channel(discord: FakeDiscord, papers: str) -> Channel:
    return Channel("discord", papers, discord.channels[papers].guild)


def test_a_paper_is_shown_to_the_person_alone_reviewed_and_shared_when_asked(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        asked = await discord.run_command("paper", user=ada, channel=papers, query="2402.01306")
        assert "KTO" in await wait_for_answer(discord, asked)
        assert asked.ack == {"type": 5, "data": {"flags": 64}}
        card = {**asked.responses[0], "flags": 64}
        reviewed = await discord.click_button("review:", user=ada, channel=papers, within=card)
        assert "Methodology" in await wait_for_answer(discord, reviewed)
        shared = await discord.click_button("share:", user=ada, channel=papers, within=card)
        assert "Shared with the channel" in await wait_for_answer(discord, shared)
        (message,) = discord.messages_in(papers)
        assert "Shared by ada" in read_text(message)
        marked = await discord.use_context_menu(
            "Mark for discussion", user=ada, channel=papers, message=message
        )
        assert "Marked for discussion" in await wait_for_answer(discord, marked)
        await discord.wait_until(lambda: "Discuss · 1" in read_text(message))

    office.run_scenario(scenario)


def test_papers_are_offered_while_they_are_typed_by_title_and_by_id(office: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        async def offered(text: str) -> list[str]:
            found = await discord.request_choices("paper", "query", text, user=ada, channel=papers)
            return [f"{choice['name']} = {choice['value']}" for choice in found]

        assert 20 <= len(await offered("")) <= 25
        assert any("2402.01306" in one for one in await offered("kto model align"))
        assert [one[-10:] for one in await offered("2402.013")] == ["2402.01306"]
        assert await offered("zzzz qqqq") == []
        assert await offered('"; DROP TABLE papers; --') is not None

    office.run_scenario(scenario)


def test_domains_and_time_zones_are_offered(office: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        async def offered(option: str, text: str) -> list[str]:
            found = await discord.request_choices("digest subscribe", option, text, user=ada, channel=papers)
            return [str(choice["value"]) for choice in found]

        assert (await offered("domains", "vis"))[0] == "vision"
        assert (await offered("domains", "cs.CL, rob"))[0] == "cs.CL, robotics"
        assert (await offered("time_zone", "berlin")) == ["Europe/Berlin"]
        assert "UTC" in await offered("time_zone", "")
        assert "mon, thu" in await offered("days", "mon")

    office.run_scenario(scenario)


def test_a_channel_is_subscribed_by_options_told_of_it_and_the_change_is_undone(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        done = await discord.run_command(
            "digest subscribe", user=ada, channel=papers, domains="vision, cs.CL", keywords="reward at top", leave_out="audio",
            top=3, min_score=7.5, at="08:30", days="mon, thu", time_zone="Europe/Berlin", style="compact",
        )  # fmt: skip
        assert "Done" in await wait_for_answer(discord, done)
        await discord.wait_until(lambda: discord.messages_in(papers))
        (note,) = discord.messages_in(papers)
        assert "ada subscribed this channel" in read_text(note)
        known = bot.store.subscriptions.find(channel(discord, papers))
        assert known
        assert (known.preferences.domains, known.preferences.keywords, known.preferences.muted) == (
            ("vision", "cs.CL"),
            ("reward at top",),
            ("audio",),
        )
        assert (known.preferences.top, known.preferences.min_score, known.preferences.style) == (
            3,
            7.5,
            DigestStyle.COMPACT,
        )
        assert (f"{known.schedule.at:%H:%M}", known.schedule.days, known.schedule.time_zone) == (
            "08:30",
            frozenset({0, 3}),
            "Europe/Berlin",
        )
        undone = await discord.click_button("undo:", user=ada, channel=papers, within=note)
        assert "Done" in await wait_for_answer(discord, undone)
        assert bot.store.subscriptions.find(channel(discord, papers)) is None
        again = await discord.click_button("undo:", user=ada, channel=papers, within=note)
        assert "cannot be undone" in await wait_for_answer(discord, again)

    office.run_scenario(scenario)


def test_the_form_says_what_is_wrong_keeps_what_was_typed_and_saves_what_is_right(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        asked = await discord.run_command("digest subscribe", user=ada, channel=papers)
        assert asked.modal
        wrong = await discord.submit_modal(
            asked.modal, {"domains": "visoin", "keywords": "“reward”, top 3"}, user=ada, channel=papers
        )
        assert "did you mean “vision”" in await wait_for_answer(discord, wrong)
        again = await discord.click_button(
            "settings:", user=ada, channel=papers, within={**wrong.responses[0], "flags": 64}
        )
        assert again.modal
        assert "visoin" in str(again.modal)
        values = {"domains": "vision", "how": "top 2 style thread", "when": "daily at 7:15 pm in Asia/Tokyo"}
        saved = await discord.submit_modal(again.modal, values, user=ada, channel=papers)
        assert "Done" in await wait_for_answer(discord, saved)
        known = bot.store.subscriptions.find(channel(discord, papers))
        assert known
        assert (known.preferences.domains, known.preferences.top, known.preferences.style) == (
            ("vision",),
            2,
            DigestStyle.THREAD,
        )
        assert (f"{known.schedule.at:%H:%M}", known.schedule.time_zone) == ("19:15", "Asia/Tokyo")
        shown = await discord.run_command("digest settings", user=ada, channel=papers)
        assert "top 3" in str(shown.modal)  # The keyword that was typed.
        emptied = {
            "domains": "",
            "keywords": "",
            "muted": "",
            "how": "top 2",
            "when": "daily at 7:15 pm in Asia/Tokyo",
        }
        await wait_for_answer(
            discord, await discord.submit_modal(shown.modal or {}, emptied, user=ada, channel=papers)
        )
        cleared = bot.store.subscriptions.find(channel(discord, papers))
        assert cleared
        assert (cleared.preferences.domains, cleared.preferences.keywords) == ((), ())

    office.run_scenario(scenario)


def test_another_channel_can_be_subscribed_and_one_that_is_closed_to_us_cannot(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        forum = await discord.open_channel("reading", FORUM)
        done = await discord.run_command("digest subscribe", user=ada, channel=papers, channel_=forum, top=2)
        assert "Done" in await wait_for_answer(discord, done)
        assert bot.store.subscriptions.find(channel(discord, forum))
        shut = await discord.open_channel("shut", denied=("send_messages", "embed_links"))
        for here, options in ((papers, {"channel_": shut, "top": 2}), (shut, {"top": 2})):
            refused = await discord.run_command("digest subscribe", user=ada, channel=here, **options)
            assert "Send Messages and Embed Links" in await wait_for_answer(discord, refused)
        assert bot.store.subscriptions.find(channel(discord, shut)) is None

    office.run_scenario(scenario)


def test_only_who_may_manage_the_server_changes_a_digest(office: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        bob = discord.add_user("bob")
        for command in ("digest pause", "digest unsubscribe", "digest settings", "digest held"):
            refused = await discord.run_command(command, user=bob, channel=papers)
            assert "Only people who may manage this server" in await wait_for_answer(discord, refused), (
                command
            )
        await wait_for_answer(
            discord, await discord.run_command("digest subscribe", user=ada, channel=papers, top=1)
        )
        await discord.wait_until(lambda: discord.messages_in(papers))
        undone = await discord.click_button(
            "undo:", user=bob, channel=papers, within=discord.messages_in(papers)[0]
        )
        assert "Only people who may manage this server" in await wait_for_answer(discord, undone)
        assert bot.store.subscriptions.find(channel(discord, papers))
        today = await discord.run_command("digest today", user=bob, channel=papers)
        assert "new papers" in await wait_for_answer(discord, today)

    office.run_scenario(scenario)


def test_a_look_up_works_in_direct_messages_and_where_only_the_person_installed_the_app(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        for here in (discord.open_dm(ada), papers):
            asked = await discord.run_command(
                "paper", user=ada, channel=here, user_installed=True, query="kto"
            )
            assert "Limitations" in await wait_for_answer(discord, asked)
            assert "Share" not in await wait_for_answer(discord, asked)
            marked = await discord.click_button(
                "discuss:", user=ada, channel=here, within=asked.responses[0], user_installed=True
            )
            assert "Marked for discussion" in await wait_for_answer(discord, marked)
        with pytest.raises(AssertionError, match="not there in such a channel"):
            await discord.run_command("digest today", user=ada, channel=discord.open_dm(ada))

    office.run_scenario(scenario)


ANSWERS = [
    ("paper", {"query": "9999.99999"}, "Nothing found"),
    ("paper", {"query": "x" * 300}, "Nothing found"),
    ("paper", {"query": "“kto” 🤖 AND OR NOT title:* (NEAR/2 \""}, ""),
    ("paper", {"query": "@everyone <@1> https://evil.example"}, ""),
    ("digest help", {}, "What you can type"),
    ("digest pause", {}, "no digest yet"),
    ("digest subscribe", {"domains": "visoin"}, "did you mean “vision”"),
    ("digest subscribe", {"at": "25:00"}, "isn't a valid time"),
    ("digest subscribe", {"time_zone": "Mars/Phobos"}, "no time zone"),
    ("digest top", {"papers": 2, "domain": "vision", "span": "this month"}, "2 of"),
    ("digest top", {"domain": "visoin"}, "did you mean 'vision'"),
    ("digest queue", {"done": "99"}, "not in the queue"),
]  # fmt: skip


def test_whatever_is_typed_is_answered_and_nothing_breaks(office: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        for command, options, said in ANSWERS:
            asked = await discord.run_command(command, user=ada, channel=papers, **options)  # type: ignore[arg-type]
            answered = await wait_for_answer(discord, asked)
            assert answered
            assert said in answered, (command, options)

    office.run_scenario(scenario)


def test_buttons_of_old_messages_and_of_papers_that_are_gone_say_so(office: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        for custom_id, said in (
            ("vote-up", "older Paperround"),
            ("review:2401.99999", "not here any more"),
            ("undo:x", "older Paperround"),
            ("discuss:" + "x" * 92, "Marked for discussion"),
        ):
            row = {"type": 1, "components": [{"type": 2, "style": 2, "label": "x", "custom_id": custom_id}]}
            old = {**discord.add_message(papers), "components": [row]}
            tapped = await discord.click_button(custom_id, user=ada, channel=papers, within=old)
            assert said in await wait_for_answer(discord, tapped)

    office.run_scenario(scenario)


def test_a_paper_that_a_person_links_to_can_be_marked_and_taken_off_the_queue(
    office: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        theirs = discord.add_message(papers, "have you seen https://arxiv.org/abs/2402.01306?", author=ada)
        marked = await discord.use_context_menu(
            "Mark for discussion", user=ada, channel=papers, message=theirs
        )
        assert "Marked for discussion" in await wait_for_answer(discord, marked)
        queue = await discord.run_command("digest queue", user=ada, channel=papers)
        assert "KTO" in await wait_for_answer(discord, queue)
        shown = {**queue.responses[0], "flags": 64}
        await discord.click_button("discussed:2402.01306", user=ada, channel=papers, within=shown)
        await discord.wait_until(lambda: "KTO" not in read_text(shown))
        nothing = discord.add_message(papers, "lunch?", author=ada)
        refused = await discord.use_context_menu(
            "Mark for discussion", user=ada, channel=papers, message=nothing
        )
        assert "no paper in this message" in await wait_for_answer(discord, refused)

    office.run_scenario(scenario)


def test_a_hundred_commands_at_once_are_all_answered(office: DiscordScenarioRunner) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        asked = [
            discord.run_command("paper", user=ada, channel=papers, query=f"learning {number}")
            for number in range(100)
        ]
        for one in await asyncio.gather(*asked):
            assert await wait_for_answer(discord, one)

    office.run_scenario(scenario)
