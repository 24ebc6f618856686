"""A strict Slack in memory, over real HTTP and WebSocket: an unmodified app runs against it.

It refuses every request that Slack refuses, and injects faults. `python -m tests.fakes.slack` serves it for
trials by hand.
"""

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json
import math
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Container, Coroutine, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import StrEnum
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

import aiohttp
from aiohttp import WSMsgType, web

from tests.fakes.slack_blocks import (
    MAX_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    count_characters,
    count_total_characters,
    faults_of_blocks,
    faults_of_suggestions,
    faults_of_view,
)
from tests.fakes.wire import WAIT_SECONDS, parse_port, stop_server

DEFAULT_PORT = 8765


Json = dict[str, Any]

ACK_SECONDS = 3.0
MAX_RESPONSE_USES, RESPONSE_SECONDS = 5, 30 * 60
TRIGGER_SECONDS = 3.0
MAX_SOCKETS = 10

ALL_SCOPES = frozenset(
    ["commands", "chat:write", "reactions:read", "channels:read", "groups:read", "channels:history",
     "groups:history", "im:history", "app_mentions:read", "users:read", "links:read", "links:write",
     "files:write"]
)  # fmt: skip

NEEDS = {
    "chat.postMessage": "chat:write", "chat.postEphemeral": "chat:write", "chat.update": "chat:write",
    "conversations.info": "channels:read", "conversations.history": "channels:history",
    "conversations.replies": "channels:history", "reactions.get": "reactions:read",
    "users.info": "users:read", "users.conversations": "channels:read",
    "chat.unfurl": "links:write", "conversations.leave": "channels:manage",
    "files.getUploadURLExternal": "files:write", "files.completeUploadExternal": "files:write",
}  # fmt: skip
EVENT_NEEDS = {
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "app_mention": "app_mentions:read",
    "link_shared": "links:read",
    "message.im": "im:history",
    "message.channel": "channels:history",
    "message.group": "groups:history",
}
KNOWN_ARGUMENTS = {
    "chat.postMessage": {
        "channel",
        "text",
        "blocks",
        "thread_ts",
        "metadata",
        "unfurl_links",
        "unfurl_media",
    },
    "chat.update": {"channel", "ts", "text", "blocks", "metadata"},
    "chat.postEphemeral": {"channel", "user", "text", "blocks", "thread_ts"},
    "files.getUploadURLExternal": {"filename", "length", "alt_txt", "snippet_type"},
    "files.completeUploadExternal": {"files", "channel_id", "thread_ts", "initial_comment"},
}


UPLOAD = "upload"
"""Name of the request that sends a file's bytes, among the methods."""

IMAGE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")
"""First bytes of the pictures that an image block can show."""


class SlackFault(StrEnum):
    """The fault of a call."""

    SERVER_ERROR = "500, nothing done"
    SERVER_ERROR_AFTER = "500, but done"
    DROP_BEFORE = "connection closed, nothing done"
    DROP_AFTER = "connection closed, but done"
    INTERNAL_ERROR_AFTER = "ok false, but done"
    RATE_LIMITED = "429"
    GARBAGE = "a page of HTML"
    SLOW_AFTER = "done, and no answer for a long time"
    SLOW_BEFORE = "done after a while, when nobody waits any more"


@dataclass(slots=True)
class SlackChannel:
    id: str
    name: str
    members: set[str]
    is_archived: bool = False
    is_private: bool = False
    absent: set[str] = field(default_factory=set)
    """People who are not in the channel; all others are."""
    messages: list[Json] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)


@dataclass(slots=True)
class SlackFile:
    """A file of the app. `content` is None until its bytes have come."""

    id: str
    name: str
    length: int
    content: bytes | None = None
    completed_at: float | None = None
    shared_with: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SlackInteraction:
    """An interaction of a person with its result."""

    trigger: str
    ack: Json | None = None
    is_acked: bool = False
    ack_delay: float = 0.0
    is_in_modal: bool = False
    responses: list[Json] = field(default_factory=list)
    views: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class _ResponseUrl:
    interaction: SlackInteraction
    created_at: float
    uses: int = 0


