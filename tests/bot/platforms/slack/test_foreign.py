"""Other workspaces, partners' people and forged forms: an attacker over a strict fake, against real Bolt."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from bot.platforms.repeats import REPEATED_INTERACTION
from bot.platforms.slack.form_signature import is_form_signed, sign_form
from bot.platforms.slack.forms import FORM_CALLBACK_ID, STALE_FORM
from bot.platforms.slack.listeners.commands import FOREIGN_READER
from bot.platforms.slack.listeners.requests import FOREIGN_PERSON, UNKNOWN_PERSON
from bot.platforms.slack.workspaces import FOREIGN_WORKSPACE
from digests.subscription import Channel
from tests.bot.platforms.slack.processes import BotProcess, SlackScenarioRunner
from tests.fakes.slack import FakeSlack, SlackInteraction, read_text

Json = dict[str, Any]


@contextmanager
def sent_from(slack: FakeSlack, team: str) -> Iterator[None]:
    """Let requests come from another workspace in the block."""
    own, slack.team_id = slack.team_id, team
    try:
        yield
    finally:
        slack.team_id = own


def a_button(action: str, value: str = "2402.01306") -> Json:
    element = {"type": "button", "action_id": action, "value": value}
    return {"ts": "1.1", "blocks": [{"type": "actions", "elements": [element]}]}


async def wait_for_text(slack: FakeSlack, reply: SlackInteraction, text: str) -> None:
    """Wait for a reply, which must have the text."""
    await slack.wait_until(lambda: reply.responses)
    assert text in "\n".join(read_text(one["blocks"]) for one in reply.responses)


async def open_form(slack: FakeSlack, user: str, channel: str) -> Json:
    opened = await slack.run_command("/digest", "settings", user=user, channel=channel)
    await slack.wait_until(lambda: opened.views)
    return opened.views[0]


def has_digest(bot: BotProcess, channel: str) -> bool:
    return bot.store.subscriptions.find(Channel("slack", channel, "T1")) is not None


# Other workspaces.


@pytest.mark.parametrize("team", ["T9", "", "t1"])
def test_a_request_of_another_workspace_gets_one_sentence_and_nothing_runs(
    slack_runner: SlackScenarioRunner, team: str
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        form = await open_form(slack, ada, papers)
        calls_before = len(slack.calls)
        with sent_from(slack, team):
            for command, text in (("/paper", "kto"), ("/digest", "subscribe vision"), ("/digest", "pause")):
                typed = await slack.run_command(command, text, user=ada, channel=papers)
                assert typed.ack == {"text": FOREIGN_WORKSPACE}
            for action in ("share", "release", "undo", "show", "discuss"):
                clicked = await slack.click_button(action, user=ada, channel=papers, within=a_button(action))
                await wait_for_text(slack, clicked, FOREIGN_WORKSPACE)
            for shortcut in ("mark_for_discussion", "keep_as_note"):
                message = {"ts": "1.2", "text": "x", "user": ada}
                chosen = await slack.use_shortcut(shortcut, user=ada, channel=papers, message=message)
                await wait_for_text(slack, chosen, FOREIGN_WORKSPACE)
            sent = await slack.submit_view(form, {"domains": "vision"}, user=ada)
            assert sent.ack == {"response_action": "errors", "errors": {"domains": FOREIGN_WORKSPACE}}
            payload = {"type": "block_suggestion", "action_id": "x", "value": "", "user": {"id": ada}}
            asked = await slack._send_payload("interactive", {**payload, "team": {"id": team}})
            assert asked == {"options": []}
            for event in (
                {"type": "app_mention", "user": ada, "channel": papers, "text": "hi", "ts": "1.3"},
                {"type": "member_joined_channel", "user": slack.bot_user, "channel": papers},
                {"type": "app_home_opened", "user": ada, "tab": "home", "channel": "D1"},
                {"type": "channel_archive", "user": ada, "channel": papers},
                {"type": "app_uninstalled"},
                {"type": "link_shared", "user": ada, "channel": papers, "message_ts": "1.4",
                 "links": [{"url": "https://arxiv.org/abs/2402.01306"}]},
            ):  # fmt: skip
                assert await slack.deliver_event(slack.build_event_body(event))
        caused = [call for call in slack.calls[calls_before:] if papers in str(call) or ada in str(call)]
        assert caused == []
        assert not has_digest(bot, papers)
        assert not any("took the app's rights away" in line for line in bot.log)
        assert bot.store.workspaces.list_removed(before=datetime(9999, 1, 1, tzinfo=UTC)) == []

    slack_runner.run_scenario(scenario)


# People of a partner in a shared channel.


def test_people_of_another_workspace_look_up_and_change_nothing(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        eve = slack.add_user("eve", is_admin=True)
        slack.users[eve]["team_id"] = "T9"
        for command, text, answer in (
            ("/paper", "2402.01306", "KTO"),
            ("/digest", "today", "papers"),
            ("/digest", "queue", FOREIGN_READER),
            ("/digest", "forget me yes", "Nothing was kept about you"),
            ("/digest", "export me", "Nothing is kept about you"),
            ("/digest", "subscribe vision", FOREIGN_PERSON),
            ("/digest", "settings", FOREIGN_PERSON),
            ("/digest", "pause", FOREIGN_PERSON),
            ("/digest", "unsubscribe", FOREIGN_PERSON),
            ("/digest", "queue done 1", FOREIGN_PERSON),
            ("/digest", "held", FOREIGN_PERSON),
        ):
            await wait_for_text(
                slack, await slack.run_command(command, text, user=eve, channel=papers), answer
            )
        for action in ("share", "undo", "discussed", "requeue", "release", "reject", "again"):
            clicked = await slack.click_button(action, user=eve, channel=papers, within=a_button(action))
            await wait_for_text(slack, clicked, FOREIGN_PERSON)
        assert slack.messages_in(papers) == []
        assert not has_digest(bot, papers)

    slack_runner.run_scenario(scenario)


def test_people_of_another_workspace_neither_report_nor_read_what_readers_say(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        eve = slack.add_user("eve")
        slack.users[eve]["team_id"] = "T9"

        async def send_report(user: str) -> Json:
            clicked = await slack.click_button("report", user=user, channel=papers, within=a_button("report"))
            await slack.wait_until(lambda: clicked.views)
            sent = await slack.submit_view(
                clicked.views[0], {"part": "score", "reason": "Too high, I think."}, user=user
            )
            return sent.ack or {}

        async def read_review(user: str) -> str:
            clicked = await slack.click_button("review", user=user, channel=papers, within=a_button("review"))
            await slack.wait_until(lambda: clicked.responses)
            return "\n".join(read_text(one["blocks"]) for one in clicked.responses)

        assert (await send_report(eve))["errors"] == {"reason": FOREIGN_PERSON}
        assert (await send_report(ada))["response_action"] == "update"
        assert "Too high, I think." in await read_review(ada)
        assert "reader here" not in await read_review(eve)

    slack_runner.run_scenario(scenario)


def test_a_person_of_several_workspaces_of_an_organization_is_one_of_ours(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        slack.users[ada] |= {"team_id": "T9", "enterprise_user": {"teams": ["T1", "T9"]}}
        typed = await slack.run_command("/digest", "subscribe vision", user=ada, channel=papers)
        await wait_for_text(slack, typed, "Done")

    slack_runner.run_scenario(scenario)


def test_a_person_of_whom_slack_says_nothing_changes_nothing(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        slack.users[ada]["team_id"] = ""
        for text in ("subscribe vision", "pause", "queue"):
            typed = await slack.run_command("/digest", text, user=ada, channel=papers)
            await wait_for_text(slack, typed, UNKNOWN_PERSON)
        assert not has_digest(bot, papers)

    slack_runner.run_scenario(scenario)


def test_a_former_admin_changes_nothing_from_the_next_command_on(
    strict_slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        root = slack.add_user("root", is_admin=True)

        async def give_command(text: str, answer: str) -> None:
            typed = await slack.run_command("/daily", text, user=root, channel=papers)
            await wait_for_text(slack, typed, answer)

        await give_command("subscribe vision", "Done")
        await slack.wait_until(lambda: slack.messages_in(papers))
        announcement = slack.messages_in(papers)[0]
        slack.users[root]["is_admin"] = False
        await give_command("pause", "Only workspace admins")
        undone = await slack.click_button("undo", user=root, channel=papers, within=announcement)
        await wait_for_text(slack, undone, "Only workspace admins")
        assert has_digest(bot, papers)

    strict_slack_runner.run_scenario(scenario)


# Requests that come again, as they may after a restart or at another replica.


def test_a_command_a_click_and_a_form_that_come_again_change_nothing(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        async def send(kind: str, payload: Json, answer: str) -> None:
            """Send a captured request again; each time with a response_url that can still be used."""
            reply, extra = slack._start_interaction()
            again = {**extra, "team_id": "T1", "team": {"id": "T1"}, **payload}
            reply.ack = await slack._send_payload(kind, again)
            await wait_for_text(slack, reply, answer)

        def give_command(text: str, trigger: str = "captured command") -> Json:
            command = {"command": "/digest", "text": text, "user_id": ada, "channel_id": papers}
            return {**command, "trigger_id": trigger}

        def click(action: str, value: str) -> Json:
            clicked = {"type": "button", "block_id": "b", "action_id": action, "value": value}
            return {
                "type": "block_actions", "user": {"id": ada}, "channel": {"id": papers},
                "actions": [clicked], "trigger_id": f"captured {action}",
            }  # fmt: skip

        def is_running() -> bool:
            found = bot.store.subscriptions.find(Channel("slack", papers, "T1"))
            return found is not None and found.is_running

        await send("slash_commands", give_command("subscribe vision", uuid4().hex), "Done")
        await send("slash_commands", give_command("pause"), "Done")
        await send("slash_commands", give_command("resume", uuid4().hex), "Done")
        await send("slash_commands", give_command("pause"), REPEATED_INTERACTION)
        assert is_running()

        form = await open_form(slack, ada, papers)
        start = FakeSlack._start_interaction

        def start_captured(slack: FakeSlack) -> tuple[SlackInteraction, Json]:
            interaction, extra = start(slack)
            return interaction, {**extra, "trigger_id": "captured form"}

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(FakeSlack, "_start_interaction", start_captured)
            sent = await slack.submit_view(form, {"domains": "language"}, user=ada)
            assert sent.ack == {}
            again = await slack.submit_view(form, {"domains": "language"}, user=ada)
            assert REPEATED_INTERACTION in str(again.ack)

        for action, value, first in (
            ("discuss", "2402.01306", "Marked"),
            ("share", "2402.01306", "Shared"),
        ):
            await send("interactive", click(action, value), first)
            count = len(slack.messages_in(papers))
            await send("interactive", click(action, value), REPEATED_INTERACTION)
            assert len(slack.messages_in(papers)) == count
        shortcut = {
            "type": "message_action", "callback_id": "mark_for_discussion", "user": {"id": ada},
            "channel": {"id": papers}, "message": {"ts": "1.2", "text": "arxiv.org/abs/2402.01306"},
            "trigger_id": "captured shortcut",
        }  # fmt: skip
        await send("interactive", shortcut, "mark")
        await send("interactive", shortcut, REPEATED_INTERACTION)

    slack_runner.run_scenario(scenario)


def test_an_event_that_comes_again_stops_no_digest(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        typed = await slack.run_command("/digest", "subscribe vision", user=ada, channel=papers)
        await wait_for_text(slack, typed, "Done")
        channel = Channel("slack", papers, "T1")

        def build(kind: str) -> Json:
            return slack.build_event_body({"type": kind, "user": ada, "channel": papers})

        archived = build("channel_archive")
        assert await slack.deliver_event(archived)
        await bot.wait_for_log(f"{channel} gets no more digests")
        assert await slack.deliver_event(build("channel_unarchive"))
        await bot.wait_for_log(f"{channel} takes digests again")
        assert await slack.deliver_event(archived)
        paused = await slack.run_command("/digest", "pause", user=ada, channel=papers)
        await wait_for_text(slack, paused, "Done")
        await slack.wait_until(lambda: "pause" in str(slack.messages_in(papers)))
        assert sum("gets no more digests" in line and papers in line for line in bot.log) == 1
        found = bot.store.subscriptions.find(channel)
        assert found
        assert not found.stop_reason

    slack_runner.run_scenario(scenario)


# Forged and stale forms.


def forge_metadata(form: Json, metadata: Any) -> Json:
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    return {**form, "private_metadata": text}


def test_a_form_is_taken_only_for_the_channel_and_person_that_it_was_opened_for(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        bob = slack.add_user("bob")
        other, without_bot = slack.add_channel("other"), slack.add_channel("without", bot_in=False)
        form = await open_form(slack, ada, papers)
        signature = json.loads(form["private_metadata"])["signature"]
        forged: list[tuple[str, Any]] = [
            (ada, {"channel": channel, "signature": signature})
            for channel in (other, without_bot, "C404", ada, "")
        ]
        forged += [
            (bob, {"channel": papers, "signature": signature}),
            (ada, {"channel": papers, "signature": sign_form("xoxb-old", "T1", ada, papers)}),
            (ada, {"channel": papers, "signature": signature.upper()}),
            (ada, {"channel": papers, "signature": "ä"}),
            (ada, {"channel": papers, "signature": ""}),
            (ada, {"channel": papers}),
            (ada, {"channel": [papers], "signature": signature}),
        ]
        forged += [(ada, text) for text in ("", "x", "[]", "null", "7", "[" * 3000)]
        for user, metadata in forged:
            sent = await slack.submit_view(forge_metadata(form, metadata), {"domains": "vision"}, user=user)
            assert sent.ack == {"response_action": "errors", "errors": {"domains": STALE_FORM}}, metadata
        assert not any(has_digest(bot, channel) for channel in (papers, other, without_bot, "C404", ada))
        saved = await slack.submit_view(form, {"domains": "vision"}, user=ada)
        assert saved.ack == {}
        assert has_digest(bot, papers)

    slack_runner.run_scenario(scenario)


def test_a_malformed_form_is_acknowledged(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        metadata = (await open_form(slack, ada, papers))["private_metadata"]
        damaged: tuple[Any, ...] = (
            7,
            {"values": []},
            {"values": {"days": "x"}},
            {"values": {"days": {"value": 7}}},
        )
        for state in damaged:
            view = {"type": "modal", "callback_id": FORM_CALLBACK_ID, "private_metadata": metadata}
            payload = {
                "type": "view_submission", "user": {"id": ada}, "team": {"id": "T1"},
                "view": {**view, "state": state},
            }  # fmt: skip
            ack = await slack._send_payload("interactive", payload)
            assert ack
            assert ack["response_action"] == "errors", state
        unknown = {**payload, "view": {"type": "modal", "callback_id": "of an older version", "blocks": []}}
        assert await slack._send_payload("interactive", unknown) == {}
        assert not has_digest(bot, papers)

    slack_runner.run_scenario(scenario)


def test_a_form_checks_membership_and_rights_when_it_is_sent(
    strict_slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        root = slack.add_user("root", is_admin=True)
        opened = await slack.run_command("/daily", "settings", user=root, channel=papers)
        await slack.wait_until(lambda: opened.views)
        form = opened.views[0]

        async def submit() -> str:
            return str((await slack.submit_view(form, {"domains": "vision"}, user=root)).ack)

        slack.channels[papers].absent.add(root)
        assert "You are not in this channel" in await submit()
        slack.channels[papers].absent.clear()
        slack.channels[papers].members.discard(slack.bot_user)
        assert "/invite @paperround" in await submit()
        slack.channels[papers].members.add(slack.bot_user)
        slack.users[root]["is_admin"] = False
        assert "Only workspace admins" in await submit()
        assert not has_digest(bot, papers)
        slack.users[root]["is_admin"] = True
        assert await submit() == "{}"
        assert has_digest(bot, papers)

    strict_slack_runner.run_scenario(scenario)


def test_the_signature_holds_the_token_the_workspace_the_person_and_the_channel() -> None:
    signature = sign_form("xoxb-1", "T1", "U1", "C1")
    assert is_form_signed(signature, "xoxb-1", "T1", "U1", "C1")
    for other in (
        ("xoxb-2", "T1", "U1", "C1"), ("xoxb-1", "T2", "U1", "C1"), ("xoxb-1", "T1", "U2", "C1"),
        ("xoxb-1", "T1", "U1", "C2"), ("xoxb-1", "T1U1", "", "C1"),
    ):  # fmt: skip
        assert not is_form_signed(signature, *other)


# Sharing, and starting a digest.


def test_a_paper_is_shared_only_by_members_of_the_channel(slack_runner: SlackScenarioRunner) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        async def share() -> SlackInteraction:
            return await slack.click_button("share", user=ada, channel=papers, within=a_button("share"))

        slack.channels[papers].absent.add(ada)
        await wait_for_text(slack, await share(), "You are not in this channel")
        slack.channels[papers].absent.clear()
        slack.channels[papers].is_archived = True
        await wait_for_text(slack, await share(), "The channel is archived")
        assert slack.messages_in(papers) == []
        slack.channels[papers].is_archived = False
        await wait_for_text(slack, await share(), "Shared with the channel")
        assert len(slack.messages_in(papers)) == 1

    slack_runner.run_scenario(scenario)


@pytest.mark.parametrize("verb", ["start", "resume", " Start.", "RESUME"])
def test_a_digest_is_not_started_where_the_bot_is_not(slack_runner: SlackScenarioRunner, verb: str) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        subscribed = await slack.run_command("/digest", "subscribe vision", user=ada, channel=papers)
        await wait_for_text(slack, subscribed, "Done")
        channel = Channel("slack", papers, "T1")
        bot.store.subscriptions.stop(channel, "Paperround was removed from the channel.")
        slack.channels[papers].members.discard(slack.bot_user)
        started = await slack.run_command("/digest", verb, user=ada, channel=papers)
        await wait_for_text(slack, started, "/invite @paperround")
        known = bot.store.subscriptions.find(channel)
        assert known
        assert known.stop_reason

    slack_runner.run_scenario(scenario)
