"""What people do in Slack, and what they get wrong: look-ups, changes of the digest, mentions, links, their own page."""

import asyncio
from typing import Any

import pytest

from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.platforms.slack.processes import BotProcess, SlackScenarioRunner
from tests.fakes.slack import FakeSlack, SlackInteraction, read_text


async def answers(slack: FakeSlack, command: str, text: str, said: str, *, user: str, channel: str) -> None:
    """The command is answered with these words, in whichever of the messages that its answer takes."""
    asked = await slack.run_command(command, text, user=user, channel=channel)
    assert asked.is_acked
    try:
        await slack.wait_until(lambda: said.lower() in whole(asked).lower())
    except AssertionError:
        raise AssertionError(f"{command} {text}: no {said!r} in {whole(asked)!r}") from None
    assert all(response["response_type"] == "ephemeral" for response in asked.responses)


def whole(asked: SlackInteraction) -> str:
    """All that was answered so far, as the person reads it."""
    return "\n".join(read_text(response["blocks"]) for response in asked.responses)


async def reply(slack: FakeSlack, asked: SlackInteraction) -> dict[str, Any]:
    """The first message that comes back."""
    await slack.wait_until(lambda: asked.responses)
    return asked.responses[0]


async def note(slack: FakeSlack, channel: str, number: int) -> dict[str, Any]:
    """A message in the channel: the first is number 1."""
    await slack.wait_until(lambda: len(slack.messages_in(channel)) >= number)
    return slack.messages_in(channel)[number - 1]


def digest_of(bot: BotProcess, channel: str) -> Subscription | None:
    return bot.store.subscriptions.find(Channel("slack", channel, "T1"))


# Looking papers up.


