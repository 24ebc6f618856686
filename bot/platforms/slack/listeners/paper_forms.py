"""Listeners for the forms about one paper in Slack: a report about its review, and a question."""

import asyncio
from dataclasses import dataclass

from bot.conversation.context import Person
from bot.platforms.responses import log_unexpected_error
from bot.platforms.slack.forms import ERROR_CHARACTERS
from bot.platforms.slack.listeners.requests import CHECK_SECONDS, SLOW_SLACK, Ack, Payload, RequestListeners
from bot.platforms.slack.questions import QUESTION_FIELD, build_question_view, read_question
from bot.platforms.slack.reports import REASON_FIELD, build_report_view, read_clicked_paper, read_report
from bot.platforms.slack.views import build_answer_window
from bot.platforms.slack.workspaces import SlackWorkspace
from digests.errors import PaperroundError
from digests.subscription import Channel
from digests.text import clip_text


@dataclass(frozen=True, slots=True)
class PaperFormListeners(RequestListeners):
    """Opens and takes reports about a review, and questions about a paper."""

    async def open_report(
        self, value: str, channel: Channel, user: str, body: Payload, workspace: SlackWorkspace
    ) -> None:
        """Open the modal about a paper's review, on top of the modal that the click came from, if any."""
        paper, stance = read_clicked_paper(value)
        form = await self.dispatcher.open_report(paper, channel, user)
        await _open_modal(build_report_view(form, stance), body, workspace)

    async def on_report(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Keep a submitted report, and show the answer in the place of the modal.

        The modal needs no signature: everybody in the workspace may report about every paper. Errors go into
        the acknowledgement, so that Slack shows them under the reason.
        """
        user = body["user"]
        home = self._channel_from_id("", workspace)

        async def fetch_person() -> Person:
            return await self._fetch_own_person(user["id"], str(user.get("team_id") or ""), workspace)

        try:
            fields, trigger = read_report(body["view"]), str(body.get("trigger_id") or "")
            async with asyncio.timeout(CHECK_SECONDS):
                answer = await self.dispatcher.save_report(fields, home, user["id"], trigger, fetch_person)
        except PaperroundError as error:
            problem = clip_text(str(error), ERROR_CHARACTERS)
        except TimeoutError:
            problem = SLOW_SLACK
        except Exception:
            problem = log_unexpected_error()
        else:
            await ack(response_action="update", view=build_answer_window(answer))
            return
        await ack(response_action="errors", errors={REASON_FIELD: problem})

    async def open_question(
        self, paper: str, channel: Channel, user: str, body: Payload, workspace: SlackWorkspace
    ) -> None:
        """Open the modal for a question about a paper."""
        form = await self.dispatcher.open_question(paper, channel, user)
        await _open_modal(build_question_view(form), body, workspace)

    async def on_question(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Answer a question in the place of its modal. Errors stand under the field."""
        home, user = self._channel_from_id("", workspace), str(body["user"]["id"])
        try:
            paper, text = read_question(body["view"])
            async with asyncio.timeout(CHECK_SECONDS):
                answer = await self.dispatcher.answer_question(paper, text, home, user)
        except PaperroundError as error:
            problem = clip_text(str(error), ERROR_CHARACTERS)
        except TimeoutError:
            problem = "The answer took too long: try again."
        except Exception:
            problem = log_unexpected_error()
        else:
            await ack(response_action="update", view=build_answer_window(answer))
            return
        await ack(response_action="errors", errors={QUESTION_FIELD: problem})


async def _open_modal(view: Payload, body: Payload, workspace: SlackWorkspace) -> None:
    """Open a modal, on top of the modal that the click came from, if any."""
    is_from_modal = (body.get("view") or {}).get("type") == "modal"
    show = workspace.client.views_push if is_from_modal else workspace.client.views_open
    await show(trigger_id=body["trigger_id"], view=dict(view))
