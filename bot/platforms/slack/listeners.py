"""Listeners for Slack's events, commands, forms and buttons.

Each request is acknowledged before any work is done, because Slack waits only three seconds.
"""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.chat.message import Card, Message
from bot.conversation.announce import announce_message
from bot.conversation.answers import Answers
from bot.conversation.commands import present_digest_help, present_greeting
from bot.conversation.marks import (
    AMBIGUOUS_REACTION,
    MarkEmojis,
    MarkHandler,
)
from bot.conversation.subscription_form import FormError
from bot.platforms.interaction import Click, InteractionDispatcher, Responder, log_unexpected_error
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.errors import parse_error_response
from bot.platforms.slack.forms import (
    ERROR_UNITS,
    FIRST_FIELD,
    FORM_CALLBACK_ID,
    build_settings_view,
    errors_of,
    read_view,
)
from bot.platforms.slack.manifest import MARK_SHORTCUT
from bot.platforms.slack.profiles import ProfileCache
from bot.platforms.slack.render import render
from bot.platforms.slack.settings import SlackSettings
from bot.present.lookup import remove_share_button
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.errors import PaperroundError
from digests.ids import parse_paper_id
from digests.model import Post
from digests.subscription import Channel, DigestStyle, Subscription
from digests.text import clip_text

log = logging.getLogger(__name__)

Payload = Mapping[str, Any]

KEYCAP_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "keycap_ten")
"""The names of the keycap emojis 1 to 10, as Slack's reactions call them."""

LOOK_UP_ACTION_ID = "look_up"
"""The action_id of the look-up box on a person's page."""

MAX_LINKS = 5
"""Links of one message that get a card."""
MAX_DIGESTS = 20
"""Channels that a person's own page names."""
MAX_VIEW_BLOCKS = 100
"""Blocks of a view (https://docs.slack.dev/reference/views)."""
MAX_REPLY_PAGES = 4
"""Pages of a reply: a response_url takes five messages, and one is kept for what is said next."""