def test_what_is_shared_takes_the_place_of_what_the_person_saw_and_unfurls_nothing(
    office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        asked = await slack.run_command("/paper", "2402.01306", user=ada, channel=papers)
        card = await reply(slack, asked)
        assert card["response_type"] == "ephemeral"
        assert "KTO" in read_text(card["blocks"])
        shared = await slack.click_button("share", user=ada, channel=papers, within=card)
        assert (await reply(slack, shared))["replace_original"] is True
        message = await note(slack, papers, 1)
        assert "Shared by ada" in read_text(message["blocks"])
        assert message["unfurled"] is False
        reviewed = await slack.click_button("review.1", user=ada, channel=papers, within=card)
        assert "Methodology" in read_text((await reply(slack, reviewed))["blocks"])
        await slack.add_reaction(ada, papers, message["ts"])  # What was shared can be marked.
        await slack.wait_until(lambda: "Discuss · 1" in read_text(message["blocks"]))

    office.run_scenario(scenario)


TYPED = [
    ("/paper", "", "/paper 2402.01306"),
    ("/paper", "9999.99999", "Nothing found"),
    ("/paper", "x" * 4000, "Nothing found"),
    ("/paper", "kto " * 1000, "KTO"),
    ("/paper", '“kto” 🤖 AND OR NOT title:* (NEAR/2 "', "KTO"),
    ("/paper", "'; DROP TABLE papers; --", "Did you mean one of these"),
    ("/paper", "🤖🤖🤖", "Nothing found"),
    ("/paper", "title:kto^9 +abstract:[a TO z] ~3 \\ /.*/", "KTO"),
    ("/paper", "<https://arxiv.org/abs/2402.01306|arxiv.org/abs/2402.01306>", "KTO"),
    ("/paper", "https://arxiv.org/pdf/2402.01306v3.pdf", "KTO"),
    ("/digest", "", "What you can type"),
    ("/digest", "subscribe visoin", "did you mean “vision”"),
    ("/digest", "subscribe at 25:00", "isn't a valid time"),
    ("/digest", "subscribe in Mars/Phobos", "no time zone"),
    ("/digest", "subscribe " + "x" * 4000, "I don't know what"),
    ("/digest", "subscribe <!channel>", "I don't know what"),
    ("/digest", "pause", "no digest yet"),
    ("/digest", "queue done 7", "is not in the queue"),
    ("/digest", "frobnicate", "/digest help"),
    ("/digest", "today", "new papers"),
    ("/digest", "top 2 in vision this month", "2 of"),
    ("/digest", "top 2 in cs.QQ", "cs.QQ"),
]


def test_whatever_is_typed_is_answered_and_nothing_breaks(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        for command, text, said in TYPED:
            await answers(slack, command, text, said, user=ada, channel=papers)
        assert slack.messages_in(papers) == []
        assert digest_of(bot, papers) is None

    office.run_scenario(scenario)


def test_untrusted_text_neither_pings_nor_links(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        for text in ("<!channel> <@U1> @everyone", "<https://evil.example|arxiv.org>"):
            asked = await slack.run_command("/paper", text, user=ada, channel=papers)
            said = str(await reply(slack, asked))
            assert "<!channel>" not in said
            assert "<@U1>" not in said
            assert "<https://evil" not in said

    office.run_scenario(scenario)


def test_a_hundred_commands_at_once_are_all_acknowledged_and_answered(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        commands = [
            slack.run_command("/paper", f"learning {n}", user=ada, channel=papers) for n in range(100)
        ]
        done = await asyncio.gather(*commands)
        assert all(one.is_acked for one in done)
        await slack.wait_until(lambda: all(one.responses for one in done))

    office.run_scenario(scenario)


# Changing a channel's digest.


def test_a_channel_is_subscribed_by_words_told_of_it_and_the_change_is_undone(
    office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await slack.run_command("/digest", "subscribe vision at 08:30 top 3 min 8", user=ada, channel=papers)
        told = await note(slack, papers, 1)
        assert "ada subscribed this channel" in read_text(told["blocks"])
        assert "08:30 (Europe/Berlin)" in read_text(told["blocks"])
        await slack.click_button("undo", user=ada, channel=papers, within=told)
        await note(slack, papers, 2)
        assert digest_of(bot, papers) is None
        again = await slack.click_button("undo", user=ada, channel=papers, within=told)
        assert "cannot be undone" in read_text((await reply(slack, again))["blocks"])

    office.run_scenario(scenario)


def test_words_are_understood_as_a_phone_writes_them(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        words = (
            "Subscribe  cs.CL, vision about “in-context learning”, ‘rlhf’ at 8:30 AM on Mon–Fri style Compact"
        )
        await slack.run_command("/digest", words, user=ada, channel=papers)
        await note(slack, papers, 1)
        known = digest_of(bot, papers)
        assert known
        assert known.preferences.domains == ("cs.CL", "vision")
        assert known.preferences.keywords == ("in-context learning", "rlhf")
        assert (f"{known.schedule.at:%H:%M}", known.preferences.style) == ("08:30", DigestStyle.COMPACT)
        assert known.schedule.days == frozenset(range(5))

    office.run_scenario(scenario)


def test_pause_resume_and_the_end_are_told_to_the_channel(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        for number, (verb, said) in enumerate(
            [
                ("subscribe top 3", "ada subscribed this channel"),
                ("pause", "ada paused this channel's digest."),
                ("resume", "ada resumed this channel's digest."),
                ("unsubscribe", "/digest subscribe everything top 3"),
            ],
            start=1,
        ):
            await answers(slack, "/digest", verb, "Done", user=ada, channel=papers)
            assert said in read_text((await note(slack, papers, number))["blocks"])

    office.run_scenario(scenario)


def test_the_form_says_what_is_wrong_beside_each_field_and_saves_what_is_right(
    office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        asked = await slack.run_command("/digest", "settings", user=ada, channel=papers)
        await slack.wait_until(lambda: asked.views)
        (form,) = asked.views
        wrong = {"domains": "visoin", "time_zone": "Mars/Phobos", "min_score": "11"}
        refused = await slack.submit_view(form, wrong, user=ada)
        assert refused.ack
        assert set(refused.ack["errors"]) == set(wrong)
        assert "vision" in refused.ack["errors"]["domains"]
        assert digest_of(bot, papers) is None
        for left_empty in ("time_zone", "days", "at"):  # Slack itself does not send a form without these.
            with pytest.raises(AssertionError, match="Slack asks to fill in"):
                await slack.submit_view(form, {left_empty: None}, user=ada)
        saved = await slack.submit_view(
            form, {"domains": "vision", "days": ["mon"], "style": "compact"}, user=ada
        )
        assert saved.is_acked
        assert "ada subscribed" in read_text((await note(slack, papers, 1))["blocks"])
        known = digest_of(bot, papers)
        assert known
        assert (known.preferences.domains, known.preferences.style) == (("vision",), DigestStyle.COMPACT)
        assert known.schedule.time_zone == "Europe/Berlin"

    office.run_scenario(scenario)


def test_only_admins_change_a_digest_where_the_settings_say_so(strict_office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        root = slack.add_user("root", is_admin=True)
        for person, text, said in (
            (ada, "subscribe vision", "Only workspace admins"),
            (ada, "settings", "no digest yet"),
            (root, "subscribe vision", "Done"),
            (ada, "unsubscribe", "Only workspace admins"),
            (ada, "settings", "Only workspace admins"),
            (ada, "settings", "from vision"),
            (ada, "held", "Only workspace admins"),
            (root, "held", "Nothing is on hold"),
            (ada, "top 2 in vision this month", "Deep Residual Learning"),
        ):
            await answers(slack, "/daily", text, said, user=person, channel=papers)
        told = await note(slack, papers, 1)
        refused = await slack.click_button("undo", user=ada, channel=papers, within=told)
        assert "Only workspace admins" in read_text((await reply(slack, refused))["blocks"])
        form = await slack.run_command("/daily", "settings", user=root, channel=papers)
        await slack.wait_until(lambda: form.views)
        sneaked = await slack.submit_view(form.views[0], {"domains": "cs.CL"}, user=ada)
        assert "Only workspace admins" in str(sneaked.ack)
        known = digest_of(bot, papers)
        assert known
        assert known.preferences.domains == ("vision",)

    strict_office.run_scenario(scenario)


def test_commands_have_the_names_that_the_settings_give_them(strict_office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await answers(slack, "/lookup", "", "/lookup 2402.01306", user=ada, channel=papers)
        await answers(slack, "/daily", "help", "/daily subscribe", user=ada, channel=papers)

    strict_office.run_scenario(scenario)


def test_a_channel_without_the_bot_is_told_to_invite_it_and_nothing_changes(
    office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        for private in (False, True):
            elsewhere = slack.add_channel("elsewhere", bot_in=False, is_private=private)
            invite = "/invite @paperround"
            await answers(slack, "/digest", "subscribe vision", invite, user=ada, channel=elsewhere)
            assert digest_of(bot, elsewhere) is None
            slack.channels[elsewhere].members.add(slack.bot_user)
            await slack.dispatch_event(type="member_joined_channel", user=slack.bot_user, channel=elsewhere)
            assert "/digest subscribe" in read_text((await note(slack, elsewhere, 1))["blocks"])
            await answers(slack, "/digest", "subscribe vision", "Done", user=ada, channel=elsewhere)

    office.run_scenario(scenario)


def test_in_a_direct_message_papers_are_looked_up_and_a_digest_is_sent_to_a_channel(
    office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await answers(slack, "/paper", "kto", "KTO", user=ada, channel="D7")
        await answers(slack, "/digest", "today", "new papers", user=ada, channel="D7")
        await answers(slack, "/digest", "subscribe vision", "invite me into one", user=ada, channel="D7")
        await answers(slack, "/digest", "settings", "invite me into one", user=ada, channel="D7")

    office.run_scenario(scenario)


# Everything else.


def test_a_mention_is_answered_with_help_for_the_person_alone(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        mention = {
            "type": "app_mention",
            "user": ada,
            "channel": papers,
            "text": "<@UBOT> hello",
            "ts": "1.1",
        }
        event = slack.build_event_body(mention)
        await slack.deliver_event(event)
        await slack.wait_until(lambda: "/digest subscribe" in slack.ephemeral_text(papers))
        await slack.deliver_event(event)  # Told again: it is not answered again.
        await slack.dispatch_event(**{**mention, "thread_ts": "1.0"})
        await slack.wait_until(lambda: any(one.get("thread_ts") == "1.0" for one in slack.ephemerals))
        assert [one.get("thread_ts") for one in slack.ephemerals if one["channel"] == papers] == [None, "1.0"]

    office.run_scenario(scenario)


def links_in(channel: str, user: str, **where: Any) -> dict[str, Any]:
    known, unknown = "https://arxiv.org/abs/2402.01306v2", "https://arxiv.org/abs/0000.00000"
    links = [{"domain": "arxiv.org", "url": url} for url in (known, unknown)]
    return {"type": "link_shared", "user": user, "channel": channel, "links": links, **where}


def test_an_arxiv_link_that_someone_pastes_gets_a_short_card(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await slack.dispatch_event(**links_in(papers, ada, message_ts="1.2"))
        await slack.wait_until(lambda: any(one.get("channel") == papers for one in slack.unfurls))
        (card,) = (one for one in slack.unfurls if one.get("channel") == papers)
        assert list(card["unfurls"]) == ["https://arxiv.org/abs/2402.01306v2"]
        assert "Discuss" not in str(card["unfurls"])
        await slack.dispatch_event(
            **links_in(papers, ada, unfurl_id=f"u-{papers}", source="composer", message_ts="Uxx")
        )
        await slack.wait_until(lambda: any(one.get("unfurl_id") == f"u-{papers}" for one in slack.unfurls))

    office.run_scenario(scenario)


def test_where_the_settings_want_no_cards_under_links_there_are_none(
    strict_office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        assert await slack.deliver_event(slack.build_event_body(links_in(papers, ada, message_ts="1.2")))
        await answers(slack, "/lookup", "kto", "KTO", user=ada, channel=papers)  # What came later is done.
        assert slack.calls_of("chat.unfurl") == []

    strict_office.run_scenario(scenario)


def test_an_event_that_nobody_listens_for_is_acknowledged_so_that_it_does_not_come_again(
    office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        assert await slack.deliver_event(
            slack.build_event_body({"type": "emoji_changed", "subtype": "add", "name": "x"})
        )
        assert await slack.deliver_event(
            slack.build_event_body({"type": "message", "channel": papers, "text": "hi"})
        )

    office.run_scenario(scenario)


def test_a_paper_that_a_person_links_to_is_marked_from_the_messages_menu(office: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        theirs = {"ts": "1.3", "text": "have you seen <https://arxiv.org/abs/2402.01306>?", "user": ada}
        for said in ("Marked for discussion", "taken back", "Marked for discussion"):
            marked = await slack.use_shortcut("mark_for_discussion", user=ada, channel=papers, message=theirs)
            assert said in read_text((await reply(slack, marked))["blocks"])
        nothing = {"ts": "1.4", "text": "lunch?", "user": ada}
        lost = await slack.use_shortcut("mark_for_discussion", user=ada, channel=papers, message=nothing)
        assert "no paper in this message" in read_text((await reply(slack, lost))["blocks"])

    office.run_scenario(scenario)


SHOW = {"type": "button", "action_id": "show"}


def test_a_persons_own_page_shows_their_marks_and_the_digests_and_looks_papers_up(
    office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        theirs = {"ts": "1.3", "text": "https://arxiv.org/abs/2402.01306", "user": ada}
        await reply(
            slack, await slack.use_shortcut("mark_for_discussion", user=ada, channel=papers, message=theirs)
        )
        await answers(slack, "/digest", "subscribe vision at 08:30", "Done", user=ada, channel=papers)
        await slack.dispatch_event(type="app_home_opened", user=ada, tab="messages", channel="D1")
        assert ada not in slack.homes
        await slack.dispatch_event(type="app_home_opened", user=ada, tab="home", channel="D1")
        await slack.wait_until(lambda: ada in slack.homes)
        home = slack.homes[ada]
        assert "KTO" in read_text(home["blocks"])
        assert f"<#{papers}> at 08:30 (Europe/Berlin)" in read_text(home["blocks"])
        shown = await slack.click_button("show", user=ada, within=home)
        await slack.wait_until(lambda: shown.views)
        assert "Limitations" in read_text(shown.views[0]["blocks"])
        review = await slack.click_button("review", user=ada, within=shown.views[0])
        await slack.wait_until(lambda: review.views)
        assert "Methodology" in read_text(review.views[0]["blocks"])
        back = await slack.click_button("discuss", user=ada, within=shown.views[0])
        await slack.wait_until(lambda: back.views)
        assert "Marked for discussion" in read_text(back.views[0]["blocks"])
        looked = await slack.click_button("look_up", user=ada, value="preference optimization", within=home)
        await slack.wait_until(lambda: looked.views)
        assert "share" not in str(looked.views[0]["blocks"])
        empty = await slack.click_button("look_up", user=ada, value="zzzzqqqq", within=home)
        await slack.wait_until(lambda: empty.views)
        assert "Nothing found" in read_text(empty.views[0]["blocks"])
        gone = {**home, "blocks": [{"type": "actions", "elements": [{**SHOW, "value": "0000.00000"}]}]}
        lost = await slack.click_button("show", user=ada, within=gone)
        await slack.wait_until(lambda: lost.views)
        assert "is not here any more" in read_text(lost.views[0]["blocks"])

    office.run_scenario(scenario)


def test_a_button_from_before_an_upgrade_says_that_it_does_nothing_any_more(
    office: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        old = {
            "ts": "1.1",
            "blocks": [
                {"type": "actions", "elements": [{"type": "button", "action_id": "vote-up", "value": "7"}]}
            ],
        }
        tapped = await slack.click_button("vote-up", user=ada, channel=papers, within=old)
        assert "older Paperround" in read_text((await reply(slack, tapped))["blocks"])

    office.run_scenario(scenario)
