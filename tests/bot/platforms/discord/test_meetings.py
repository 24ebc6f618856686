"""The modal of meetings: within Discord's limits, and what is sent is not trusted."""

from typing import Any

import pytest

from bot.conversation.meeting_form import MeetingForm
from bot.platforms.discord.meetings import build_meeting_modal, read_meeting_form
from tests.bot.platforms.discord.processes import DiscordScenarioRunner, channel_of, wait_for_answer
from tests.bot.platforms.processes import BotProcess
from tests.fakes.discord import FakeDiscord

FORM = MeetingForm(time_zone="America/Argentina/ComodRivadavia", place="Room 4")


@pytest.mark.parametrize("form", [FORM, MeetingForm(place="x" * 200), MeetingForm(time_zone="x" * 99)])
def test_the_modal_keeps_discords_limits(form: MeetingForm) -> None:
    modal = build_meeting_modal(form).to_dict()
    assert len(modal["components"]) == 5
    assert len(modal["custom_id"]) <= 100
    assert all(len(label.get("description") or "") <= 100 for label in modal["components"])


def test_a_damaged_submission_is_empty() -> None:
    assert read_meeting_form({"custom_id": "meetings:UTC"}) == MeetingForm("", "", "", "UTC", "", "")


def test_meetings_are_planned_in_a_form_and_wrong_fields_are_named(
    discord_runner: DiscordScenarioRunner,
) -> None:
    async def scenario(discord: FakeDiscord, bot: BotProcess, ada: str, papers: str) -> None:
        async def open_form() -> Any:
            return await discord.run_command("digest meet set", user=ada, channel=papers)

        async def submit(modal: Any, **fields: Any) -> str:
            sent = await discord.submit_modal(modal, fields, user=ada, channel=papers)
            return await wait_for_answer(discord, sent)

        assert "this channel has none yet" in await wait_for_answer(discord, await open_form())
        done = await discord.run_command("digest subscribe", user=ada, channel=papers, domains="vision")
        await wait_for_answer(discord, done)
        modal = (await open_form()).modal
        said = await submit(modal, at="25:00")
        assert "Nothing was changed. Time: “25:00”" in said
        channel = channel_of(discord, papers)
        assert bot.store.meeting_plans.find(channel) is None
        forged = {**modal, "custom_id": "meetings:Mars/Phobos"}
        assert "Time zone: “Mars/Phobos”" in await submit(forged)
        assert "Done" in await submit(modal, day=["fri"], at="4pm", place="Room 5", poll="no")
        meeting = bot.store.meeting_plans.find(channel)
        assert meeting
        assert (meeting.plan.place, meeting.plan.has_poll, meeting.plan.schedule.days) == (
            "Room 5",
            False,
            frozenset({4}),
        )
        assert "Nothing changed" in await submit((await open_form()).modal)

    discord_runner.run_scenario(scenario)
