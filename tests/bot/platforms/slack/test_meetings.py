"""The modal of meetings: within Slack's limits, and what is sent is not trusted."""

from typing import Any

import pytest

from bot.conversation.meeting_form import MeetingForm
from bot.platforms.slack.meetings import build_meeting_view, read_meeting_form
from digests.errors import InputError
from digests.subscription import Channel
from tests.bot.platforms.slack.processes import BotProcess, SlackScenarioRunner
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_blocks import faults_of_view

FORM = MeetingForm(time_zone="Europe/Berlin", place="Room 4")


@pytest.mark.parametrize("form", [FORM, MeetingForm(), MeetingForm(place="x" * 200, day="odd", poll="odd")])
def test_the_modal_keeps_slacks_limits(form: MeetingForm) -> None:
    view = build_meeting_view(form, channel_id="C1", channel_name="<!channel>" * 99, signature="s")
    assert faults_of_view(view) == []


@pytest.mark.parametrize("state", [None, {"values": []}, {"values": {"day": 3}}])
def test_a_damaged_submission_has_no_plan(state: Any) -> None:
    try:
        form = read_meeting_form({"state": state})
    except InputError:
        return
    assert form == MeetingForm("", "", "", "", "", "")


def test_meetings_are_planned_in_a_form_with_errors_at_their_fields(
    slack_runner: SlackScenarioRunner,
) -> None:
    async def scenario(slack: FakeSlack, bot: BotProcess, ada: str, papers: str) -> None:
        async def open_form(words: str) -> Any:
            typed = await slack.run_command("/digest", words, user=ada, channel=papers)
            await slack.wait_until(lambda: typed.views or typed.responses)
            return typed

        refused = await open_form("meet form")
        assert "this channel has none yet" in str(refused.responses[0]["blocks"])
        await slack.run_command("/digest", "subscribe vision", user=ada, channel=papers)
        await slack.wait_until(lambda: slack.messages_in(papers))
        (view,) = (await open_form("meet set")).views
        wrong = await slack.submit_view(view, {"place": "x" * 201}, user=ada)
        assert list((wrong.ack or {})["errors"]) == ["place"]
        eve = slack.add_user("eve")
        forged = await slack.submit_view(view, {}, user=eve)
        assert "not valid any more" in (forged.ack or {})["errors"]["day"]
        sent = await slack.submit_view(view, {"day": "fri", "place": "Room 5", "poll": "no"}, user=ada)
        assert not (sent.ack or {}).get("errors")
        await slack.wait_until(lambda: "ada planned meetings" in str(slack.messages_in(papers)))
        meeting = bot.store.meeting_plans.find(Channel("slack", papers, "T1"))
        assert meeting
        assert (meeting.plan.place, meeting.plan.has_poll, meeting.plan.schedule.days) == (
            "Room 5",
            False,
            frozenset({4}),
        )
        slack.channels[papers].absent.add(ada)
        left = await slack.submit_view(view, {"place": "Room 6"}, user=ada)
        assert list((left.ack or {})["errors"]) == ["day"]
        slack.channels[papers].absent.clear()
        (again,) = (await open_form("meet form")).views
        unchanged = await slack.submit_view(again, {}, user=ada)
        assert not (unchanged.ack or {}).get("errors")
        await slack.wait_until(lambda: "Nothing changed" in slack.ephemeral_text(papers))
        assert bot.store.meeting_plans.find(Channel("slack", papers, "T1")) == meeting

    slack_runner.run_scenario(scenario)
