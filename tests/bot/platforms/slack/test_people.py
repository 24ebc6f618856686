"""The rest of what people do in Slack: mentions, links, shortcuts, their own page, and what they get wrong."""

import asyncio
from pathlib import Path
from typing import Any

from digests.model import Style
from tests.bot.platforms.slack.processes import Bot
from tests.bot.platforms.slack.test_app import told
from tests.fakes.slack import FakeSlack, Interaction, read


async def answers(slack: FakeSlack, command: str, text: str, said: str, *, user: str, channel: str) -> None:
    """The command is answered with these words, in whichever of the messages that its answer takes."""
    asked = await slack.command(command, text, user=user, channel=channel)
    assert asked.acked
    try:
        await slack.until(lambda: said.lower() in whole(asked).lower())
    except AssertionError:
        raise AssertionError(f"{command} {text}: no {said!r} in {whole(asked)!r}") from None


def whole(asked: Interaction) -> str:
    """All that was answered so far, as the person reads it."""
    return "\n".join(read(response["blocks"]) for response in asked.responses)


def test_a_mention_a_link_a_shortcut_and_the_persons_own_page(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await slack.event(type="app_mention", user=ada, channel=papers, text="<@UBOT> hello", ts="1.1")
        await slack.until(lambda: slack.whispers)
        assert "/digest subscribe" in read(slack.whispers[0]["blocks"])

        links = [
            {"domain": "arxiv.org", "url": "https://arxiv.org/abs/2402.01306v2"},
            {"domain": "arxiv.org", "url": "https://arxiv.org/abs/0000.00000"},
        ]
        await slack.event(type="link_shared", user=ada, channel=papers, message_ts="1.2", links=links)
        await slack.until(lambda: slack.unfurls)
        assert list(slack.unfurls[0]["unfurls"]) == ["https://arxiv.org/abs/2402.01306v2"]

        theirs: dict[str, Any] = {
            "ts": "1.3",
            "text": "have you seen <https://arxiv.org/abs/2402.01306>?",
            "user": ada,
        }
        marked = await slack.shortcut("mark_for_discussion", user=ada, channel=papers, message=theirs)
        await slack.until(lambda: marked.responses)
        assert "Marked" in read(marked.responses[0]["blocks"])

        await slack.event(type="app_home_opened", user=ada, tab="home", channel="D1")
        await slack.until(lambda: slack.homes)
        home = slack.homes[ada]
        assert "KTO" in read(home["blocks"])
        assert "1 voice" in read(home["blocks"])
        await slack.click("look_up", user=ada, value="preference optimization", within=home)
        await slack.until(lambda: slack.views[-1]["type"] == "modal")
        assert "share" not in str(slack.views[-1]["blocks"])

    told(story, tmp_path)


TYPED = [
    ("/paper", "", "/paper 2402.01306"),
    ("/paper", "9999.99999", "Nothing found"),
    ("/paper", "x" * 4000, "Nothing found"),
    ("/paper", '“kto” 🤖 AND OR NOT title:* (NEAR/2 "', "KTO"),
    ("/paper", "'; DROP TABLE papers; --", "Did you mean one of these"),
    ("/paper", "<https://arxiv.org/abs/2402.01306|arxiv.org/abs/2402.01306>", "KTO"),
    ("/digest", "", "What you can type"),
    ("/digest", "subscribe visoin", "did you mean “vision”"),
    ("/digest", "subscribe at 25:00", "no time of day"),
    ("/digest", "subscribe in Mars/Phobos", "no time zone"),
    ("/digest", "pause", "no digest yet"),
    ("/digest", "frobnicate", "/digest help"),
    ("/digest", "today", "new papers"),
    ("/digest", "top 2 in vision this month", "2 of"),
]


def test_whatever_is_typed_is_answered_and_nothing_breaks(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        for command, text, said in TYPED:
            await answers(slack, command, text, said, user=ada, channel=papers)

    told(story, tmp_path)


def test_untrusted_text_neither_pings_nor_links(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        for text in ("<!channel> <@U1> @everyone", "<https://evil.example|arxiv.org>"):
            asked = await slack.command("/paper", text, user=ada, channel=papers)
            await slack.until(lambda asked=asked: asked.responses)  # type: ignore[misc]
            said = str(asked.responses)
            assert "<!channel>" not in said
            assert "<@U1>" not in said
            assert "<https://evil" not in said

    told(story, tmp_path)


def test_only_admins_change_a_digest_where_the_settings_say_so(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        root = slack.add_user("root", is_admin=True)
        for person, text, said in (
            (ada, "subscribe vision", "Only workspace admins"),
            (root, "subscribe vision", "Done"),
            (ada, "unsubscribe", "Only workspace admins"),
            (ada, "top 2 in vision this month", "Deep Residual Learning"),
        ):
            await answers(slack, "/digest", text, said, user=person, channel=papers)

    told(story, tmp_path, settings='who_may_change = "admins"')


def test_a_channel_without_the_bot_is_told_to_invite_it_and_nothing_changes(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        elsewhere = slack.add_channel("elsewhere", bot_in=False)
        invite = "/invite @paperround"
        await answers(slack, "/digest", "subscribe vision", invite, user=ada, channel=elsewhere)
        assert bot.store.subscriptions.all() == []
        slack.channels[elsewhere].members.add(slack.bot_user)
        await slack.event(type="member_joined_channel", user=slack.bot_user, channel=elsewhere)
        await slack.until(lambda: slack.messages(elsewhere))
        assert "/digest subscribe" in read(slack.messages(elsewhere)[0]["blocks"])

    told(story, tmp_path)


def test_commands_have_the_names_that_the_settings_give_them(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await answers(slack, "/lookup", "", "/lookup 2402.01306", user=ada, channel=papers)
        await answers(slack, "/daily", "help", "/daily subscribe", user=ada, channel=papers)

    told(story, tmp_path, settings='paper_command = "/lookup"\ndigest_command = "/daily"')


def test_a_button_from_before_an_upgrade_says_that_it_does_nothing_any_more(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        old = {
            "ts": "1.1",
            "blocks": [
                {"type": "actions", "elements": [{"type": "button", "action_id": "vote-up", "value": "7"}]}
            ],
        }
        tapped = await slack.click("vote-up", user=ada, channel=papers, within=old)
        await slack.until(lambda: tapped.responses)
        assert "older Paperround" in read(tapped.responses[0]["blocks"])

    told(story, tmp_path)


def test_pause_and_resume_are_told_to_the_channel(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        await slack.until(lambda: len(slack.messages(papers)) == 4)
        for number, (verb, said) in enumerate(
            [
                ("pause", "ada paused this channel's digest."),
                ("resume", "ada resumed this channel's digest."),
                ("unsubscribe", "/digest subscribe everything top 3"),
            ],
            start=5,
        ):
            await answers(slack, "/digest", verb, "Done", user=ada, channel=papers)
            await slack.until(lambda number=number: len(slack.messages(papers)) == number)  # type: ignore[misc]
            assert said in read(slack.messages(papers)[-1]["blocks"])

    told(story, tmp_path, style=Style.CARDS)


def test_a_hundred_commands_at_once_are_all_acknowledged_in_time(tmp_path: Path) -> None:
    async def story(slack: FakeSlack, bot: Bot, ada: str, papers: str) -> None:
        commands = [slack.command("/paper", f"learning {n}", user=ada, channel=papers) for n in range(100)]
        done = await asyncio.gather(*commands)
        assert all(one.acked for one in done)
        await slack.until(lambda: all(one.responses for one in done))

    told(story, tmp_path)
