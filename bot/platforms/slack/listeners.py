"""What people do in Slack, and what becomes of it: payloads in, replies out.

Everything is acknowledged before any work is done: Slack waits three seconds, and people less.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.answer import Answers, greeting, sentence, without_sharing
from bot.commands import digest_help
from bot.discuss import SAY_WHICH, Discussion, Emojis, chosen_sentence, tapped_sentence
from bot.form import FormError
from bot.message import Action, Card, Message
from bot.platforms import PostError
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.errors import said
from bot.platforms.slack.forms import ERROR_UNITS, FIRST_FIELD, FORM, errors_of, read_view, settings_view
from bot.platforms.slack.manifest import MARK_SHORTCUT
from bot.platforms.slack.profiles import Profiles
from bot.platforms.slack.render import render
from bot.tell import announce, share
from config.settings import Slack
from digests.errors import PaperroundError
from digests.ids import names_paper
from digests.model import Channel, Post, Style, Subscription
from digests.text import clip

log = logging.getLogger(__name__)

Payload = Mapping[str, Any]

KEYCAPS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "keycap_ten")
"""The names of the keycap emojis 1 to 10, as Slack's reactions call them."""

LOOK_UP = "look_up"
"""The action_id of the look-up box on a person's page."""

MOST_LINKS = 5
"""Links of one message that get a card."""
MOST_DIGESTS = 20
"""Channels that a person's own page names."""
VIEW_BLOCKS = 100
"""Blocks of a view (https://docs.slack.dev/reference/views)."""
MESSAGE_PAGES = 4
"""Pages of a reply: a response_url takes five messages, and one is kept for what is said next."""


