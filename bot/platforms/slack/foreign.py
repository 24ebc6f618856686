"""Refusal of requests from workspaces that are not served, before any listener runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.replies import ReplySender
from bot.platforms.slack.workspaces import SlackWorkspace, WorkspaceFinder
from bot.present.wording import present_sentence

log = logging.getLogger(__name__)

MAX_LOGGED_TEAMS = 100
"""Workspaces of which the first refused request is logged."""

REMOVALS = ("app_uninstalled", "tokens_revoked")

Payload = Mapping[str, Any]


@dataclass(slots=True)
class ForeignRequestFilter:
    """Middleware of Bolt. It ends a request that names another workspace, app, or none, with one sentence.

    A removal passes: a workspace that is denied, or whose key is lost, removes the app like any other.

    `client` needs no token: it sends the sentence to the request's response_url, if it has one.
    """

    workspaces: WorkspaceFinder
    client: AsyncWebClient
    _logged_teams: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def filter_request(
        self,
        body: Payload,
        context: AsyncBoltContext,
        ack: Callable[..., Awaitable[BoltResponse]],
        next_: Callable[[], Awaitable[BoltResponse]],
    ) -> BoltResponse:
        """Pass on a request of a served workspace; acknowledge any other, with the sentence if possible."""
        organization = str(context.enterprise_id or "")
        # Slack leaves the workspace out of some requests of an app that an organization installed.
        team = str(context.team_id or body.get("team_id") or organization)
        workspace = await self.workspaces.admit(team, organization)
        if workspace and not _is_of_another_app(body, workspace):
            context.setdefault("workspace", workspace)
            return await next_()
        if self.workspaces.is_by_link and _is_removal(body):
            return await next_()
        refusal = await self.workspaces.describe_refusal(team, organization)
        if team not in self._logged_teams and len(self._logged_teams) < MAX_LOGGED_TEAMS:
            self._logged_teams.add(team)
            log.warning("requests of the Slack workspace %r are refused: it is not served", team[:40])
        match body.get("type"):
            case "view_submission" if block := _first_input_of(body):
                return await ack(response_action="errors", errors={block: refusal})
            case "block_suggestion":
                return await ack(options=[])
            case None if "command" in body:
                return await ack(text=refusal)
            case "event_callback":
                return await ack()
        if url := str(body.get("response_url") or ""):
            task = asyncio.create_task(self._send_sentence(url, refusal))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await ack()

    async def _send_sentence(self, response_url: str, sentence: str) -> None:
        message = present_sentence(sentence)
        try:
            await ReplySender(self.client).send_response(response_url, None, "", message, replace=False)
        except Exception as error:
            log.warning("a refusal was not taken: %s", error)


def _is_removal(body: Payload) -> bool:
    """Return True for an event by which Slack says that a workspace removed the app, or its token."""
    event = body.get("event")
    return isinstance(event, dict) and event.get("type") in REMOVALS


def _is_of_another_app(body: Payload, workspace: SlackWorkspace) -> bool:
    """Return True if a request names another app than the workspace's token belongs to."""
    app = str(body.get("api_app_id") or "")
    return bool(app and workspace.app_id and app != workspace.app_id)


def _first_input_of(body: Payload) -> str:
    """Return the block_id of the form's first field, where Slack can show a sentence; empty without one."""
    view = body.get("view")
    blocks = view.get("blocks") if isinstance(view, dict) else None
    inputs = [
        str(block.get("block_id") or "")
        for block in (blocks if isinstance(blocks, list) else [])
        if isinstance(block, dict) and block.get("type") == "input"
    ]
    return next(filter(None, inputs), "")