@dataclass(slots=True)
class FakeSlack:
    """One workspace with one app. `tests.fakes.slack_link` serves several of them with one app.

    `tokens` are further bot tokens that are valid. A workspace with an `enterprise_id` belongs to an
    organization. Use as an async context manager; all times come from `clock`.

    `default_fault` returns the fault of a method for which none is injected. A message appears in the history
    after `history_lag` seconds of the clock. In real seconds, `late_seconds` is the delay of a call with the
    fault `SLOW_BEFORE`, `latency` that of every answer. A rate limit asks to wait `limit_seconds`.
    A file can be shown `file_lag` seconds of the clock after its upload was completed. `upload_error` refuses
    every upload. A method that reads the history can be called `history_per_minute` times in 60 seconds of
    the clock: 50 is Slack's tier 3, 1 that of an app which is distributed outside of its Marketplace.
    `odd_answers` replace the normal answers, by method; the call takes effect.
    """

    clock: Callable[[], float] = time.time
    port: int = 0
    scopes: set[str] = field(default_factory=lambda: set(ALL_SCOPES))
    bot_token: str = "xoxb-right"
    tokens: set[str] = field(default_factory=set)
    app_token: str = "xapp-right"
    signing_secret: str = "s3cret"
    team_id: str = "T1"
    enterprise_id: str = ""
    name: str = "The lab"
    bot_user: str = "UBOT"
    bot_id: str = "BBOT"
    http_endpoint: str = ""
    rate_limits: bool = True
    burst: int = 5
    ack_seconds: float = ACK_SECONDS
    trigger_seconds: float = TRIGGER_SECONDS
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    refuses_containers: bool = False
    history_limit: int = 15
    is_enterprise_install: bool = False
    response_path: str = "response"
    history_per_minute: int = 50
    history_lag: float = 0.0
    file_lag: float = 0.0
    upload_error: str = ""
    late_seconds: float = 3.0
    latency: float = 0.0
    limit_seconds: int = 1
    odd_answers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(
        default_factory=dict
    )
    default_fault: Callable[[str], SlackFault | None] = lambda method: None
    channels: dict[str, SlackChannel] = field(default_factory=dict)
    users: dict[str, Json] = field(default_factory=dict)
    homes: dict[str, Json] = field(default_factory=dict)
    views: list[Json] = field(default_factory=list)
    ephemerals: list[Json] = field(default_factory=list)
    unfurls: list[Json] = field(default_factory=list)
    files: dict[str, SlackFile] = field(default_factory=dict)
    """Files by their ids, in the order in which addresses for them were asked for."""
    calls: list[tuple[str, Json]] = field(default_factory=list)
    protocol_errors: list[str] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    sockets_opened: int = 0
    token_error: str = ""
    upgrade_refusals: int = 0
    skipped_hellos: int = 0
    is_without_pongs: bool = False
    url: str = ""
    history_times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _faults: dict[tuple[str, str], list[SlackFault]] = field(default_factory=lambda: defaultdict(list))
    _tickets: set[str] = field(default_factory=set)
    _triggers: dict[str, tuple[float, SlackInteraction]] = field(default_factory=dict)
    _suggestions: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    _uploads: dict[str, SlackFile] = field(default_factory=dict)
    _urls: dict[str, _ResponseUrl] = field(default_factory=dict)
    _acks: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _runner: web.AppRunner | None = None
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    # The server.

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/api/{method}", self._serve_api)
        app.router.add_get("/link", self._serve_socket)
        app.router.add_post("/upload/v1/{ticket}", self._serve_upload)
        app.router.add_post("/response/{id}", self._serve_response_url)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/api/"
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for socket in list(self.sockets):
            await socket.close()
        if self._runner:
            await stop_server(self._runner)

    async def wait_until(
        self,
        condition: Callable[[], object],
        seconds: float = WAIT_SECONDS,
        *,
        wake_task: asyncio.Task[Any] | None = None,
    ) -> None:
        """Wait until the condition is true. It is checked after each call and when `wake_task` ends.

        Raises AssertionError with the last calls.
        """
        if wake_task:
            wake_task.add_done_callback(lambda _: self._start_task(self._notify_waiters()))
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: bool(condition()))
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s; the last calls: {self.calls[-8:]}") from None

    def _start_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _notify_waiters(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _next_number(self) -> int:
        return next(self._numbers)

    def _next_ts(self) -> str:
        return f"{int(self.clock())}.{self._next_number():06d}"

    # The workspace.

    def add_user(self, name: str, *, tz: str = "Europe/Berlin", is_admin: bool = False) -> str:
        user = _create_id("U", name.upper(), self.users)
        profile = {"display_name": name}
        self.users[user] = {
            "id": user,
            "team_id": self.team_id,
            "name": name,
            "tz": tz,
            "is_admin": is_admin,
            "is_owner": False,
            "profile": profile,
        }
        return user

    def add_channel(self, name: str, *, bot_in: bool = True, is_private: bool = False) -> str:
        new_id = _create_id("C", name.upper(), self.channels)
        channel = SlackChannel(new_id, name, {self.bot_user} if bot_in else set(), is_private=is_private)
        self.channels[channel.id] = channel
        return channel.id

    def open_dm(self, user: str) -> str:
        """Return the conversation of a person with the app; it is created if missing."""
        direct = self._open_conversation(user)
        assert direct
        return direct.id

    def messages_in(self, channel: str) -> list[Json]:
        """Return the messages of a channel, oldest first."""
        return self.channels[channel].messages

    def ephemeral_text(self, channel: str) -> str:
        """Return the text of all ephemeral messages in a channel."""
        return "\n".join(read_text(one["blocks"]) for one in self.ephemerals if one["channel"] == channel)

    def fail_next(self, method: str, *faults: SlackFault, channel: str = "") -> None:
        """Inject one fault into each of the next calls of a method, or of those about `channel`."""
        self._faults[method, channel] += faults

    def _next_fault(self, method: str, arguments: Json) -> SlackFault | None:
        for channel in (str(arguments.get("channel", "")), ""):
            if waiting := self._faults.get((method, channel)):
                return waiting.pop(0)
        return self.default_fault(method)

    def calls_of(self, method: str) -> list[Json]:
        """Return the arguments of all calls of a method, including failed ones."""
        return [arguments for name, arguments in self.calls if name == method]

    # Actions of people.

    async def run_command(self, name: str, text: str = "", *, user: str, channel: str) -> SlackInteraction:
        interaction, extra = self._start_interaction()
        payload = {
            "command": name, "text": text, "user_id": user, "channel_id": channel, "team_id": self.team_id,
            "channel_name": self.channels[channel].name if channel in self.channels else "directmessage",
            "token": "gone", "api_app_id": "A1",
            "is_enterprise_install": str(self.is_enterprise_install).lower(),
            **self._name_enterprise(), **extra,
        }  # fmt: skip
        return await self._deliver_interaction("slash_commands", payload, interaction)

    async def click_button(
        self, action_id: str, *, user: str, channel: str = "", value: str | None = None, within: Json
    ) -> SlackInteraction:
        """Click a button, choose from a menu, or enter a text, in a message, a response, or a view.

        `action_id` may also be the start of an overflow menu's option. Fails if it is not there.
        """
        found = [
            element for element in find_elements(within.get("blocks", []))
            if (element["action_id"] == action_id and value in (None, element.get("value", value)))
            # Of a pair of feedback buttons the values are "right" and None.
            or find_option(element, action_id, value)
        ]  # fmt: skip
        assert found, (
            f"no {action_id} {value or ''} there: {[e['action_id'] for e in find_elements(within['blocks'])]}"
        )
        interaction, extra = self._start_interaction()
        in_view = within.get("type") in ("modal", "home")
        action = {
            "type": found[0]["type"],
            "action_id": found[0]["action_id"],
            "block_id": "b",
            "action_ts": self._next_ts(),
        }
        if found[0]["type"] == "static_select":
            action |= _build_state(found[0], value)
        elif found[0]["type"] == "overflow":
            action["selected_option"] = find_option(found[0], action_id, value)
        elif found[0]["type"] == "feedback_buttons":
            side = "positive_button" if value == "right" else "negative_button"
            action["value"] = found[0][side]["value"]
        else:
            action["value"] = found[0].get("value", value)
        payload: Json = {
            "type": "block_actions",
            "user": {"id": user},
            "team": {"id": self.team_id, **self._name_enterprise()},
            "actions": [action],
        }
        payload |= {"trigger_id": extra["trigger_id"], "api_app_id": "A1"}
        interaction.is_in_modal = within.get("type") == "modal"
        if in_view:
            payload |= {"view": within, "container": {"type": "view", "view_id": within.get("id")}}
        else:
            container = {
                "type": "message",
                "message_ts": within.get("ts", "0"),
                "channel_id": channel,
                "is_ephemeral": "ts" not in within,
            }
            payload |= {
                "channel": {"id": channel},
                "container": container,
                "response_url": extra["response_url"],
                "message": within,
            }
        return await self._deliver_interaction("interactive", payload, interaction)

    async def submit_view(self, view: Json, values: Mapping[str, Any], *, user: str) -> SlackInteraction:
        """Send a modal with its initial values, except for `values` by block_id; days are a list."""
        state: Json = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                element, name = block["element"], block["block_id"]
                given = values.get(name, _initial_value_of(element))
                assert given not in (None, "", []) or block.get("optional"), f"Slack asks to fill in {name}"
                if element["type"] == "external_select":
                    offered = self._suggestions.get((view["id"], name), [])
                    element = {**element, "options": [*offered, element.get("initial_option")]}
                state[name] = {element["action_id"]: _build_state(element, given)}
        interaction, extra = self._start_interaction()
        payload = {
            "type": "view_submission", "user": {"id": user}, "api_app_id": "A1",
            "team": {"id": self.team_id, **self._name_enterprise()},
            "trigger_id": extra["trigger_id"], "view": {**view, "state": {"values": state}},
        }  # fmt: skip
        done = await self._deliver_interaction("interactive", payload, interaction)
        errors = (done.ack or {}).get("errors", {})
        if unknown := set(errors) - {block.get("block_id") for block in view["blocks"]}:
            self.protocol_errors.append(f"errors for blocks that are not in the view: {unknown}")
        if (done.ack or {}).get("response_action") == "update":
            self.protocol_errors += faults_of_view((done.ack or {})["view"])
        return done

    async def type_in_select(self, view: Json, block_id: str, typed: str, *, user: str) -> list[Json]:
        """Type in a select whose options the app gives, and return them. Only these can be sent then."""
        element = next(block["element"] for block in view["blocks"] if block.get("block_id") == block_id)
        assert element["type"] == "external_select", "only the app's own selects ask it for options"
        assert len(typed) >= element.get("min_query_length", 3), "Slack asks for options later"
        payload = {
            "type": "block_suggestion", "user": {"id": user},
            "team": {"id": self.team_id, **self._name_enterprise()},
            "api_app_id": "A1", "action_id": element["action_id"], "block_id": block_id, "value": typed,
            "container": {"type": "view", "view_id": view["id"]}, "view": view,
        }  # fmt: skip
        answer = await self._send_payload("interactive", payload)
        assert answer is not None, "never answered: block_suggestion"
        self.protocol_errors.extend(faults_of_suggestions(answer))
        self._suggestions[view["id"], block_id] = options = answer.get("options", [])
        return list(options)

    async def use_shortcut(
        self, callback_id: str, *, user: str, channel: str, message: Json
    ) -> SlackInteraction:
        interaction, extra = self._start_interaction()
        payload = {
            "type": "message_action", "callback_id": callback_id, "user": {"id": user},
            "team": {"id": self.team_id, **self._name_enterprise()},
            "channel": {"id": channel}, "message": message, "message_ts": message["ts"], "api_app_id": "A1",
            **extra,
        }  # fmt: skip
        return await self._deliver_interaction("interactive", payload, interaction)

    def write_message(self, user: str, channel: str, text: str) -> None:
        """Add a message of a person."""
        message = {"type": "message", "ts": self._next_ts(), "user": user, "text": text, "blocks": []}
        self.channels[channel].messages.append(message)

    async def add_reaction(
        self, user: str, channel: str, ts: str, emoji: str = "bookmark", *, is_dispatched: bool = True
    ) -> Json:
        """Add a reaction and return its event, which is sent to the app if `is_dispatched`."""
        reactions = self._get_message(channel, ts).setdefault("reactions", [])
        one = next((r for r in reactions if r["name"] == emoji), None)
        if one is None:
            reactions.append(one := {"name": emoji, "users": []})
        one["users"].append(user)
        return await self._dispatch_reaction(
            "reaction_added", user, channel, ts, emoji, is_dispatched=is_dispatched
        )

    async def remove_reaction(
        self, user: str, channel: str, ts: str, emoji: str = "bookmark", *, is_dispatched: bool = True
    ) -> Json:
        for one in self._get_message(channel, ts).get("reactions", []):
            if one["name"] == emoji:
                one["users"].remove(user)
        return await self._dispatch_reaction(
            "reaction_removed", user, channel, ts, emoji, is_dispatched=is_dispatched
        )

    async def _dispatch_reaction(
        self, kind: str, user: str, channel: str, ts: str, emoji: str, *, is_dispatched: bool
    ) -> Json:
        event = {
            "type": kind,
            "user": user,
            "reaction": emoji,
            "item": {"type": "message", "channel": channel, "ts": ts},
            "event_ts": self._next_ts(),
        }
        body = self.build_event_body(event)
        if is_dispatched:
            await self.deliver_event(body)
        return body

    def build_event_body(self, event: Json) -> Json:
        number = self._next_number()
        return {
            "type": "event_callback", "team_id": self.team_id, "api_app_id": "A1",
            "event_id": f"Ev{self.team_id}{number}", **self._name_enterprise(),
            "event_time": int(self.clock()), "event": {"event_ts": self._next_ts(), **event},
            "authorizations": [{
                "team_id": self.team_id, "user_id": self.bot_user, "is_bot": True,
                "enterprise_id": self.enterprise_id or None,
                "is_enterprise_install": self.is_enterprise_install,
            }],
        }  # fmt: skip

    def _name_enterprise(self) -> Json:
        return {"enterprise_id": self.enterprise_id} if self.enterprise_id else {}

    async def dispatch_event(self, **event: Any) -> None:
        """Send an event to the app."""
        await self.deliver_event(self.build_event_body(event))

    async def deliver_event(self, body: Json) -> bool:
        """Send an event to the app until it acknowledges. Returns True if it acknowledged in time."""
        event = body["event"]
        kind = f"message.{event['channel_type']}" if event["type"] == "message" else event["type"]
        needed = EVENT_NEEDS.get(kind)
        if needed and needed not in self.scopes:
            return False
        task = self._start_task(self._deliver_with_retries(body))
        await asyncio.wait({task}, timeout=self.ack_seconds + 1)
        return task.done() and bool(task.result())

    async def _deliver_with_retries(self, body: Json) -> bool:
        for attempt, delay in enumerate((0.0, *self.retry_delays)):
            await asyncio.sleep(delay)
            if (await self._send_payload("events_api", body, attempt)) is not None:
                return True
        self.protocol_errors.append(f"never acknowledged: {body['event']['type']}")
        return False

    def _start_interaction(self) -> tuple[SlackInteraction, Json]:
        trigger, name = f"{secrets.token_hex(8)}.trigger", f"r{self._next_number()}"
        interaction = SlackInteraction(trigger)
        self._triggers[trigger] = self.clock(), interaction
        self._urls[name] = _ResponseUrl(interaction, self.clock())
        return interaction, {
            "trigger_id": trigger,
            "response_url": f"http://127.0.0.1:{self.port}/{self.response_path}/{name}",
        }

    async def _deliver_interaction(
        self, kind: str, payload: Json, interaction: SlackInteraction
    ) -> SlackInteraction:
        began = time.perf_counter()
        interaction.ack = await self._send_payload(kind, payload)
        interaction.ack_delay = time.perf_counter() - began
        interaction.is_acked = interaction.ack is not None
        return interaction

    # The wire to the app.

    async def _send_payload(self, kind: str, payload: Json, attempt: int = 0) -> Json | None:
        """Return the body of the acknowledgement, or None if none came in time."""
        if not self.http_endpoint:
            with contextlib.suppress(AssertionError):
                await self.wait_until(lambda: self.sockets, self.ack_seconds)
        if self.sockets:
            return await self._send_over_socket(kind, payload, attempt)
        return await self._send_over_http(kind, payload, attempt) if self.http_endpoint else None

    async def _send_over_socket(self, kind: str, payload: Json, attempt: int) -> Json | None:
        envelope = f"e{self._next_number()}"
        self._acks[envelope] = future = asyncio.get_running_loop().create_future()
        message = {
            "type": kind,
            "envelope_id": envelope,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            message |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        try:
            await self.sockets[-1].send_json(message)
            return await asyncio.wait_for(future, self.ack_seconds)
        except (TimeoutError, ConnectionError):
            return None
        finally:
            self._acks.pop(envelope, None)

    async def _send_over_http(self, kind: str, payload: Json, attempt: int) -> Json | None:
        body = json.dumps(payload)
        form = urlencode(payload if kind == "slash_commands" else {"payload": body})
        retry = {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": "http_timeout"} if attempt else {}
        status, answer = await self.post_signed(
            body if kind == "events_api" else form, is_json=kind == "events_api", headers=retry
        )
        if status != 200:
            return None
        plain = {"text": answer} if answer else {}
        return json.loads(answer) if answer.startswith("{") else plain

    async def post_signed(
        self,
        body: str,
        *,
        is_json: bool = True,
        headers: Mapping[str, str] = {},
        secret: str = "",
        at: float | None = None,
    ) -> tuple[int, str]:
        """Send a request to the app's endpoint, signed with `secret` at the time `at`.

        By default it is signed now, with the right secret.
        """
        stamp = str(int(self.clock() if at is None else at))
        key = (secret or self.signing_secret).encode()
        signature = "v0=" + hmac.new(key, f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        kind = "application/json" if is_json else "application/x-www-form-urlencoded"
        sent = {
            "content-type": kind,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": signature,
            **headers,
        }
        limit = aiohttp.ClientTimeout(total=self.ack_seconds)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(self.http_endpoint, data=body.encode(), headers=sent) as answer,
            ):
                return answer.status, await answer.text()
        except (TimeoutError, aiohttp.ClientError) as error:
            return 0, str(error)

    async def _serve_socket(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets or len(self.sockets) >= MAX_SOCKETS:
            return web.Response(status=403)
        self._tickets.discard(ticket)
        if self.upgrade_refusals:
            self.upgrade_refusals -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.sockets_opened += 1
        if self.skipped_hellos:
            self.skipped_hellos -= 1
        else:
            await socket.send_json(
                {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}
            )
            self.sockets.append(socket)
        await self._notify_waiters()
        try:
            async for message in socket:
                await self._handle_frame(socket, message)
        finally:
            if socket in self.sockets:
                self.sockets.remove(socket)
            await self._notify_waiters()
        return socket

    async def _handle_frame(self, socket: web.WebSocketResponse, message: aiohttp.WSMessage) -> None:
        if message.type == WSMsgType.PING and not self.is_without_pongs:
            await socket.pong(message.data)
        elif message.type == WSMsgType.TEXT:
            answer = json.loads(message.data)
            future = self._acks.get(answer.get("envelope_id", ""))
            if future is None or future.done():
                self.protocol_errors.append(f"an ack too late or for nothing: {answer}")
            else:
                future.set_result(answer.get("payload") or {})

    async def disconnect_sockets(self, reason: str = "refresh_requested") -> None:
        """Ask every socket to reconnect, then close it."""
        for socket in list(self.sockets):
            self.sockets.remove(socket)
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            await socket.close()

    async def cut_connections(self) -> None:
        """Abort every connection."""
        for socket in list(self.sockets):
            self.sockets.remove(socket)
            transport = socket._req.transport if socket._req else None
            if transport:
                transport.abort()

    # The web API.

    async def _serve_api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments = await _read_arguments(request)
        self.calls.append((method, arguments))
        fault = self._next_fault(method, arguments)
        match fault:
            case SlackFault.RATE_LIMITED:
                return self._rate_limit_response(self.limit_seconds)
            case SlackFault.SERVER_ERROR:
                return web.Response(status=500, text="oops")
            case SlackFault.GARBAGE:
                return web.Response(text="<html>captive portal</html>", content_type="text/html")
            case SlackFault.DROP_BEFORE:
                return self._drop_connection(request)
            case SlackFault.SLOW_BEFORE:
                await asyncio.sleep(self.late_seconds)
        try:
            answer = self._call_method(method, arguments, request)
        except _TooFastError as too_fast:
            return self._rate_limit_response(too_fast.seconds)
        except _RefusedError as refused:
            answer = {"ok": False, "error": refused.code, **refused.more}
        await self._notify_waiters()
        await asyncio.sleep(self.latency)
        if method in self.odd_answers:
            return await self.odd_answers[method](request)
        match fault:
            case SlackFault.SERVER_ERROR_AFTER:
                return web.Response(status=500, text="oops")
            case SlackFault.DROP_AFTER:
                return self._drop_connection(request)
            case SlackFault.SLOW_AFTER:
                await asyncio.sleep(3600)
            case SlackFault.INTERNAL_ERROR_AFTER:
                answer = {"ok": False, "error": "internal_error"}
        headers = {
            "X-OAuth-Scopes": ",".join(sorted(self.scopes)),
            "Date": formatdate(self.clock(), usegmt=True),
        }
        return web.json_response(answer, headers=headers)

    def _rate_limit_response(self, seconds: int) -> web.Response:
        return web.json_response(
            {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(seconds)}
        )

    def _drop_connection(self, request: web.Request) -> web.Response:
        if request.transport:
            request.transport.abort()
        return web.Response()

    def _call_method(self, method: str, arguments: Json, request: web.Request) -> Json:
        _, _, token = request.headers.get("Authorization", "").partition("Bearer ")
        token = token or str(arguments.pop("token", ""))
        self._require_token(method, token)
        if NEEDS.get(method, "chat:write") not in self.scopes and method in NEEDS:
            raise _RefusedError("missing_scope", needed=NEEDS[method], provided=",".join(sorted(self.scopes)))
        handler = getattr(self, f"_do_{method.replace('.', '_')}", None)
        if handler is None:
            self.protocol_errors.append(f"unknown method {method}")
            raise _RefusedError("unknown_method")
        if unknown := set(arguments) - KNOWN_ARGUMENTS.get(method, set(arguments)):
            raise _RefusedError("invalid_arguments", response_metadata={"messages": [f"unknown: {unknown}"]})
        return {"ok": True, **handler(arguments)}

    def _require_token(self, method: str, token: str) -> None:
        if token not in (self.bot_token, self.app_token, *self.tokens):
            raise _RefusedError("invalid_auth" if token else "not_authed")
        if self.token_error:
            raise _RefusedError(self.token_error)
        if (method == "apps.connections.open") != (token == self.app_token):
            raise _RefusedError("not_allowed_token_type")

    def _do_auth_test(self, _: Json) -> Json:
        return {
            "team": self.name,
            "team_id": self.team_id,
            **({"enterprise_id": self.enterprise_id} if self.enterprise_id else {}),
            "user": "paperround",
            "user_id": self.bot_user,
            "bot_id": self.bot_id,
            "url": "https://lab.example/",
        }

    def _do_apps_connections_open(self, _: Json) -> Json:
        ticket = f"t{self._next_number()}"
        self._tickets.add(ticket)
        return {"url": f"ws://127.0.0.1:{self.port}/link?ticket={ticket}"}

    def _do_users_info(self, arguments: Json) -> Json:
        if arguments.get("user") not in self.users:
            raise _RefusedError("user_not_found")
        return {"user": self.users[arguments["user"]]}

    def _do_users_conversations(self, arguments: Json) -> Json:
        if arguments.get("user") not in self.users:
            raise _RefusedError("user_not_found")
        if self.is_enterprise_install and arguments.get("team_id") != self.team_id:
            raise _RefusedError("missing_argument")
        mine = [
            {"id": channel.id, "name": channel.name}
            for channel in self.channels.values()
            if arguments["user"] not in channel.absent
            and (not channel.is_private or self.bot_user in channel.members)
        ]
        limit, start = int(arguments.get("limit") or 100), int(arguments.get("cursor") or 0)
        more = str(start + limit) if len(mine) > start + limit else ""
        return {"channels": mine[start : start + limit], "response_metadata": {"next_cursor": more}}

    def _do_blocks_validate(self, arguments: Json) -> Json:
        if len(arguments.keys() & {"blocks", "message", "view"}) != 1:
            raise _RefusedError("invalid_arguments")
        blocks = arguments.get("blocks")
        if not isinstance(blocks, list):
            raise _RefusedError("invalid_arguments")
        if faults := faults_of_blocks(blocks):
            errors = [{"pointer": "", "code": "failed_constraint", "message": fault} for fault in faults]
            raise _RefusedError("invalid_blocks", errors=errors)
        return {}

    def _do_conversations_leave(self, arguments: Json) -> Json:
        channel = self._get_channel(arguments)
        if channel.is_archived:
            raise _RefusedError("is_archived")
        if self.bot_user not in channel.members:
            return {"ok": False, "not_in_channel": True}
        channel.members.discard(self.bot_user)
        return {}

    def _get_channel(self, arguments: Json, *, to_post: bool = False) -> SlackChannel:
        channel = self.channels.get(arguments.get("channel", ""))
        if channel is None or (channel.is_private and self.bot_user not in channel.members):
            raise _RefusedError("channel_not_found")
        if to_post and channel.is_archived:
            raise _RefusedError("is_archived")
        if to_post and self.bot_user not in channel.members:
            raise _RefusedError("not_in_channel")
        return channel

    def _do_conversations_info(self, arguments: Json) -> Json:
        channel = self._get_channel(arguments)
        is_member = self.bot_user in channel.members
        return {
            "channel": {
                "id": channel.id,
                "name": channel.name,
                "is_archived": channel.is_archived,
                "is_member": is_member,
            }
        }

    def _get_message(self, channel: str, ts: str) -> Json:
        for message in self.channels[channel].messages:
            if message["ts"] == ts:
                return message
        raise _RefusedError("message_not_found")

    def _do_chat_postMessage(self, arguments: Json) -> Json:  # noqa: N802
        channel = self._open_conversation(arguments["channel"]) or self._get_channel(arguments, to_post=True)
        self._require_content(arguments)
        now = self.clock()
        channel.sent_at = [at for at in channel.sent_at if now - at < self.burst]
        if self.rate_limits and len(channel.sent_at) >= self.burst:
            raise _TooFastError(math.ceil(self.burst - (now - channel.sent_at[0])))
        channel.sent_at.append(now)
        thread = arguments.get("thread_ts")
        if thread:
            self._get_message(channel.id, thread)["reply_count"] = 1
        message = {"type": "message", "ts": self._next_ts(), "user": self.bot_user, "bot_id": self.bot_id}
        message |= {
            key: arguments[key] for key in ("text", "blocks", "metadata", "thread_ts") if key in arguments
        }
        message["unfurled"] = arguments.get("unfurl_links", True)
        channel.messages.append(message)
        return {"ts": message["ts"], "channel": channel.id, "message": message}

    def _open_conversation(self, user: str) -> SlackChannel | None:
        """Return the direct-message channel of a person, created if missing. Its key is the person's id."""
        if user in self.users and user not in self.channels:
            direct = SlackChannel(f"D{user}", "directmessage", {self.bot_user, user}, is_private=True)
            self.channels[user] = self.channels[direct.id] = direct
        return self.channels.get(user) if user in self.users else None

    def _require_content(self, arguments: Json) -> None:
        text, blocks = arguments.get("text", ""), arguments.get("blocks")
        if not text:
            self.protocol_errors.append("a message without a text for notifications")
        if not text and not blocks:
            raise _RefusedError("no_text")
        if count_characters(text) > MAX_TEXT_CHARACTERS:
            raise _RefusedError("msg_too_long")
        if blocks is not None:
            faults = faults_of_blocks(blocks, refuses_containers=self.refuses_containers)
            if faults := faults or self._list_picture_faults(blocks):
                raise _RefusedError(
                    "invalid_blocks", response_metadata={"messages": [f"[ERROR] {fault}" for fault in faults]}
                )
            if count_total_characters(blocks) > MAX_CHARACTERS:
                raise _RefusedError("msg_blocks_too_long")

    def _do_chat_update(self, arguments: Json) -> Json:
        message = self._get_message(self._get_channel(arguments, to_post=True).id, arguments["ts"])
        if message.get("bot_id") != self.bot_id:
            raise _RefusedError("cant_update_message")
        self._require_content(arguments)
        message |= {
            "text": arguments.get("text", ""),
            "blocks": arguments.get("blocks", []),
            "edited": self._next_ts(),
        }
        return {"ts": message["ts"], "channel": arguments["channel"]}

    def _do_chat_postEphemeral(self, arguments: Json) -> Json:  # noqa: N802
        self._get_channel(arguments, to_post=True)
        self._require_content(arguments)
        self.ephemerals.append(arguments)
        return {"message_ts": self._next_ts()}

    def _do_files_getUploadURLExternal(self, arguments: Json) -> Json:  # noqa: N802
        name, length = str(arguments.get("filename") or ""), str(arguments.get("length") or "")
        if not name or "/" in name or not length.isdecimal() or int(length) < 1:
            raise _RefusedError("invalid_arguments")
        if self.upload_error:
            raise _RefusedError(self.upload_error)
        file = SlackFile(f"F{self._next_number():09}", name, int(length))
        self.files[file.id] = file
        ticket = secrets.token_hex(8)
        self._uploads[ticket] = file
        return {"file_id": file.id, "upload_url": f"http://127.0.0.1:{self.port}/upload/v1/{ticket}"}

    async def _serve_upload(self, request: web.Request) -> web.Response:
        """Take the bytes of a file. An address serves once, and for as many bytes as were announced."""
        content = await request.read()
        self.calls.append((UPLOAD, {"length": len(content)}))
        fault = self._next_fault(UPLOAD, {})
        if fault is SlackFault.SERVER_ERROR:
            return web.Response(status=500, text="oops")
        if fault is SlackFault.DROP_BEFORE:
            return self._drop_connection(request)
        if fault is SlackFault.SLOW_AFTER:
            await asyncio.sleep(3600)
        if "Authorization" in request.headers:
            self.protocol_errors.append("a token was sent to an upload's address")
        file = self._uploads.pop(request.match_info["ticket"], None)
        if file is None:
            self.protocol_errors.append("an upload to an address that was used or never given")
            return web.Response(status=404, text="unknown")
        if len(content) != file.length:
            self.protocol_errors.append(f"{len(content)} bytes came where {file.length} were announced")
            return web.Response(status=400, text="wrong length")
        file.content = content
        await self._notify_waiters()
        return web.Response(text=f"OK - {file.length}")

    def _do_files_completeUploadExternal(self, arguments: Json) -> Json:  # noqa: N802
        listed = arguments.get("files")
        if not isinstance(listed, list) or not listed or any(set(one) - {"id", "title"} for one in listed):
            raise _RefusedError("invalid_arguments")
        files = [self.files.get(str(one.get("id"))) for one in listed]
        if any(file is None or file.content is None or file.completed_at is not None for file in files):
            raise _RefusedError("file_not_found")
        completed = [file for file in files if file]
        channel = (
            self._get_channel({"channel": arguments["channel_id"]}, to_post=True)
            if ("channel_id" in arguments)
            else None
        )
        for file in completed:
            file.completed_at = self.clock()
            if channel:
                file.shared_with.append(channel.id)
        if channel:
            message = {
                "type": "message", "subtype": "file_share", "ts": self._next_ts(), "user": self.bot_user,
                "bot_id": self.bot_id, "text": arguments.get("initial_comment", ""), "blocks": [],
                "files": [{"id": file.id, "name": file.name} for file in completed],
            }  # fmt: skip
            channel.messages.append(message)
        return {"files": [{"id": file.id, "title": file.name} for file in completed]}

    def _list_picture_faults(self, blocks: list[Json]) -> list[str]:
        """Return the faults of image blocks whose files are not there, not complete or no pictures."""
        faults = []
        for number, block in enumerate(blocks):
            if block.get("type") != "image":
                continue
            file = self.files.get(block["slack_file"]["id"])
            ready_at = math.inf if file is None or file.completed_at is None else file.completed_at
            is_picture = file is not None and (file.content or b"").startswith(IMAGE_STARTS)
            if self.clock() < ready_at + self.file_lag or not is_picture:
                faults.append(f"invalid slack file [json-pointer:/blocks/{number}/slack_file]")
        return faults

    def _do_chat_unfurl(self, arguments: Json) -> Json:
        for unfurl in arguments["unfurls"].values():
            if faults := faults_of_blocks(unfurl["blocks"]):
                raise _RefusedError("cannot_unfurl_url", response_metadata={"messages": faults})
        self.unfurls.append(arguments)
        return {}

    def _enforce_history_tier(self, method: str) -> None:
        """Raise _TooFastError if a method that reads the history was called too often in the last minute."""
        now = self.clock()
        times = [at for at in self.history_times[method] if now - at < 60]
        self.history_times[method] = times
        if self.rate_limits and len(times) >= self.history_per_minute:
            raise _TooFastError(math.ceil(60 - (now - times[0])))
        times.append(now)

    def _do_conversations_history(self, arguments: Json) -> Json:
        self._enforce_history_tier("conversations.history")
        channel = self._get_channel(arguments, to_post=False)
        if self.bot_user not in channel.members:
            raise _RefusedError("not_in_channel")
        oldest = float(arguments.get("oldest") or 0)
        limit = min(int(arguments.get("limit") or 100), self.history_limit)
        newest = [
            m for m in reversed(channel.messages)
            if "thread_ts" not in m and oldest <= float(m["ts"]) and self._is_shown(m)
        ]  # fmt: skip
        start = int(arguments.get("cursor") or 0)
        more = (
            {"response_metadata": {"next_cursor": str(start + limit)}} if len(newest) > start + limit else {}
        )
        found = [_history_json(message, arguments) for message in newest[start : start + limit]]
        return {"messages": found, "has_more": bool(more), **more}

    def _is_shown(self, message: Json) -> bool:
        return not self.history_lag or float(message["ts"]) <= self.clock() - self.history_lag

    def _do_conversations_replies(self, arguments: Json) -> Json:
        self._enforce_history_tier("conversations.replies")
        channel = self._get_channel(arguments)
        replies = [
            m for m in channel.messages
            if arguments["ts"] in (m["ts"], m.get("thread_ts")) and self._is_shown(m)
        ]  # fmt: skip
        limit, start = (
            min(int(arguments.get("limit") or 100), self.history_limit),
            int(arguments.get("cursor") or 0),
        )
        more = (
            {"response_metadata": {"next_cursor": str(start + limit)}} if len(replies) > start + limit else {}
        )
        return {"messages": [_history_json(m, arguments) for m in replies[start : start + limit]], **more}

    def _do_reactions_get(self, arguments: Json) -> Json:
        message = self._get_message(self._get_channel(arguments).id, arguments["timestamp"])
        reactions = [
            {**one, "count": len(one["users"])} for one in message.get("reactions", []) if one["users"]
        ]
        return {"type": "message", "message": {**message, "reactions": reactions}}

    def _do_views_push(self, arguments: Json) -> Json:
        _, interaction = self._triggers.get(arguments.get("trigger_id", ""), (None, None))
        if interaction and not interaction.is_in_modal:
            raise _RefusedError("invalid_trigger_id")
        return self._do_views_open(arguments)

    def _do_views_open(self, arguments: Json) -> Json:
        created_at, interaction = self._triggers.pop(arguments.get("trigger_id", ""), (None, None))
        if created_at is None or interaction is None:
            raise _RefusedError("exchanged_trigger_id")
        if self.clock() - created_at > self.trigger_seconds:
            raise _RefusedError("expired_trigger_id")
        view = self._store_view(arguments["view"])
        interaction.views.append(view)
        return {"view": view}

    def _do_views_update(self, arguments: Json) -> Json:
        old = next((view for view in self.views if view["id"] == arguments["view_id"]), None)
        if old is None:
            raise _RefusedError("not_found")
        if arguments.get("hash", old["hash"]) != old["hash"]:
            raise _RefusedError("hash_conflict")
        if faults := faults_of_view(arguments["view"]):
            raise _RefusedError("invalid_arguments", response_metadata={"messages": faults})
        view = {**arguments["view"], "id": old["id"], "hash": f"h{self._next_number()}"}
        self.views[self.views.index(old)] = view
        return {"view": view}

    def _do_views_publish(self, arguments: Json) -> Json:
        self.homes[arguments["user_id"]] = view = self._store_view(arguments["view"])
        return {"view": view}

    def _store_view(self, view: Json) -> Json:
        if faults := faults_of_view(view):
            raise _RefusedError("invalid_arguments", response_metadata={"messages": faults})
        seen = {**view, "id": f"V{self._next_number()}", "hash": f"h{self._next_number()}"}
        self.views.append(seen)
        return seen

    async def _serve_response_url(self, request: web.Request) -> web.Response:
        known = self._urls.get(request.match_info["id"])
        body = await request.json()
        if known is None or known.uses >= MAX_RESPONSE_USES:
            return web.Response(status=404, text="used_url")
        if self.clock() - known.created_at > RESPONSE_SECONDS:
            return web.Response(status=404, text="expired_url")
        try:
            self._require_content(body)
        except _RefusedError as refused:
            self.protocol_errors.append(f"a response was refused: {refused.code} {refused.more}")
            return web.Response(status=400, text=refused.code)
        known.uses += 1
        known.interaction.responses.append(body)
        await self._notify_waiters()
        return web.Response(text="ok")


class _RefusedError(Exception):
    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code, self.more = code, more


class _TooFastError(Exception):
    """A call over the rate of a channel or a method; `seconds` is the time until the next may come."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _create_id(kind: str, name: str, taken: Container[str]) -> str:
    """Return CPAPERS, then C2PAPERS: no id is a part of another, so that a log can be searched for it."""
    numbered = (f"{kind}{number}{name}" for number in itertools.count(2))
    return next(one for one in itertools.chain([f"{kind}{name}"], numbered) if one not in taken)


async def _read_arguments(request: web.Request) -> Json:
    """Read the arguments as slack_sdk sends them: JSON, or a form in which lists and objects are JSON."""
    if request.content_type == "application/json":
        sent = await request.json()
        return sent if isinstance(sent, dict) else {}
    arguments: Json = dict(parse_qsl((await request.text()), keep_blank_values=True)) | dict(request.query)
    return {
        key: json.loads(value) if value[:1] in "[{" and value else value for key, value in arguments.items()
    }


def find_elements(part: Any) -> list[Json]:
    """Return all elements that can be clicked or filled in."""
    if isinstance(part, list):
        return [element for one in part for element in find_elements(one)]
    if not isinstance(part, dict):
        return []
    own = [part] if "action_id" in part else []
    return own + [element for value in part.values() for element in find_elements(value)]


def find_option(element: Json, action: str, value: str | None = None) -> Json | None:
    """Return the option of an overflow menu that stands for an action, and for this value unless None."""
    options = element["options"] if element["type"] == "overflow" else []
    wanted = f"{action}:{value or ''}"
    return next(
        (one for one in options if one["value"] == wanted or (not value and one["value"].startswith(wanted))),
        None,
    )


def _initial_value_of(element: Json) -> Any:
    match element["type"]:
        case "checkboxes":
            return [option["value"] for option in element.get("initial_options", [])]
        case "static_select" | "radio_buttons" | "external_select":
            return element.get("initial_option", {}).get("value")
        case "timepicker":
            return element.get("initial_time")
        case _:
            return element.get("initial_value")


def _build_state(element: Json, given: Any) -> Json:
    match element["type"]:
        case "checkboxes":
            return {
                "type": "checkboxes",
                "selected_options": [o for o in element["options"] if o["value"] in (given or [])],
            }
        case "static_select" | "radio_buttons" | "external_select":
            chosen = next((one for one in element["options"] if one and one["value"] == given), None)
            assert chosen or not given, f"Slack offers no {given!r}"
            return {"type": element["type"], "selected_option": chosen}
        case "timepicker":
            return {"type": "timepicker", "selected_time": given}
        case _:
            return {"type": element["type"], "value": given or None}


def _history_json(message: Json, arguments: Json) -> Json:
    """Return a message of the history: without `include_all_metadata`, only the type of its metadata."""
    metadata = message.get("metadata")
    if not metadata or str(arguments.get("include_all_metadata", "")).lower() in ("true", "1"):
        return message
    return {**message, "metadata": {"event_type": metadata["event_type"]}}


def read_text(blocks: Any) -> str:
    """Return all texts of blocks, as a person reads them."""
    if isinstance(blocks, list):
        return "\n".join(filter(None, map(read_text, blocks)))
    if not isinstance(blocks, dict):
        return ""
    if blocks.get("type") in ("plain_text", "mrkdwn"):
        return str(blocks["text"])
    return "\n".join(
        filter(None, (read_text(value) for value in blocks.values() if isinstance(value, dict | list)))
    )


if __name__ == "__main__":
    from tests.fakes.slack_by_hand import serve_by_hand

    asyncio.run(serve_by_hand(parse_port(__doc__, DEFAULT_PORT)))