@dataclass(slots=True)
class Listeners:
    """Listens to one workspace. `client` may wait for rate limits; `bot_user` is the app's own user id."""

    answers: Answers
    platform: SlackPlatform
    client: AsyncWebClient
    settings: Slack
    workspace: str
    bot_user: str
    clock: Callable[[], datetime]
    discussion: Discussion = field(init=False)
    profiles: Profiles = field(init=False)
    _at_work: set[asyncio.Task[Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.profiles = Profiles(self.client, self.clock)
        emojis = Emojis(self.settings.mark_emoji, KEYCAPS)
        self.discussion = Discussion(self.answers.store, self.platform, emojis, self.clock)

    def register(self, app: AsyncApp) -> None:
        """Every event that the manifest subscribes has a listener: one without is told to us again and again."""
        app.command(self.settings.paper_command)(self._on_paper)
        app.command(self.settings.digest_command)(self._on_digest)
        app.action(re.compile(r"^discuss(\.\d+)?$"))(self._on_discuss)
        app.action(LOOK_UP)(self._on_look_up)
        app.action(re.compile(".*"))(self._on_button)
        app.view(FORM)(self._on_form)
        app.shortcut(MARK_SHORTCUT)(self._on_shortcut)
        app.event("reaction_added")(self._on_reaction)
        app.event("reaction_removed")(self._on_reaction)
        app.event("app_mention")(self._on_mention)
        app.event("app_home_opened")(self._on_home)
        app.event("link_shared")(self._on_links)
        app.event("member_joined_channel")(self._on_joined)
        for room in ("channel", "group"):
            for what in ("archive", "deleted", "left"):
                app.event(f"{room}_{what}")(self._on_channel_gone)
            app.event(f"{room}_unarchive")(self._on_channel_back)
        app.event("app_uninstalled")(self._on_removed)
        app.event("tokens_revoked")(self._on_removed)
        app.event(re.compile(".*"))(self._on_other_event)

    async def drain(self, seconds: float) -> None:
        """Let what is under way finish, for so long; then show the last numbers."""
        if self._at_work:
            await asyncio.wait(set(self._at_work), timeout=seconds)
        await self.discussion.counts.finish()

    # Commands.

    async def _on_paper(self, ack: Callable[[], Awaitable[None]], command: Payload) -> None:
        await ack()
        async with self._work(command["response_url"]) as respond:
            reply = await asyncio.to_thread(self.answers.paper, command.get("text", ""))
            await respond(reply.message)

    async def _on_digest(self, ack: Callable[[], Awaitable[None]], command: Payload) -> None:
        await ack()
        async with self._work(command["response_url"]) as respond:
            channel = self._channel(command["channel_id"])
            person = await self.profiles.person(command["user_id"])
            text = command.get("text", "")
            if re.match(r"\s*(subscribe|settings|resume)\b", text, re.IGNORECASE):
                await self._require_membership(channel)
            reply = await asyncio.to_thread(self.answers.digest, text, channel, person)
            if reply.form:
                view = settings_view(
                    reply.form,
                    channel_id=channel.channel,
                    channel_name=command.get("channel_name", ""),
                    exists=await asyncio.to_thread(self._has_digest, channel),
                )
                await self.client.views_open(trigger_id=command["trigger_id"], view=view)
                return
            await respond(reply.message)
            await announce(reply.announcement, channel, self.platform)

    def _has_digest(self, channel: Channel) -> bool:
        return self.answers.store.subscriptions.find(channel) is not None

    async def _require_membership(self, channel: Channel) -> None:
        """Nothing is promised to a channel that cannot be posted to."""
        invite = (
            "I am not in this channel, so nothing was changed: type /invite @paperround here, then try again."
        )
        if channel.channel.startswith("D"):
            raise PaperroundError("A digest belongs into a channel: invite me into one, and type this there.")
        try:
            known = await self.client.conversations_info(channel=channel.channel)
        except SlackApiError as error:
            if said(error.response).get("error") == "channel_not_found":
                raise PaperroundError(invite) from error
            raise
        if not (known.get("channel") or {}).get("is_member"):
            raise PaperroundError(invite)

    # Forms.

    async def _on_form(self, ack: Callable[..., Awaitable[None]], body: Payload) -> None:
        """A form is checked before it is acknowledged, so that what is wrong stands beside its field."""
        channel_id, form = read_view(body["view"])
        channel = self._channel(channel_id)
        person = await self.profiles.person(body["user"]["id"])
        try:
            reply = await asyncio.to_thread(self.answers.save, form, channel, person)
        except FormError as error:
            await ack(response_action="errors", errors=errors_of(error))
            return
        except PaperroundError as error:
            await ack(response_action="errors", errors={FIRST_FIELD: clip(str(error), ERROR_UNITS)})
            return
        except Exception:
            await ack(response_action="errors", errors={FIRST_FIELD: _unexpected()})
            return
        await ack()
        async with self._work("", channel, person.id):
            await announce(reply.announcement, channel, self.platform)

    # Buttons.

    async def _on_button(self, ack: Callable[[], Awaitable[None]], body: Payload, action: Payload) -> None:
        await ack()
        wanted = str(action.get("action_id", "")).partition(".")[0]
        value = str(action.get("value") or "")
        channel_id = (body.get("channel") or {}).get("id", "")
        channel = self._channel(channel_id)
        async with self._work(body.get("response_url", ""), channel, body["user"]["id"], body) as respond:
            match wanted:
                case Action.SHOW:
                    await respond((await asyncio.to_thread(self.answers.show, value)).message, replace=True)
                case Action.REVIEW:
                    await respond((await asyncio.to_thread(self.answers.review, value)).message)
                case Action.SHARE:
                    person = await self.profiles.person(body["user"]["id"])
                    await share(value, channel, person, answers=self.answers, platform=self.platform)
                    await respond(sentence("Shared with the channel."), replace=True)
                case Action.UNDO if value.isdigit():
                    person = await self.profiles.person(body["user"]["id"])
                    reply = await asyncio.to_thread(self.answers.undo, int(value), channel, person)
                    await announce(reply.announcement, channel, self.platform)
                case Action.DISCUSSED:
                    queue = await asyncio.to_thread(self.answers.discussed, value, channel)
                    await respond(queue, replace=True)
                case Action.RELEASE | Action.REJECT:
                    person = await self.profiles.person(body["user"]["id"])
                    left = await asyncio.to_thread(
                        self.answers.decide, value, person, release=wanted == Action.RELEASE
                    )
                    await respond(left, replace=True)
                case _:
                    raise PaperroundError(
                        f"This button is from an older Paperround and does nothing any more; "
                        f"{self.settings.paper_command} and {self.settings.digest_command} do it now."
                    )

    async def _on_look_up(self, ack: Callable[[], Awaitable[None]], body: Payload, action: Payload) -> None:
        await ack()
        async with self._work("", None, body["user"]["id"], body) as respond:
            reply = await asyncio.to_thread(self.answers.paper, str(action.get("value") or ""))
            await respond(reply.message)

    async def _open(self, body: Payload, message: Message) -> None:
        """A message in a window of its own, where there is no channel to share to; on top of one that is open."""
        pages = render(without_sharing(message), Style.COMPACT)
        view = {
            "type": "modal",
            "title": {"type": "plain_text", "text": "Paperround"},
            "close": {"type": "plain_text", "text": "Close"},
            "blocks": [block for page in pages for block in page.payload["blocks"]][:VIEW_BLOCKS],
        }
        on_top = (body.get("view") or {}).get("type") == "modal"
        show = self.client.views_push if on_top else self.client.views_open
        await show(trigger_id=body["trigger_id"], view=view)

    # Marks.

    async def _on_discuss(self, ack: Callable[[], Awaitable[None]], body: Payload, action: Payload) -> None:
        await ack()
        user = body["user"]["id"]
        channel = self._channel((body.get("channel") or {}).get("id", ""))
        async with self._work(body.get("response_url", ""), channel, user, body) as respond:
            on = await self.discussion.toggle(channel, str(action["value"]), user)
            await respond(sentence(tapped_sentence(on, self.settings.digest_command)))

    async def _on_shortcut(self, ack: Callable[[], Awaitable[None]], body: Payload) -> None:
        await ack()
        user, message = body["user"]["id"], body["message"]
        channel = self._channel(body["channel"]["id"])
        async with self._work(body.get("response_url", ""), channel, user) as respond:
            paper = await self.discussion.paper_in(
                channel, str(message.get("ts", "")), str(message.get("text", ""))
            )
            on = await self.discussion.toggle(channel, paper, user)
            await respond(sentence(chosen_sentence(on, self.settings.digest_command)))

    async def _on_reaction(self, event: Payload, body: Payload) -> None:
        item, emoji, user = event.get("item") or {}, str(event.get("reaction", "")), event["user"]
        if item.get("type") != "message" or not self.discussion.emojis.mean_a_mark(emoji):
            return
        async with self._work(""):
            if not await self._first(body):
                return
            channel, on, at = (
                self._channel(item["channel"]),
                event["type"] == "reaction_added",
                _instant(event["event_ts"]),
            )
            if not await self.discussion.reacted(channel, item["ts"], emoji, user, on=on, at=at):
                await self._whisper(channel, user, sentence(SAY_WHICH))

    async def catch_up(self) -> None:
        """After a gap the reactions on the newest posts are asked for."""
        await self.discussion.catch_up(self._people)

    async def _people(self, post: Post) -> dict[str, frozenset[str]]:
        """Who reacted with what; the app's own reactions are no marks."""
        answer = await self.client.reactions_get(
            channel=post.channel.channel, timestamp=post.message, full=True
        )
        reactions = (answer.get("message") or {}).get("reactions", [])
        return {one["name"]: frozenset(one["users"]) - {self.bot_user} for one in reactions}

    # Other events.

    async def _on_mention(self, event: Payload, body: Payload) -> None:
        async with self._work(""):
            if await self._first(body):
                help_ = digest_help(self.settings.paper_command, self.settings.digest_command)
                channel = self._channel(event["channel"])
                await self._whisper(channel, event["user"], help_, thread=event.get("thread_ts"))

    async def _on_home(self, event: Payload) -> None:
        if event.get("tab") != "home":
            return
        async with self._work(""):
            person = await self.profiles.person(event["user"])
            message = await asyncio.to_thread(self.answers.home, self.platform.name, self.workspace, person)
            (page, *_) = render(message, Style.COMPACT)
            view = {
                "type": "home",
                "blocks": [
                    *page.payload["blocks"],
                    *await asyncio.to_thread(self._channels_blocks),
                    _LOOK_UP_BOX,
                ],
            }
            await self.client.views_publish(user_id=event["user"], view=view)

    def _channels_blocks(self) -> list[dict[str, Any]]:
        """Which channels get a digest; only Slack can turn a channel's id into its name, and hides it from outsiders."""
        ours = [
            one
            for one in self.answers.store.subscriptions.all()
            if one.channel.platform == self.platform.name
        ]
        lines = [_digest_line(one) for one in ours[:MOST_DIGESTS]]
        lines += [f"and {len(ours) - MOST_DIGESTS:,} more"] if len(ours) > MOST_DIGESTS else []
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
        async with self._work(""):
            if not await self._first(body):
                return
            unfurls = {}
            for link in event.get("links", [])[:MOST_LINKS]:
                named = names_paper(link["url"])
                message = await asyncio.to_thread(self.answers.glimpse, named.id) if named else None
                if message:
                    unfurls[link["url"]] = {"blocks": _short_card(message)}
            if unfurls:
                where = (
                    {"unfurl_id": event["unfurl_id"], "source": event["source"]}
                    if event.get("unfurl_id")
                    else {"channel": event["channel"], "ts": event["message_ts"]}
                )
                await self.client.api_call("chat.unfurl", json={**where, "unfurls": unfurls})

    async def _on_joined(self, event: Payload, body: Payload) -> None:
        if event.get("user") != self.bot_user:
            return
        async with self._work(""):
            channel = self._channel(event["channel"])
            if not await self._first(body):
                return
            if await asyncio.to_thread(self.answers.store.subscriptions.start, channel, now=self.clock()):
                log.info("%s takes digests again", channel)
            elif not await asyncio.to_thread(self._has_digest, channel):
                hello = greeting(self.settings.paper_command, self.settings.digest_command)
                await announce(hello, channel, self.platform)

    async def _on_channel_gone(self, event: Payload) -> None:
        async with self._work(""):
            channel = self._channel(_channel_id(event))
            reasons = {"archive": "the channel was archived.", "deleted": "the channel was deleted."}
            reason = reasons.get(
                str(event["type"]).partition("_")[2], "Paperround was removed from the channel."
            )
            store = self.answers.store.subscriptions
            one = await asyncio.to_thread(store.find, channel)
            if await asyncio.to_thread(store.stop, channel, reason):
                log.warning("%s gets no more digests: %s", channel, reason)
                if one and one.owner:  # Since the channel cannot be told.
                    told = f"The digest that you set up comes no more: {reason}"
                    await self.platform.tell(channel, one.owner, sentence(told))

    async def _on_channel_back(self, event: Payload) -> None:
        async with self._work(""):
            channel = self._channel(_channel_id(event))
            if await asyncio.to_thread(self.answers.store.subscriptions.start, channel, now=self.clock()):
                log.info("%s takes digests again", channel)

    async def _on_removed(self, event: Payload) -> None:
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

    def _channel(self, channel_id: str) -> Channel:
        return Channel(self.platform.name, channel_id, self.workspace)

    async def _first(self, body: Payload) -> bool:
        """Whether this event was not told before."""
        event = str(body.get("event_id", ""))
        return not event or await asyncio.to_thread(self.answers.store.events.first, event, now=self.clock())

    async def _whisper(
        self, channel: Channel, user: str, message: Message, thread: str | None = None
    ) -> None:
        """A message for one person in a channel."""
        for page in render(message, Style.COMPACT):
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
    async def _work(
        self, response_url: str, channel: Channel | None = None, user: str = "", body: Payload | None = None
    ) -> AsyncIterator[Callable[..., Awaitable[None]]]:
        """Work that is finished before the process ends. A fault is a sentence for whoever asked, and a line in the log.

        Where there is neither a response_url nor a channel, `body` is what opens a window for the answer.
        """
        task = asyncio.current_task()
        if task:
            self._at_work.add(task)

        async def respond(message: Message, *, replace: bool = False) -> None:
            if body and not response_url and not (channel and channel.channel):
                await self._open(body, message)
            else:
                await self._respond(response_url, channel, user, message, replace=replace)

        try:
            try:
                yield respond
            except (PaperroundError, PostError) as error:
                await respond(sentence(str(error)))
            except Exception:
                await respond(sentence(_unexpected()))
        except Exception:
            log.exception("an answer could not be given")
        finally:
            if task:
                self._at_work.discard(task)

    async def _respond(
        self, url: str, channel: Channel | None, user: str, message: Message, *, replace: bool
    ) -> None:
        """To where the person asked; where that is not taken any more, as a new message for that person alone."""
        if not url:
            if channel and channel.channel and user:
                await self._whisper(channel, user, message)
            return
        style = Style.CARDS if len(message.cards) == 1 else Style.COMPACT
        for number, page in enumerate(render(message, style)[:MESSAGE_PAGES]):
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
                    await self._whisper(channel, user, message)
                return


def _unexpected() -> str:
    """What a person is told of a fault of ours; the log has the rest of it under the same number."""
    number = secrets.token_hex(3)
    log.exception("a request failed, number %s", number)
    return f"Something went wrong here; the log says more under number {number}."


def _digest_line(one: Subscription) -> str:
    """<#C1> at 09:00 (Europe/Berlin), or why nothing comes; Slack's own link is the only markup in it."""
    link = f"<#{one.channel.channel}>"
    if one.stopped:
        return f"{link}: stopped"
    if one.paused_by:
        return f"{link}: paused"
    return f"{link} at {one.schedule.at:%H:%M} ({one.schedule.time_zone})"


def _short_card(message: Message) -> list[dict[str, Any]]:
    """A card for under somebody's link: without buttons, since it belongs to their message."""
    (page, *_) = render(
        Message(message.summary, tuple(b for b in message.blocks if isinstance(b, Card))), Style.CARDS
    )
    return [block for block in page.payload["blocks"] if block["type"] != "actions"]


def _channel_id(event: Payload) -> str:
    channel = event.get("channel", "")
    return str(channel.get("id", "")) if isinstance(channel, dict) else str(channel)


def _instant(ts: str) -> datetime:
    """Slack's "1700000000.000200" as an instant."""
    return datetime.fromtimestamp(float(ts), UTC)


_LOOK_UP_BOX: dict[str, Any] = {
    "type": "input",
    "block_id": LOOK_UP,
    "dispatch_action": True,
    "label": {"type": "plain_text", "text": "Look a paper up"},
    "element": {
        "type": "plain_text_input",
        "action_id": LOOK_UP,
        "placeholder": {"type": "plain_text", "text": "2402.01306, an address, or words"},
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    },
}