@dataclass(slots=True)
class SlackListeners:
    """Handles the events of one workspace.

    `client` may wait for rate limits; `bot_user` is the app's user id.
    """

    answers: Answers
    platform: SlackPlatform
    client: AsyncWebClient
    settings: SlackSettings
    workspace: str
    bot_user: str
    clock: Callable[[], datetime]
    discussion: MarkHandler = field(init=False)
    profiles: ProfileCache = field(init=False)
    dispatcher: InteractionDispatcher = field(init=False)

    def __post_init__(self) -> None:
        self.profiles = ProfileCache(self.client, self.clock)
        emojis = MarkEmojis(self.settings.mark_emoji, KEYCAP_NAMES)
        self.discussion = MarkHandler(self.answers.store, self.platform, emojis, self.clock)
        self.dispatcher = InteractionDispatcher(
            self.answers, self.platform, self.discussion, self.clock, confirms_undo=False
        )

    def register_handlers(self, app: AsyncApp) -> None:
        """Register a listener for every event in the manifest. Slack repeats an event that has no listener."""
        app.command(self.settings.paper_command)(self._on_paper)
        app.command(self.settings.digest_command)(self._on_digest)
        app.action(LOOK_UP_ACTION_ID)(self._on_look_up)
        app.action(re.compile(".*"))(self._on_button)
        app.view(FORM_CALLBACK_ID)(self._on_form)
        app.shortcut(MARK_SHORTCUT)(self._on_shortcut)
        app.event("reaction_added")(self._on_reaction)
        app.event("reaction_removed")(self._on_reaction)
        app.event("app_mention")(self._on_mention)
        app.event("app_home_opened")(self._on_home)
        app.event("link_shared")(self._on_links)
        app.event("member_joined_channel")(self._on_bot_joined)
        for channel_kind in ("channel", "group"):
            for change in ("archive", "deleted", "left"):
                app.event(f"{channel_kind}_{change}")(self._on_channel_gone)
            app.event(f"{channel_kind}_unarchive")(self._on_channel_back)
        app.event("app_uninstalled")(self._on_app_removed)
        app.event("tokens_revoked")(self._on_app_removed)
        app.event(re.compile(".*"))(self._on_other_event)

    # Commands.

    async def _on_paper(self, ack: Callable[[], Awaitable[None]], command: Payload) -> None:
        await ack()
        async with self._handle_request(command["response_url"]) as respond:
            await self.dispatcher.look_up_paper(command.get("text", ""), respond)

    async def _on_digest(self, ack: Callable[[], Awaitable[None]], command: Payload) -> None:
        await ack()
        async with self._handle_request(command["response_url"]) as respond:
            channel = self._channel_from_id(command["channel_id"])
            person = await self.profiles.fetch_person(command["user_id"])
            text = command.get("text", "")
            if re.match(r"\s*(subscribe|settings|resume)\b", text, re.IGNORECASE):
                await self._require_membership(channel)
            reply = await self.dispatcher.run_digest_command(text, channel, person)
            if reply.form:
                view = build_settings_view(
                    reply.form,
                    channel_id=channel.channel,
                    channel_name=command.get("channel_name", ""),
                    exists=await run_interactive(self._has_digest, channel),
                )
                await self.client.views_open(trigger_id=command["trigger_id"], view=view)
                return
            await self.dispatcher.send_reply(reply, channel, respond)

    def _has_digest(self, channel: Channel) -> bool:
        return self.answers.store.subscriptions.find(channel) is not None

    async def _require_membership(self, channel: Channel) -> None:
        """Raise an error if the app cannot post to the channel."""
        invite = (
            "I am not in this channel, so nothing was changed: type /invite @paperround here, then try again."
        )
        if channel.channel.startswith("D"):
            raise PaperroundError("A digest belongs into a channel: invite me into one, and type this there.")
        try:
            info = await self.client.conversations_info(channel=channel.channel)
        except SlackApiError as error:
            if parse_error_response(error.response).get("error") == "channel_not_found":
                raise PaperroundError(invite) from error
            raise
        if not (info.get("channel") or {}).get("is_member"):
            raise PaperroundError(invite)

    # Forms.

    async def _on_form(self, ack: Callable[..., Awaitable[None]], body: Payload) -> None:
        """Handle a submitted form.

        It is validated before it is acknowledged, so that errors appear beside their fields.
        """
        channel_id, form = read_view(body["view"])
        channel = self._channel_from_id(channel_id)
        person = await self.profiles.fetch_person(body["user"]["id"])
        try:
            reply = await run_interactive(self.answers.subscriptions.save_form, form, channel, person)
        except FormError as error:
            await ack(response_action="errors", errors=errors_of(error))
            return
        except PaperroundError as error:
            await ack(response_action="errors", errors={FIRST_FIELD: clip_text(str(error), ERROR_UNITS)})
            return
        except Exception:
            await ack(response_action="errors", errors={FIRST_FIELD: log_unexpected_error()})
            return
        await ack()
        async with self._handle_request("", channel, person.id):
            await announce_message(reply.announcement, channel, self.platform)

    # Buttons.

    async def _on_button(self, ack: Callable[[], Awaitable[None]], body: Payload, action: Payload) -> None:
        await ack()
        action_name = str(action.get("action_id", "")).partition(".")[0]
        value = str(action.get("value") or "")
        channel_id = (body.get("channel") or {}).get("id", "")
        channel = self._channel_from_id(channel_id)
        async with self._handle_request(
            body.get("response_url", ""), channel, body["user"]["id"], body
        ) as respond:
            user = body["user"]["id"]
            fetch_person = partial(self.profiles.fetch_person, user)
            await self.dispatcher.handle_click(
                Click(action_name, value, channel, user, fetch_person), respond
            )

    async def _on_look_up(self, ack: Callable[[], Awaitable[None]], body: Payload, action: Payload) -> None:
        await ack()
        async with self._handle_request("", None, body["user"]["id"], body) as respond:
            await self.dispatcher.look_up_paper(str(action.get("value") or ""), respond)

    async def _open_window(self, body: Payload, message: Message) -> None:
        """Show a message in a modal, for requests without a channel.

        It is pushed on top of a modal that is open.
        """
        pages = render(remove_share_button(message), DigestStyle.COMPACT)
        view = {
            "type": "modal",
            "title": {"type": "plain_text", "text": "Paperround"},
            "close": {"type": "plain_text", "text": "Close"},
            "blocks": [block for page in pages for block in page.payload["blocks"]][:MAX_VIEW_BLOCKS],
        }
        on_top = (body.get("view") or {}).get("type") == "modal"
        show = self.client.views_push if on_top else self.client.views_open
        await show(trigger_id=body["trigger_id"], view=view)

    # Marks.

    async def _on_shortcut(self, ack: Callable[[], Awaitable[None]], body: Payload) -> None:
        await ack()
        user, message = body["user"]["id"], body["message"]
        channel = self._channel_from_id(body["channel"]["id"])
        async with self._handle_request(body.get("response_url", ""), channel, user) as respond:
            receipt, text = str(message.get("ts", "")), str(message.get("text", ""))
            await self.dispatcher.toggle_mark_on_message(channel, receipt, text, user, respond)

    async def _on_reaction(self, event: Payload, body: Payload) -> None:
        item, emoji, user = event.get("item") or {}, str(event.get("reaction", "")), event["user"]
        if item.get("type") != "message" or not self.discussion.emojis.may_be_mark(emoji):
            return
        async with self._handle_request(""):
            if not await self._is_new_event(body):
                return
            channel, on, at = (
                self._channel_from_id(item["channel"]),
                event["type"] == "reaction_added",
                _parse_timestamp(event["event_ts"]),
            )
            if not await self.discussion.apply_reaction(channel, item["ts"], emoji, user, is_added=on, at=at):
                await self._post_ephemeral(channel, user, present_sentence(AMBIGUOUS_REACTION))

    async def catch_up(self) -> None:
        """Fetch the reactions on the newest posts after a lost connection."""
        await self.discussion.reconcile_recent_posts(self._fetch_reactions)

    async def _fetch_reactions(self, post: Post) -> dict[str, frozenset[str]]:
        """Return the user ids by reaction. The app's own reactions are left out."""
        answer = await self.client.reactions_get(
            channel=post.channel.channel, timestamp=post.message_id, full=True
        )
        reactions = (answer.get("message") or {}).get("reactions", [])
        return {one["name"]: frozenset(one["users"]) - {self.bot_user} for one in reactions}

    # Other events.

    async def _on_mention(self, event: Payload, body: Payload) -> None:
        async with self._handle_request(""):
            if await self._is_new_event(body):
                help_ = present_digest_help(self.settings.paper_command, self.settings.digest_command)
                channel = self._channel_from_id(event["channel"])
                await self._post_ephemeral(channel, event["user"], help_, thread=event.get("thread_ts"))

    async def _on_home(self, event: Payload) -> None:
        if event.get("tab") != "home":
            return
        async with self._handle_request(""):
            person = await self.profiles.fetch_person(event["user"])
            message = await run_interactive(
                self.answers.queue.show_home, self.platform.name, self.workspace, person
            )
            (page, *_) = render(message, DigestStyle.COMPACT)
            view = {
                "type": "home",
                "blocks": [
                    *page.payload["blocks"],
                    *await run_interactive(self._build_channel_blocks),
                    _LOOK_UP_BLOCK,
                ],
            }
            await self.client.views_publish(user_id=event["user"], view=view)

    def _build_channel_blocks(self) -> list[dict[str, Any]]:
        """List the channels that get a digest.

        Slack turns the ids into names and hides them from non-members.
        """
        ours = [
            one
            for one in self.answers.store.subscriptions.list_active()
            if one.channel.platform == self.platform.name
        ]
        lines = [_describe_digest(one) for one in ours[:MAX_DIGESTS]]
        lines += [f"and {len(ours) - MAX_DIGESTS:,} more"] if len(ours) > MAX_DIGESTS else []
        text = (
            "\n".join(lines)
            or f"No channel gets a digest yet: type {self.settings.digest_command} subscribe in one."
        )
        return [
            {"type": "divider"},
            {"type": "section", "text": {"type": "mrkdwn", "text": f"*Digests*\n{text}", "verbatim": True}},
        ]

    async def _on_links(self, event: Payload, body: Payload) -> None:
        if not self.settings.unfurl_arxiv:
            return
        async with self._handle_request(""):
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
                    unfurls[link["url"]] = {"blocks": _build_short_card(message)}
            if unfurls:
                target = (
                    {"unfurl_id": event["unfurl_id"], "source": event["source"]}
                    if event.get("unfurl_id")
                    else {"channel": event["channel"], "ts": event["message_ts"]}
                )
                await self.client.api_call("chat.unfurl", json={**target, "unfurls": unfurls})

    async def _on_bot_joined(self, event: Payload, body: Payload) -> None:
        if event.get("user") != self.bot_user:
            return
        async with self._handle_request(""):
            channel = self._channel_from_id(event["channel"])
            if not await self._is_new_event(body):
                return
            if await self.dispatcher.start_digest(channel):
                return
            if not await run_interactive(self._has_digest, channel):
                hello = present_greeting(self.settings.paper_command, self.settings.digest_command)
                await announce_message(hello, channel, self.platform)

    async def _on_channel_gone(self, event: Payload) -> None:
        async with self._handle_request(""):
            channel = self._channel_from_id(_channel_id_of(event))
            reasons = {"archive": "the channel was archived.", "deleted": "the channel was deleted."}
            reason = reasons.get(
                str(event["type"]).partition("_")[2], "Paperround was removed from the channel."
            )
            find = self.answers.store.subscriptions.find
            subscription = await run_interactive(find, channel)
            await self.dispatcher.stop_subscriptions([subscription] if subscription else [], reason)

    async def _on_channel_back(self, event: Payload) -> None:
        async with self._handle_request(""):
            channel = self._channel_from_id(_channel_id_of(event))
            await self.dispatcher.start_digest(channel)

    async def _on_app_removed(self, event: Payload) -> None:
        tokens = event.get("tokens")
        if tokens and not tokens.get("bot"):
            return  # A person's own token; the app has none.
        log.error(
            "Slack took the app's rights away (%s): nothing can be posted there until the app is installed again "
            "and SLACK_BOT_TOKEN is set to its new token.",
            event.get("type"),
        )

    async def _on_other_event(self, event: Payload) -> None:
        log.debug("an event nobody asked for: %s", event.get("type"))

    # What all of them need.

    def _channel_from_id(self, channel_id: str) -> Channel:
        return Channel(self.platform.name, channel_id, self.workspace)

    async def _is_new_event(self, body: Payload) -> bool:
        """Return True if this event was not received before."""
        event = str(body.get("event_id", ""))
        return not event or await run_interactive(
            self.answers.store.events.record_once, event, now=self.clock()
        )

    async def _post_ephemeral(
        self, channel: Channel, user: str, message: Message, thread: str | None = None
    ) -> None:
        """Post a message in a channel that only one person sees."""
        for page in render(message, DigestStyle.COMPACT):
            arguments = {
                "channel": channel.channel,
                "user": user,
                "text": page.payload["text"],
                "blocks": page.payload["blocks"],
            }
            await self.client.api_call(
                "chat.postEphemeral", json=arguments | ({"thread_ts": thread} if thread else {})
            )

    @asynccontextmanager
    async def _handle_request(
        self, response_url: str, channel: Channel | None = None, user: str = "", body: Payload | None = None
    ) -> AsyncIterator[Responder]:
        """Run work that is completed before the process ends.

        An error is logged and reported to the person who asked.

        Without a response_url and a channel, `body` is used to open a modal for the answer.
        """

        async def respond(message: Message, *, replace: bool = False) -> None:
            if body and not response_url and not (channel and channel.channel):
                await self._open_window(body, message)
            else:
                await self._send_response(response_url, channel, user, message, replace=replace)

        with self.dispatcher.track_task():
            try:
                async with self.dispatcher.explain_errors(respond):
                    yield respond
            except Exception:
                log.exception("an answer could not be given")

    async def _send_response(
        self, url: str, channel: Channel | None, user: str, message: Message, *, replace: bool
    ) -> None:
        """Send a message to the response URL. If the URL has expired, post an ephemeral message instead."""
        if not url:
            if channel and channel.channel and user:
                await self._post_ephemeral(channel, user, message)
            return
        style = DigestStyle.CARDS if len(message.cards) == 1 else DigestStyle.COMPACT
        for number, page in enumerate(render(message, style)[:MAX_REPLY_PAGES]):
            hook = AsyncWebhookClient(url, session=self.client.session, proxy=self.client.proxy)
            hook.proxy = self.client.proxy  # The library would take one from the environment.
            answer = await hook.send(
                text=page.payload["text"],
                blocks=list(page.payload["blocks"]),
                response_type="ephemeral",
                replace_original=replace and number == 0,
            )
            if answer.status_code != 200:
                log.warning("an answer was not taken: %s %s", answer.status_code, answer.body[:200])
                if channel and channel.channel and user:
                    await self._post_ephemeral(channel, user, message)
                return


