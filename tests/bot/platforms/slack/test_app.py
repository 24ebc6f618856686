"""The bot in Slack where Slack differs from other platforms: a real process against a strict fake."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.conversation.fair_use import USE_LIMITS, Use
from bot.platforms.slack.listeners.requests import acknowledge_first
from digests.model import Post
from digests.ports import Store
from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.platforms.processes import render_deciders
from tests.bot.platforms.slack.processes import (
    BotProcess,
    SlackScenarioRunner,
    create_patient_slack,
    run_bot,
)
from tests.fakes.slack import FakeSlack, SlackInteraction, read_text


async def expect_answer(
    slack: FakeSlack, command: str, text: str, answer: str, *, user: str, channel: str
) -> None:
    """Type a command and wait for a text in the messages or the form that answer it, regardless of case."""
    reply = await slack.run_command(command, text, user=user, channel=channel)
    assert reply.is_acked
    try:
        await slack.wait_until(lambda: answer.lower() in text_of_reply(reply).lower())
    except AssertionError:
        raise AssertionError(f"{command} {text}: no {answer!r} in {text_of_reply(reply)!r}") from None
    assert all(response["response_type"] == "ephemeral" for response in reply.responses)


def text_of_reply(reply: SlackInteraction) -> str:
    return "\n".join(read_text(shown["blocks"]) for shown in (*reply.responses, *reply.views))


async def wait_for_reply(slack: FakeSlack, reply: SlackInteraction) -> dict[str, Any]:
    """Wait for the first message of a reply."""
    await slack.wait_until(lambda: reply.responses)
    return reply.responses[0]


async def wait_for_message(slack: FakeSlack, channel: str, number: int) -> dict[str, Any]:
    """Wait for a message of the channel; the first is number 1."""
    await slack.wait_until(lambda: len(slack.messages_in(channel)) >= number)
    return slack.messages_in(channel)[number - 1]


def find_subscription(bot: BotProcess, channel: str) -> Subscription | None:
    return bot.store.subscriptions.find(Channel("slack", channel, "T1"))


# Digests.


def test_every_message_of_a_digest_notifies_unfurls_nothing_and_carries_its_key(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        messages = slack.messages_in(papers)
        assert "papers" in messages[0]["text"]
        assert all(message["text"] and not message["unfurled"] for message in messages)
        assert len({message["metadata"]["event_payload"]["key"] for message in messages}) == 4

    slack_runner.run_scenario(scenario, DigestStyle.CARDS)


def test_the_cards_of_a_thread_digest_reply_to_its_list(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        listing, *cards = slack.messages_in(papers)
        assert len(cards) == 3
        assert {card["thread_ts"] for card in cards} == {listing["ts"]}

    slack_runner.run_scenario(scenario, DigestStyle.THREAD)


def test_a_digest_stops_while_its_channel_is_archived_or_the_bot_is_not_in_it(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await bot.wait_for_log("delivered", papers)
        for stop_event, reason, start_event, by in (
            ("channel_archive", "the channel was archived", "channel_unarchive", ada),
            ("group_left", "Paperround was removed", "member_joined_channel", slack.bot_user),
            ("channel_deleted", "the channel was deleted", "member_joined_channel", slack.bot_user),
        ):
            await slack.dispatch_event(type=stop_event, channel=papers, user=ada)
            await bot.wait_for_log(papers, "gets no more digests", reason)
            known = find_subscription(bot, papers)
            assert known
            assert reason in known.stop_reason
            await slack.dispatch_event(type=start_event, channel=papers, user=by)
            await bot.wait_until(
                lambda _: (known := find_subscription(bot, papers)) and not known.stop_reason
            )
        await bot.wait_for_log(papers, "takes digests again")

    slack_runner.run_scenario(scenario, DigestStyle.CARDS)


# Commands.


def test_a_shared_card_replaces_the_private_one_and_unfurls_nothing(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        reply = await slack.run_command("/paper", "2402.01306", user=ada, channel=papers)
        card = await wait_for_reply(slack, reply)
        shared = await slack.click_button("share", user=ada, channel=papers, within=card)
        assert (await wait_for_reply(slack, shared))["replace_original"] is True
        assert (await wait_for_message(slack, papers, 1))["unfurled"] is False
        reviewed = await slack.click_button("review", user=ada, channel=papers, within=card)
        assert "Methodology" in read_text((await wait_for_reply(slack, reviewed))["blocks"])

    slack_runner.run_scenario(scenario)


def test_a_full_review_opens_from_the_menu_of_a_compact_digest(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        digest = await wait_for_message(slack, papers, 1)
        (menu,) = (
            element for element in digest["blocks"][-1]["elements"] if element["type"] == "static_select"
        )
        option = menu["options"][0]
        opened = await slack.click_button(
            menu["action_id"], user=ada, channel=papers, value=option["value"], within=digest
        )
        title = option["text"]["text"].removeprefix("1. ")
        assert title in read_text((await wait_for_reply(slack, opened))["blocks"])

    slack_runner.run_scenario(scenario, DigestStyle.COMPACT)


COMMANDS = [
    ("/paper", "", "/paper 2402.01306"),
    ("/paper", "x" * 4000, "Nothing found"),
    ("/paper", "kto " * 1000, "KTO"),
    ("/paper", "<https://arxiv.org/abs/2402.01306|arxiv.org/abs/2402.01306>", "KTO"),
    ("/digest", "", "What you can type"),
    ("/digest", "subscribe " + "x" * 4000, "I don't know what"),
    ("/digest", "subscribe <!channel>", "I don't know what"),
    ("/digest", "queue done 7", "is not in the queue"),
    ("/digest", "frobnicate", "/digest help"),
]


def test_free_text_after_a_command_is_always_answered(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        for command, text, answer in COMMANDS:
            await expect_answer(slack, command, text, answer, user=ada, channel=papers)
        assert slack.messages_in(papers) == []
        assert find_subscription(bot, papers) is None

    slack_runner.run_scenario(scenario)


def test_untrusted_text_neither_pings_nor_links(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        for text in ("<!channel> <@U1> @everyone", "<https://evil.example|arxiv.org>"):
            reply = await slack.run_command("/paper", text, user=ada, channel=papers)
            answer = str(await wait_for_reply(slack, reply))
            assert "<!channel>" not in answer
            assert "<@U1>" not in answer
            assert "<https://evil" not in answer

    slack_runner.run_scenario(scenario)


def test_subscribe_words_may_be_written_as_a_phone_writes_them(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        words = (
            "Subscribe  cs.CL, vision about “in-context learning”, ‘rlhf’ at 8:30 AM on Mon–Fri style Compact"
        )
        await slack.run_command("/digest", words, user=ada, channel=papers)
        await wait_for_message(slack, papers, 1)
        known = find_subscription(bot, papers)
        assert known
        assert known.preferences.domains == ("cs.CL", "vision")
        assert known.preferences.keywords == ("in-context learning", "rlhf")
        assert known.preferences.style is DigestStyle.COMPACT
        assert known.schedule.days == frozenset(range(5))
        # The time zone is the one of Ada's profile.
        assert (f"{known.schedule.at:%H:%M}", known.schedule.time_zone) == ("08:30", "Europe/Berlin")

    slack_runner.run_scenario(scenario)


def test_the_form_shows_each_error_beside_its_field(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        opened = await slack.run_command("/digest", "settings", user=ada, channel=papers)
        await slack.wait_until(lambda: opened.views)
        (form,) = opened.views
        wrong = {"domains": "visoin", "min_score": "11"}
        refused = await slack.submit_view(form, wrong, user=ada)
        assert refused.ack
        assert set(refused.ack["errors"]) == set(wrong)
        assert "vision" in refused.ack["errors"]["domains"]
        assert find_subscription(bot, papers) is None
        for required in ("time_zone", "days", "at"):  # Slack itself does not send a form without these.
            with pytest.raises(AssertionError, match="Slack asks to fill in"):
                await slack.submit_view(form, {required: None}, user=ada)
        saved = await slack.submit_view(form, {"days": ["mon"]}, user=ada)
        assert saved.is_acked
        await wait_for_message(slack, papers, 1)
        known = find_subscription(bot, papers)
        assert known
        assert known.schedule.days == frozenset({0})
        assert known.schedule.time_zone == "Europe/Berlin"

    slack_runner.run_scenario(scenario)


def test_the_form_finds_a_time_zone_by_city_and_abbreviation(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        opened = await slack.run_command("/digest", "settings", user=ada, channel=papers)
        await slack.wait_until(lambda: opened.views)
        form = opened.views[0]

        async def suggest(typed: str) -> list[str]:
            options = await slack.type_in_select(form, "time_zone", typed, user=ada)
            return [option["value"] for option in options]

        assert "UTC" in await suggest("")
        assert (await suggest("CET"))[0] == "Europe/Berlin"
        assert await suggest("nowhere at all") == []
        assert (await suggest("mumb")) == ["Asia/Kolkata"]
        saved = await slack.submit_view(form, {"time_zone": "Asia/Kolkata"}, user=ada)
        assert saved.is_acked
        known = find_subscription(bot, papers)
        assert known
        assert known.schedule.time_zone == "Asia/Kolkata"
        # A person who types too much gets no suggestions, and the form stays.
        assert [] in await asyncio.gather(*(suggest("paris") for _ in range(200)))

    slack_runner.run_scenario(scenario)


def test_the_form_of_a_channel_with_two_digests_lets_people_choose_one(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        alone = await slack.run_command("/digest", "settings", user=ada, channel=papers)
        await slack.wait_until(lambda: alone.views)
        assert "Which digest" not in str(alone.views[0])
        assert "another digest" not in str(alone.views[0])
        await expect_answer(slack, "/digest", "subscribe vision top 3", "Done", user=ada, channel=papers)
        await expect_answer(slack, "/digest", "add agents about agents", "Done", user=ada, channel=papers)
        opened = await slack.run_command("/digest", "settings", user=ada, channel=papers)
        await slack.wait_until(lambda: opened.views)
        form = opened.views[0]
        await slack.click_button("form_digest", user=ada, value="name:agents", within=form)
        await slack.wait_until(lambda: "“agents” of #" in str(slack.views[-1]))
        changes = {"top": "4", "every_weeks": "2", "repeat": "yes", "new_name": "Weekly Agents"}
        saved = await slack.submit_view(slack.views[-1], changes, user=ada)
        assert saved.is_acked
        agents = bot.store.subscriptions.find(Channel("slack", papers, slack.team_id), "weekly agents")
        assert agents
        assert (agents.preferences.top, agents.preferences.repeat) == (4, True)
        assert agents.schedule.every_weeks == 2
        main = find_subscription(bot, papers)
        assert main
        assert (main.preferences.top, main.schedule.every_weeks) == (3, 1)

    slack_runner.run_scenario(scenario)


def test_a_form_opened_by_an_admin_cannot_be_sent_by_another_person(
    strict_slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        root = slack.add_user("root", is_admin=True)
        await expect_answer(slack, "/daily", "settings", "no digest here yet", user=ada, channel=papers)
        await expect_answer(slack, "/daily", "subscribe vision", "Done", user=root, channel=papers)
        await expect_answer(slack, "/daily", "settings", "from vision", user=ada, channel=papers)
        form = await slack.run_command("/daily", "settings", user=root, channel=papers)
        await slack.wait_until(lambda: form.views)
        sent = await slack.submit_view(form.views[0], {"domains": "cs.CL"}, user=ada)
        assert "not valid any more" in str(sent.ack)
        known = find_subscription(bot, papers)
        assert known
        assert known.preferences.domains == ("vision",)

    strict_slack_runner.run_scenario(scenario)


def test_commands_have_the_names_of_the_settings(strict_slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await expect_answer(slack, "/lookup", "", "/lookup 2402.01306", user=ada, channel=papers)
        await expect_answer(slack, "/daily", "help", "/daily subscribe", user=ada, channel=papers)

    strict_slack_runner.run_scenario(scenario)


def test_a_channel_without_the_bot_is_asked_to_invite_it(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        for private in (False, True):
            elsewhere = slack.add_channel("elsewhere", bot_in=False, is_private=private)
            invite = "/invite @paperround"
            for text in ("subscribe vision", "settings", "resume", "start", " START "):
                await expect_answer(slack, "/digest", text, invite, user=ada, channel=elsewhere)
            assert find_subscription(bot, elsewhere) is None
            slack.channels[elsewhere].members.add(slack.bot_user)
            await slack.dispatch_event(type="member_joined_channel", user=slack.bot_user, channel=elsewhere)
            welcome = await wait_for_message(slack, elsewhere, 1)
            assert "/digest subscribe" in read_text(welcome["blocks"])
            await expect_answer(slack, "/digest", "subscribe vision", "Done", user=ada, channel=elsewhere)

    slack_runner.run_scenario(scenario)


def test_a_direct_message_answers_look_ups_and_takes_no_subscription(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        for command, text, answer in (
            ("/paper", "kto", "KTO"),
            ("/digest", "today", "papers"),
            ("/digest", "subscribe vision", "open them under Apps"),
            ("/digest", "settings", "open them under Apps"),
        ):
            await expect_answer(slack, command, text, answer, user=ada, channel="D7")

    slack_runner.run_scenario(scenario)


# Events.


def test_a_mention_is_answered_privately_with_help(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        mention = {
            "type": "app_mention", "user": ada, "channel": papers, "text": "<@UBOT> hello", "ts": "1.1",
        }  # fmt: skip
        event = slack.build_event_body(mention)
        await slack.deliver_event(event)
        await slack.wait_until(lambda: "/digest subscribe" in slack.ephemeral_text(papers))
        await slack.deliver_event(event)  # A redelivered event is not answered again.
        await slack.dispatch_event(**{**mention, "thread_ts": "1.0"})
        await slack.wait_until(lambda: any(sent.get("thread_ts") == "1.0" for sent in slack.ephemerals))
        threads = [sent.get("thread_ts") for sent in slack.ephemerals if sent["channel"] == papers]
        assert threads == [None, "1.0"]

    slack_runner.run_scenario(scenario)


def test_a_mention_with_words_is_a_look_up(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        words = "<@UBOT> have you seen KTO?"
        await slack.dispatch_event(type="app_mention", user=ada, channel=papers, text=words, ts="1.1")
        await slack.wait_until(lambda: "Prospect Theoretic" in slack.ephemeral_text(papers))

    slack_runner.run_scenario(scenario)


def test_a_question_in_a_cards_thread_is_answered_once_and_to_the_person_alone(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        card = Post(Channel("slack", papers, "T1"), "5.1", ("2402.01306",), {"text": "a card"})
        bot.store.posts.record_shared(card, now=datetime.now(UTC))

        def write(ts: str, text: str, **changes: Any) -> dict[str, Any]:
            message = {"type": "message", "channel_type": "channel", "channel": papers, "user": ada}
            event: dict[str, Any] = {**message, "thread_ts": "5.1", "ts": ts, "text": text, **changes}
            return slack.build_event_body(event)

        question = "what are its limitations?"
        for body in (
            write("5.2", question, bot_id="B9"),
            write("5.2", question, user=slack.bot_user),
            write("5.3", question, subtype="message_changed"),
            write("5.4", f"<@{ada}> has prospect theoretic optimization any limitations?"),
            write("5.5", f"{question}", thread_ts="4.1"),
            write("5.6", question, thread_ts=None),
            write("5.1", question),  # The card itself, as the first message of its thread.
            write("5.7", "<!here> is there code?"),
            write("5.8", "shall we meet at noon?"),
        ):
            await slack.deliver_event(body)
        asked = write("5.9", question)
        await slack.deliver_event(asked)
        await slack.deliver_event(asked)
        await slack.deliver_event(write("5.9", question))  # The same message in another event.
        last = write("6.1", "limitations &amp; results?", subtype="thread_broadcast")
        await slack.deliver_event(last)
        await slack.wait_until(lambda: any("results?" in sent["text"] for sent in slack.ephemerals))
        answers = [sent for sent in slack.ephemerals if sent["channel"] == papers]
        assert [(sent["user"], sent["thread_ts"]) for sent in answers] == [(ada, "5.1")] * 2
        assert [sent["text"].rpartition(": ")[2] for sent in answers] == [
            question,
            "limitations &amp; results?",
        ]
        assert "Limitation" in read_text(answers[0]["blocks"])
        assert slack.messages_in(papers) == []

    slack_runner.run_scenario(scenario)


def test_a_direct_message_is_a_look_up(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        direct = slack.add_channel("direct")
        message = {"type": "message", "channel_type": "im", "channel": direct, "ts": "1.1"}
        event = slack.build_event_body({**message, "user": ada, "text": "limitations of KTO?"})
        await slack.deliver_event({**event, "event": {**event["event"], "bot_id": "B1"}, "event_id": "Ev0"})
        await slack.deliver_event(event)
        await slack.deliver_event(event)
        await slack.wait_until(lambda: bool(slack.channels[direct].messages))
        (answer,) = slack.channels[direct].messages
        assert answer["text"].startswith("Limitations of KTO")

    slack_runner.run_scenario(scenario)


def build_link_event(channel: str, user: str, **where: Any) -> dict[str, Any]:
    known, unknown = "https://arxiv.org/abs/2402.01306v2", "https://arxiv.org/abs/0000.00000"
    links = [{"domain": "arxiv.org", "url": url} for url in (known, unknown)]
    return {"type": "link_shared", "user": user, "channel": channel, "links": links, **where}


def test_a_pasted_arxiv_link_gets_a_short_card(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        await slack.dispatch_event(**build_link_event(papers, ada, message_ts="1.2"))
        await slack.wait_until(lambda: any(sent.get("channel") == papers for sent in slack.unfurls))
        (card,) = (sent for sent in slack.unfurls if sent.get("channel") == papers)
        assert list(card["unfurls"]) == ["https://arxiv.org/abs/2402.01306v2"]
        assert "Discuss" not in str(card["unfurls"])
        await slack.dispatch_event(
            **build_link_event(papers, ada, unfurl_id=f"u-{papers}", source="composer", message_ts="Uxx")
        )
        await slack.wait_until(lambda: any(sent.get("unfurl_id") == f"u-{papers}" for sent in slack.unfurls))

    slack_runner.run_scenario(scenario)


def test_a_person_who_pastes_on_and_on_gets_no_more_cards(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        eve, cards = slack.add_user("eve"), 2 * USE_LIMITS[Use.LINK].person.burst
        for number in range(cards):
            await slack.dispatch_event(**build_link_event(papers, eve, message_ts=f"{number}.1"))
        await slack.dispatch_event(**build_link_event(papers, ada, message_ts="99.2"))
        await slack.wait_until(lambda: any(sent.get("ts") == "99.2" for sent in slack.unfurls))
        assert sum(sent.get("channel") == papers for sent in slack.unfurls) < cards

    slack_runner.run_scenario(scenario)


def test_links_get_no_cards_when_the_settings_turn_them_off(strict_slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        event = build_link_event(papers, ada, message_ts="1.2")
        assert await slack.deliver_event(slack.build_event_body(event))
        # A later command is answered, so the event is done.
        await expect_answer(slack, "/lookup", "kto", "KTO", user=ada, channel=papers)
        assert slack.calls_of("chat.unfurl") == []

    strict_slack_runner.run_scenario(scenario)


def test_an_event_without_a_listener_is_acknowledged(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        for event in (
            {"type": "emoji_changed", "subtype": "add", "name": "x"},
            {"type": "message", "channel_type": "mpim", "channel": papers, "text": "hi"},
        ):
            assert await slack.deliver_event(slack.build_event_body(event))

    slack_runner.run_scenario(scenario)


SHOW_BUTTON = {"type": "button", "action_id": "show"}


def test_the_home_page_shows_marks_and_digests_and_looks_papers_up(tmp_path: Path) -> None:
    async def scenario(slack: FakeSlack, ada: str, papers: str, decider: str) -> None:
        async def open_view(action: str, within: dict[str, Any], value: str | None = None) -> dict[str, Any]:
            clicked = await slack.click_button(action, user=ada, value=value, within=within)
            await slack.wait_until(lambda: clicked.views)
            return clicked.views[0]

        message = {"ts": "1.3", "text": "https://arxiv.org/abs/2402.01306", "user": ada}
        await wait_for_reply(
            slack, await slack.use_shortcut("mark_for_discussion", user=ada, channel=papers, message=message)
        )
        await expect_answer(slack, "/digest", "subscribe vision at 08:30", "Done", user=ada, channel=papers)
        await slack.dispatch_event(type="app_home_opened", user=ada, tab="messages", channel="D1")
        assert ada not in slack.homes
        await slack.dispatch_event(type="app_home_opened", user=ada, tab="home", channel="D1")
        await slack.wait_until(lambda: ada in slack.homes)
        home = slack.homes[ada]
        assert "For the operator" not in read_text(home["blocks"])
        await slack.dispatch_event(type="app_home_opened", user=decider, tab="home", channel="D2")
        await slack.wait_until(lambda: decider in slack.homes)
        assert "Digests: 1 running." in read_text(slack.homes[decider]["blocks"])
        assert "KTO" in read_text(home["blocks"])
        assert f"<#{papers}> at 08:30 (Europe/Berlin)" in read_text(home["blocks"])
        card = await open_view("show", home)
        assert "Limitations" in read_text(card["blocks"])
        assert "Methodology" in read_text((await open_view("review", card))["blocks"])
        assert "Your mark is taken back" in read_text((await open_view("discuss", card))["blocks"])
        found = await open_view("look_up", home, "preference optimization")
        assert "share" not in str(found["blocks"])
        assert "Nothing found" in read_text((await open_view("look_up", home, "zzzzqqqq"))["blocks"])
        gone = {**home, "blocks": [{"type": "actions", "elements": [{**SHOW_BUTTON, "value": "0000.00000"}]}]}
        assert "is not here any more" in read_text((await open_view("show", gone))["blocks"])

    async def run() -> None:
        async with create_patient_slack() as slack:
            ada, papers, decider = slack.add_user("ada"), slack.add_channel("papers"), slack.add_user("dora")
            async with run_bot(slack, tmp_path, settings=render_deciders(f"slack:T1:{decider}")):
                await scenario(slack, ada, papers, decider)

    asyncio.run(run())


def has_removal(store: Store) -> bool:
    return bool(store.workspaces.list_removed(before=datetime(9999, 1, 1, tzinfo=UTC)))


def test_a_revoked_token_is_logged_and_the_bot_reconnects_when_it_is_valid_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with create_patient_slack() as slack:
            slack.add_channel("papers")
            async with run_bot(slack, tmp_path) as bot:
                slack.token_error = "token_revoked"
                await slack.dispatch_event(type="tokens_revoked", tokens={"bot": [slack.bot_user]})
                await bot.wait_for_log("took the app's rights away")
                await bot.wait_until(has_removal)
                await slack.disconnect_sockets()
                await bot.wait_for_log("Slack's socket cannot be opened", "revoked")
                slack.token_error = ""
                await slack.wait_until(lambda: slack.sockets)
            async with run_bot(slack, tmp_path) as bot:
                await bot.wait_until(lambda store: not has_removal(store))

    asyncio.run(run())


def test_an_acknowledgement_is_sent_before_the_work_begins() -> None:
    order: list[str] = []

    async def ack() -> None:
        # As Bolt does: it looks for the acknowledgement every ten milliseconds.
        asyncio.get_running_loop().call_later(0.01, order.append, "sent")

    async def handle_command() -> None:
        await acknowledge_first(ack)
        order.append("work")

    asyncio.run(handle_command())
    assert order == ["sent", "work"]
