"""Listener for links to papers that people paste in Slack."""

from dataclasses import dataclass

from bot.conversation.fair_use import Use
from bot.platforms.slack.listeners.requests import Payload, RequestListeners
from bot.platforms.slack.views import build_link_card
from bot.platforms.slack.workspaces import SlackWorkspace
from bot.storage import run_interactive
from digests.ids import parse_paper_id

MAX_LINKS = 5
"""Links of one message that get a card. Our own limit."""


@dataclass(frozen=True, slots=True)
class LinkListeners(RequestListeners):
    """Shows a card below links to papers."""

    async def on_links(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        if not self.settings.unfurl_arxiv:
            return
        async with self._handle_request(workspace):
            channel = self._channel_from_id(str(event.get("channel", "")), workspace)
            self.dispatcher.fair_use.take_token(Use.LINK, channel, str(event.get("user", "")))
            if not await self._is_new_event(body):
                return
            unfurls = {}
            for link in event.get("links", [])[:MAX_LINKS]:
                reference = parse_paper_id(link["url"])
                message = (
                    await run_interactive(self.answers.lookup.unfurl_paper, reference.id)
                    if reference
                    else None
                )
                if message:
                    unfurls[link["url"]] = {"blocks": build_link_card(message)}
            if unfurls:
                target = (
                    {"unfurl_id": event["unfurl_id"], "source": event["source"]}
                    if event.get("unfurl_id")
                    else {"channel": event["channel"], "ts": event["message_ts"]}
                )
                await workspace.client.api_call("chat.unfurl", json={**target, "unfurls": unfurls})