def _describe_digest(subscription: Subscription) -> str:
    """Return a line such as "<#C1> at 09:00 (Europe/Berlin)", or the reason why no digest comes.

    The channel link is its only markup.
    """
    link = f"<#{subscription.channel.channel}>"
    if subscription.stop_reason:
        return f"{link}: stopped"
    if subscription.paused_by:
        return f"{link}: paused"
    return f"{link} at {subscription.schedule.at:%H:%M} ({subscription.schedule.time_zone})"


def _build_short_card(message: Message) -> list[dict[str, Any]]:
    """Build a card to unfurl a link. It has no buttons, because it belongs to another person's message."""
    (page, *_) = render(
        Message(message.summary, tuple(b for b in message.blocks if isinstance(b, Card))), DigestStyle.CARDS
    )
    return [block for block in page.payload["blocks"] if block["type"] != "actions"]


def _channel_id_of(event: Payload) -> str:
    channel = event.get("channel", "")
    return str(channel.get("id", "")) if isinstance(channel, dict) else str(channel)


def _parse_timestamp(ts: str) -> datetime:
    """Convert a timestamp of Slack, such as "1700000000.000200", to a datetime."""
    return datetime.fromtimestamp(float(ts), UTC)


_LOOK_UP_BLOCK: dict[str, Any] = {
    "type": "input",
    "block_id": LOOK_UP_ACTION_ID,
    "dispatch_action": True,
    "label": {"type": "plain_text", "text": "Look a paper up"},
    "element": {
        "type": "plain_text_input",
        "action_id": LOOK_UP_ACTION_ID,
        "placeholder": {"type": "plain_text", "text": "2402.01306, an address, or words"},
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    },
}
