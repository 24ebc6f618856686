"""A strict Discord in memory, over real HTTP and WebSocket: an unmodified discord.py runs against it.

It refuses every request that Discord refuses, and injects faults. `python -m tests.fakes.discord` serves
it for trials by hand.
"""

import asyncio
import contextlib
import itertools
import json
import math
import re
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import WSMsgType, web

from tests.fakes.discord_payloads import (
    faults_of_choices,
    faults_of_commands,
    faults_of_message,
    faults_of_modal,
)
from tests.fakes.wire import WAIT_SECONDS, parse_port, stop_server

DEFAULT_PORT = 8766


Json = dict[str, Any]

FIRST_RESPONSE_SECONDS, TOKEN_SECONDS = 3.0, 15 * 60
NONCE_SECONDS = 180
MAX_USER_INSTALLED_FOLLOWUPS = 5
MESSAGE_LIMIT, MESSAGE_LIMIT_SECONDS = 5, 5.0
PUBLISH_LIMIT, PUBLISH_LIMIT_SECONDS = 10, 3600.0
HISTORY_LIMIT = 100
DISCORD_EPOCH = 1420070400000

TEXT, DM, ANNOUNCEMENT, THREAD, FORUM = 0, 1, 5, 11, 15
GUILDS_INTENT, REACTIONS_INTENT, DIRECT_REACTIONS_INTENT = 1 << 0, 1 << 10, 1 << 13
PRIVILEGED_INTENTS = 1 << 1 | 1 << 8 | 1 << 15
EPHEMERAL, CROSSPOSTED, REQUIRE_TAG = 1 << 6, 1 << 0, 1 << 4

PERMISSIONS = {
    "add_reactions": 1 << 6, "view_channel": 1 << 10, "send_messages": 1 << 11, "manage_messages": 1 << 13,
    "embed_links": 1 << 14, "read_message_history": 1 << 16, "use_application_commands": 1 << 31,
    "attach_files": 1 << 15, "create_events": 1 << 44, "create_public_threads": 1 << 35,
    "send_messages_in_threads": 1 << 38,
    "manage_guild": 1 << 5,
}  # fmt: skip
EVERYONE = sum(bits for name, bits in PERMISSIONS.items() if not name.startswith("manage"))


class DiscordFault(StrEnum):
    """The fault of a call."""

    SERVER_ERROR = "500, nothing done"
    SERVER_ERROR_AFTER = "500, but done"
    BAD_GATEWAY = "502, nothing done"
    UNAVAILABLE_AFTER = "503, but done"
    GATEWAY_TIMEOUT_AFTER = "504, but done"
    DROP_BEFORE = "connection closed, nothing done"
    DROP_AFTER = "connection closed, but done"
    RATE_LIMITED = "429 for an instant"
    RATE_LIMITED_LONG = "429 for an hour"
    GLOBALLY_LIMITED = "429 for an instant, for everything"
    BANNED = "429 without Via, as Cloudflare answers"
    GARBAGE = "a page of HTML"
    SLOW_AFTER = "done, and no answer for a long time"
    SLOW_BEFORE = "done after a while, when nobody waits any more"


@dataclass(slots=True)
class DiscordChannel:
    id: str
    name: str
    kind: int
    guild: str = ""
    parent: str = ""
    denied_permissions: set[str] = field(default_factory=set)
    """Names of the permissions that the bot lacks in the channel."""
    denied_people: dict[str, set[str]] = field(default_factory=dict)
    """Names of the permissions that people lack in the channel, by their ids."""
    tags: list[Json] = field(default_factory=list)
    applied_tags: list[str] = field(default_factory=list)
    requires_tag: bool = False
    is_archived: bool = False
    owner: str = ""
    """Creator of a thread, the bot if empty."""
    archived_at: str = "2026-01-01T00:00:00+00:00"
    is_locked: bool = False
    messages: list[Json] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    published_at: list[float] = field(default_factory=list)


@dataclass(slots=True)
class DiscordGuild:
    id: str
    name: str
    has_bot: bool = True
    denied_permissions: set[str] = field(default_factory=set)
    """Names of the permissions that the bot lacks in the whole server."""
    events: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class DiscordInteraction:
    """An interaction of a person with its result. `responses` are its messages, in their edited form."""

    id: str
    token: str
    kind: int
    created_at: float
    user_installed: bool = False
    ack: Json | None = None
    ack_delay: float = 0.0
    responses: list[Json] = field(default_factory=list)
    modal: Json | None = None
    choices: list[Json] | None = None
    followups: int = 0
    source_message: Json | None = None

    @property
    def is_acked(self) -> bool:
        return self.ack is not None


@dataclass(slots=True)
class _Session:
    """A gateway session; `socket` is None while it is disconnected and can be resumed."""

    id: str
    intents: int
    socket: web.WebSocketResponse | None
    sent_events: list[Json] = field(default_factory=list)


class _RefusedError(Exception):
    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.body = status, {"code": code, "message": message, **more}


class _TooFastError(Exception):
    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def build_unknown_error(thing: str, code: int) -> _RefusedError:
    return _RefusedError(404, code, f"Unknown {thing}")


MISSING_ACCESS = (403, 50001, "Missing Access")
MISSING_PERMISSIONS = (403, 50013, "Missing Permissions")


@dataclass(slots=True)
class FakeDiscord:
    """Discord with one application. Use as an async context manager; all times come from `clock`."""

    clock: Callable[[], float] = time.time
    port: int = 0
    token: str = "right-token"
    rate_limits: bool = True
    token_seconds: float = TOKEN_SECONDS
    response_seconds: float = FIRST_RESPONSE_SECONDS
    """Longest time to a first response; tests on a busy machine allow more than Discord does."""
    is_too_late: bool = False
    """True makes every first response too late."""
    allowed_privileged: int = 0
    closed_dms: set[str] = field(default_factory=set)
    """People who take no direct messages of the bot."""
    heartbeat_interval: float = 41.25
    default_fault: Callable[[str], DiscordFault | None] = lambda name: None
    """Returns the fault of a call, given its name, when none is injected."""
    latency: float = 0.0
    """Seconds before each answer."""
    limit_seconds: float = 0.05
    """Seconds to wait that a rate limit asks for."""
    odd_answers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(
        default_factory=dict
    )
    """Answers in place of the normal ones, by the name of the call, which takes effect."""
    late_seconds: float = 3.0
    """Delay of a call with the fault `SLOW_BEFORE`."""
    history_lag: float = 0.0
    """Seconds of the clock after which the history shows a message."""
    max_file_bytes: int = 10 * 2**20
    ready_delay: float = 0.0
    """Seconds between IDENTIFY and READY."""
    gateway_refusals: int = 0
    """Number of further connections to the gateway that are refused with 503."""
    closes_after_hello: int = 0
    """Number of further connections that are closed before READY."""
    is_silent: bool = False
    """True makes the gateway send nothing and acknowledge no heartbeat."""
    is_bot_public: bool = True
    application_id: str = ""
    bot_user: str = ""
    guilds: dict[str, DiscordGuild] = field(default_factory=dict)
    channels: dict[str, DiscordChannel] = field(default_factory=dict)
    users: dict[str, Json] = field(default_factory=dict)
    commands: dict[str, list[Json]] = field(default_factory=dict)
    """Commands by scope: a guild's id, or "" for global ones."""
    calls: list[tuple[str, Json]] = field(default_factory=list)
    protocol_errors: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    """Contents of attached files, by name."""
    identify_count: int = 0
    resume_count: int = 0
    url: str = ""
    gateway_url: str = ""
    sessions: dict[str, _Session] = field(default_factory=dict)
    interactions: dict[str, DiscordInteraction] = field(default_factory=dict)
    _faults: dict[tuple[str, str], list[DiscordFault]] = field(default_factory=lambda: defaultdict(list))
    _nonces: dict[tuple[str, str], tuple[float, Json]] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _runner: web.AppRunner | None = None
    _limited_until: float = 0.0

    def __post_init__(self) -> None:
        self.application_id = self.bot_user = self.next_snowflake()

    # The server.

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/api/v10/{path:.*}", self._serve_api)
        app.router.add_get("/", self._serve_gateway)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/api/v10"
        self.gateway_url = f"ws://127.0.0.1:{self.port}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self.sessions.values():
            if session.socket:
                await session.socket.close()
        if self._runner:
            await stop_server(self._runner)

    async def wait_until(
        self,
        condition: Callable[[], object],
        seconds: float = WAIT_SECONDS,
        *,
        wake_task: "asyncio.Task[Any] | None" = None,
    ) -> None:
        """Wait until the condition is true. It is checked after each call and when `wake_task` ends.

        Raises AssertionError with the last calls.
        """
        if wake_task:
            wake_task.add_done_callback(lambda _: asyncio.ensure_future(self._notify_waiters()))
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: bool(condition()))
        except TimeoutError:
            raise AssertionError(
                f"not within {seconds} s; the last calls: {[name for name, _ in self.calls[-20:]]}"
            ) from None

    async def _notify_waiters(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def next_snowflake(self) -> str:
        return str((int(self.clock() * 1000) - DISCORD_EPOCH) << 22 | (next(self._numbers) & 0x3FFFFF))

    @property
    def connected_sessions(self) -> list[_Session]:
        """Return the sessions that receive events now."""
        return [session for session in self.sessions.values() if session.socket and session.sent_events]

    # The world.

    def add_guild(self, name: str, *, has_bot: bool = True) -> str:
        guild = DiscordGuild(self.next_snowflake(), name, has_bot)
        self.guilds[guild.id] = guild
        return guild.id

    def add_user(self, name: str, *, can_manage: bool = False, guilds: Sequence[str] | None = None) -> str:
        """Add a person, who is in all guilds unless some are named, and may manage them if `can_manage`."""
        user = self.next_snowflake()
        self.users[user] = {**_user_json(user, name), "can_manage": can_manage, "guilds": guilds}
        return user

    def add_channel(
        self,
        name: str,
        kind: int = TEXT,
        *,
        guild: str = "",
        denied: Sequence[str] = (),
        tags: Sequence[str] = (),
    ) -> str:
        """Add a channel to a guild, by default to the first one. Creates a guild if there is none."""
        guild = guild or next(iter(self.guilds), "") or self.add_guild("The lab")
        known = [
            {
                "id": self.next_snowflake(),
                "name": tag,
                "moderated": False,
                "emoji_id": None,
                "emoji_name": None,
            }
            for tag in tags
        ]
        channel = DiscordChannel(
            self.next_snowflake(), name, kind, guild, denied_permissions=set(denied), tags=known
        )
        self.channels[channel.id] = channel
        return channel.id

    async def open_channel(self, name: str, kind: int = TEXT, **facts: Any) -> str:
        """Add a channel and send its event to the bot."""
        channel = self.add_channel(name, kind, **facts)
        await self.dispatch_event("CHANNEL_CREATE", self._channel_json(self.channels[channel]), GUILDS_INTENT)
        return channel

    def open_dm(self, user: str) -> str:
        """Return the channel of a person's direct messages with the bot; it is created if missing."""
        for channel in self.channels.values():
            if channel.kind == DM and channel.name == user:
                return channel.id
        channel = DiscordChannel(self.next_snowflake(), user, DM)
        self.channels[channel.id] = channel
        return channel.id

    def add_message(self, channel: str, text: str = "x", *, author: str = "") -> Json:
        """Add a message of a person, or of the bot if `author` is empty."""
        message = self._store_message(self.channels[channel], {"content": text})
        if author:
            message["author"] = _public_user_json(self.users[author])
        return message

    def messages_in(self, channel: str) -> list[Json]:
        """Return the messages of a channel, oldest first."""
        return self.channels[channel].messages

    def threads_of(self, channel: str) -> list[DiscordChannel]:
        """Return the threads and posts of a channel, oldest first."""
        return [one for one in self.channels.values() if one.parent == channel]

    def fail_next(self, call: str, *faults: DiscordFault, channel: str = "") -> None:
        """Inject one fault into each of the next calls of this name, or of those about `channel`."""
        self._faults[call, channel] += faults

    def calls_of(self, call: str) -> list[Json]:
        """Return the bodies of all calls of this name, including failed ones."""
        return [body for name, body in self.calls if name == call]

    # Actions of people.

    async def run_command(
        self, name: str, *, user: str, channel: str, user_installed: bool = False, **options: Any
    ) -> DiscordInteraction:
        """Type a slash command, such as "paper" or "digest subscribe". Fails if it was not synced.

        An option with the name of a parameter gets a trailing underscore: `channel_`.
        """
        options = {option.rstrip("_"): value for option, value in options.items()}
        known, leaf = self._find_command(name.split(), channel, user_installed=user_installed)
        typed = [
            _build_option(option, options[option["name"]])
            for option in leaf.get("options", [])
            if option["name"] in options
        ]
        assert not options.keys() - {option["name"] for option in typed}, (
            f"no such option of /{name}: {options}"
        )
        missing = [
            o["name"] for o in leaf.get("options", []) if o.get("required") and o["name"] not in options
        ]
        assert not missing, f"Discord asks for {missing}"
        return await self._start_interaction(
            2, self._build_command_data(known, name, typed), user, channel, user_installed=user_installed
        )

    async def request_choices(
        self, name: str, option: str, text: str, *, user: str, channel: str, **others: Any
    ) -> list[Json]:
        """Return the choices that autocomplete offers for an option."""
        known, leaf = self._find_command(name.split(), channel)
        (wanted,) = [one for one in leaf["options"] if one["name"] == option]
        assert wanted.get("autocomplete"), f"{option} offers nothing"
        typed = [{"type": wanted["type"], "name": option, "value": text, "focused": True}]
        typed += [_build_option(one, others[one["name"]]) for one in leaf["options"] if one["name"] in others]
        asked = await self._start_interaction(4, self._build_command_data(known, name, typed), user, channel)
        assert asked.choices is not None, "no choices came"
        return asked.choices

    async def use_context_menu(
        self, name: str, *, user: str, channel: str, message: Json
    ) -> DiscordInteraction:
        """Choose a command in a message's menu."""
        known, _ = self._find_command([name], channel, kind=3)
        resolved = {"messages": {message["id"]: message}}
        data = {"id": known["id"], "name": name, "type": 3, "target_id": message["id"], "resolved": resolved}
        return await self._start_interaction(2, data, user, channel)

    async def click_button(
        self,
        custom_id_prefix: str,
        *,
        user: str,
        channel: str,
        within: Json,
        user_installed: bool = False,
        value: str = "",
    ) -> DiscordInteraction:
        """Click the first button with this prefix of custom_id, or choose a value of the first such menu.

        Fails if there is none.
        """
        buttons = [one for row in within.get("components", []) for one in row["components"]]
        found = [one for one in buttons if one["custom_id"].startswith(custom_id_prefix)]
        assert found, f"no {custom_id_prefix} there: {[one['custom_id'] for one in buttons]}"
        data = {"custom_id": found[0]["custom_id"], "component_type": found[0]["type"], "id": 1}
        if options := found[0].get("options"):
            assert value in {option["value"] for option in options}, f"no option {value}"
            data["values"] = [value]
        return await self._start_interaction(
            3, data, user, channel, within=within, user_installed=user_installed
        )

    async def submit_modal(
        self, modal: Json, values: Mapping[str, str | Sequence[str]], *, user: str, channel: str
    ) -> DiscordInteraction:
        """Send a modal with its initial values, except for `values` by custom_id.

        A select and checkboxes have lists as values, all others texts.
        """
        fields = [label["component"] for label in modal["components"]]
        assert not values.keys() - {field["custom_id"] for field in fields}
        components = [
            {"type": 18, "id": number, "component": {"id": 100 + number, **fill_in_field(field, values)}}
            for number, field in enumerate(fields, start=1)
        ]
        return await self._start_interaction(
            5, {"custom_id": modal["custom_id"], "components": components}, user, channel
        )

    async def add_reaction(
        self,
        user: str,
        message: Json,
        emoji: str = "🔖",
        *,
        is_dispatched: bool = True,
        event: str = "MESSAGE_REACTION_ADD",
    ) -> Json:
        """Add a reaction and return its event, which is sent to the bot if `is_dispatched`."""
        people = message.setdefault("people", {}).setdefault(emoji, [])
        people.append(user)
        return await self._dispatch_reaction(event, user, message, emoji, is_dispatched=is_dispatched)

    async def remove_reaction(
        self, user: str, message: Json, emoji: str = "🔖", *, is_dispatched: bool = True
    ) -> Json:
        message["people"][emoji].remove(user)
        return await self._dispatch_reaction(
            "MESSAGE_REACTION_REMOVE", user, message, emoji, is_dispatched=is_dispatched
        )

    async def _dispatch_reaction(
        self, kind: str, user: str, message: Json, emoji: str, *, is_dispatched: bool
    ) -> Json:
        channel = self.channels[message["channel_id"]]
        data = {
            "user_id": user, "channel_id": channel.id, "message_id": message["id"], "guild_id": channel.guild,
            "emoji": {"id": None, "name": emoji}, "type": 0, "burst": False,
        }  # fmt: skip
        if kind == "MESSAGE_REACTION_ADD":
            data["message_author_id"] = message["author"]["id"]
        if not channel.guild:
            del data["guild_id"]
        elif kind == "MESSAGE_REACTION_ADD":
            data["member"] = self._member_json(user)
        if is_dispatched:
            intent = REACTIONS_INTENT if channel.guild else DIRECT_REACTIONS_INTENT
            await self.dispatch_event(kind, data, intent)
        return data

    async def delete_channel(self, channel: str) -> None:
        known = self.channels.pop(channel)
        await self.dispatch_event("CHANNEL_DELETE", self._channel_json(known), GUILDS_INTENT)

    async def invite_bot(self, guild: str) -> None:
        """Add the bot to a guild. The event of a new guild does not contain `unavailable`."""
        self.guilds[guild].has_bot = True
        joined = self._guild_json(self.guilds[guild])
        joined.pop("unavailable", None)
        await self.dispatch_event("GUILD_CREATE", joined, GUILDS_INTENT)

    async def remove_bot(self, guild: str) -> None:
        """Remove the bot from a guild."""
        self.guilds[guild].has_bot = False
        await self.dispatch_event("GUILD_DELETE", {"id": guild}, GUILDS_INTENT)

    # Interactions.

    def _find_command(
        self, path: Sequence[str], channel: str, *, kind: int = 1, user_installed: bool = False
    ) -> tuple[Json, Json]:
        """Return a synced command that is available in the channel, and its subcommand of this path."""
        where = self.channels[channel]
        scopes = (
            [self.commands.get(where.guild, []), self.commands.get("", [])]
            if where.guild
            else [self.commands.get("", [])]
        )
        for known in (command for scope in scopes for command in scope):
            if known["name"] == path[0] and known.get("type", 1) == kind:
                context = 0 if where.guild else 1
                assert context in (known.get("contexts") or (0, 1, 2)), (
                    f"/{path[0]} is not there in such a channel"
                )
                installs = known.get("integration_types") or [0]
                assert (1 if user_installed else 0) in installs, f"/{path[0]} is not installed so"
                leaf = known
                for step in path[1:]:
                    leaf = next(option for option in leaf["options"] if option["name"] == step)
                return known, leaf
        raise AssertionError(f"no command {path} was synced: {self.commands}")

    def _build_command_data(self, known: Json, name: str, typed: list[Json]) -> Json:
        options = typed
        for step in reversed(name.split()[1:]):
            options = [{"type": 1, "name": step, "options": options}]
        data: Json = {"id": known["id"], "name": known["name"], "type": 1, "options": options}
        if known.get("guild_id"):
            data["guild_id"] = known["guild_id"]
        chosen = [one["value"] for one in typed if one["type"] == 7]
        if chosen:
            data["resolved"] = {
                "channels": {
                    one: {**self._channel_json(self.channels[one]), "permissions": str(EVERYONE)}
                    for one in chosen
                }
            }
        return data

    async def _start_interaction(
        self,
        kind: int,
        data: Json,
        user: str,
        channel: str,
        *,
        within: Json | None = None,
        user_installed: bool = False,
    ) -> DiscordInteraction:
        interaction = DiscordInteraction(
            self.next_snowflake(),
            f"t{next(self._numbers)}",
            kind,
            self.clock(),
            user_installed,
            source_message=within,
        )
        self.interactions[interaction.token] = interaction
        where = self.channels[channel]
        payload: Json = {
            "id": interaction.id, "application_id": self.application_id, "type": kind, "data": data,
            "token": interaction.token,
            "version": 1, "channel_id": channel, "channel": self._channel_json(where), "locale": "en-US",
            "entitlements": [], "attachment_size_limit": 10485760, "context": 0 if where.guild else 1,
            "app_permissions": str(self._bot_permissions(where)),
            "authorizing_integration_owners": {"1": user} if user_installed else {"0": where.guild or "0"},
        }  # fmt: skip
        if where.guild:
            payload |= {
                "guild_id": where.guild,
                "guild": {"id": where.guild, "locale": "en-US", "features": []},
            }
            member = self._member_json(user)
            lacking = sum(PERMISSIONS[one] for one in where.denied_people.get(user, ()))
            member["permissions"] = str(int(member["permissions"]) & ~lacking)
            payload |= {"guild_locale": "en-US", "member": member}
        else:
            payload["user"] = _public_user_json(self.users[user])
        if within is not None:
            payload["message"] = _message_json(within)
        started = time.perf_counter()
        await self.dispatch_event("INTERACTION_CREATE", payload, 0)
        deadline = self.wait_until(lambda: interaction.is_acked, self.response_seconds + 1)
        try:
            await deadline
        except AssertionError:
            self.protocol_errors.append(f"never answered: {data}")
        interaction.ack_delay = interaction.ack_delay or time.perf_counter() - started
        return interaction

    # The gateway.

    async def dispatch_event(self, kind: str, data: Json, intent: int) -> None:
        """Send an event to every session with its intent."""
        for session in list(self.sessions.values()):
            if not session.sent_events or (intent and not session.intents & intent):
                continue
            await self._send_event(session, kind, data)

    async def _send_event(self, session: _Session, kind: str, data: Json) -> None:
        event = {"op": 0, "t": kind, "s": len(session.sent_events) + 1, "d": data}
        session.sent_events.append(event)
        if session.socket and not session.socket.closed and not self.is_silent:
            with contextlib.suppress(ConnectionResetError):  # The client has just gone.
                await session.socket.send_str(json.dumps(event))

    async def _serve_gateway(self, request: web.Request) -> web.StreamResponse:
        if self.gateway_refusals:
            self.gateway_refusals -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=2**22)
        await socket.prepare(request)
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            self.protocol_errors.append(f"a gateway asked for with {dict(request.query)}")
        await socket.send_str(
            json.dumps({"op": 10, "d": {"heartbeat_interval": int(self.heartbeat_interval * 1000)}})
        )
        if self.closes_after_hello:
            self.closes_after_hello -= 1
            await socket.close(code=4000)
            return socket
        session: _Session | None = None
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            frame = json.loads(message.data)
            session = await self._handle_frame(socket, session, frame) or session
            await self._notify_waiters()
        if session and session.socket is socket:
            session.socket = None
            await self._notify_waiters()
        return socket

    async def _handle_frame(
        self, socket: web.WebSocketResponse, session: _Session | None, frame: Json
    ) -> _Session | None:
        match frame["op"]:
            case 1:
                if not self.is_silent:
                    await socket.send_str(json.dumps({"op": 11, "d": None}))
            case 2:
                return await self._identify_session(socket, frame["d"])
            case 6:
                return await self._resume_session(socket, frame["d"])
            case op:
                if op not in (3, 4, 8):
                    self.protocol_errors.append(f"a frame with op {op}")
        return None

    async def _identify_session(self, socket: web.WebSocketResponse, data: Json) -> _Session | None:
        self.identify_count += 1
        if data["token"] != self.token:
            await socket.close(code=4004, message=b"Authentication failed.")
            return None
        if data["intents"] & PRIVILEGED_INTENTS & ~self.allowed_privileged:
            await socket.close(code=4014, message=b"Disallowed intent(s).")
            return None
        session = _Session(f"s{next(self._numbers)}", data["intents"], socket)
        self.sessions[session.id] = session
        await asyncio.sleep(self.ready_delay)
        mine = [guild for guild in self.guilds.values() if guild.has_bot]
        ready = {
            "v": 10, "user": _user_json(self.bot_user, "paperround", bot=True), "session_id": session.id,
            "guilds": [{"id": guild.id, "unavailable": True} for guild in mine],
            "resume_gateway_url": self.gateway_url, "application": {"id": self.application_id, "flags": 0},
            "shard": [0, 1],
        }  # fmt: skip
        await self._send_event(session, "READY", ready)
        for guild in mine:
            await self._send_event(session, "GUILD_CREATE", self._guild_json(guild))
        return session

    async def _resume_session(self, socket: web.WebSocketResponse, data: Json) -> _Session | None:
        session = self.sessions.get(data["session_id"])
        if data["token"] != self.token or session is None:
            await socket.send_str(json.dumps({"op": 9, "d": False}))
            return None
        self.resume_count += 1
        session.socket = socket
        for event in session.sent_events[data["seq"] or 0 :]:
            await socket.send_str(json.dumps(event))
        await self._send_event(session, "RESUMED", {})
        return session

    async def ask_to_reconnect(self) -> None:
        """Send op 7: reconnect and resume."""
        for session in self.connected_sessions:
            assert session.socket
            await session.socket.send_str(json.dumps({"op": 7, "d": None}))

    async def end_sessions(self) -> None:
        """Send op 9: identify again; events in between are lost."""
        for session in self.connected_sessions:
            socket = session.socket
            assert socket
            del self.sessions[session.id]
            await socket.send_str(json.dumps({"op": 9, "d": False}))

    async def cut_connections(self, code: int = 1006) -> None:
        """Abort every connection to the gateway; the sessions can be resumed."""
        for session in self.connected_sessions:
            socket, session.socket = session.socket, None
            if socket and (transport := socket._req and socket._req.transport):
                transport.abort()

    # REST.

    async def _serve_api(self, request: web.Request) -> web.StreamResponse:
        path = "/" + unquote(request.match_info["path"])
        for method, pattern, name in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                return await self._handle_call(name, found, request)
        self.protocol_errors.append(f"unknown route {request.method} {path}")
        return _json_response({"message": "404: Not Found", "code": 0}, 404)

    async def _read_body(self, request: web.Request) -> Any:
        """Return the JSON of a request, also of one with files, whose contents are kept in `files`."""
        if request.content_type != "multipart/form-data":
            text = await request.text()
            return json.loads(text) if text else {}
        form = await request.post()
        if "payload_json" not in form:
            self.protocol_errors.append("a form without payload_json")
            return {}
        body = json.loads(str(form["payload_json"]))
        announced = {f"files[{one.get('id')}]": one for one in body.get("attachments", [])}
        for name, attachment in announced.items():
            part = form.get(name)
            if not isinstance(part, web.FileField) or part.filename != attachment.get("filename"):
                self.protocol_errors.append(f"no file for the attachment {attachment}")
            else:
                self.files[part.filename] = part.file.read()
        if unannounced := set(form) - set(announced) - {"payload_json"}:
            self.protocol_errors.append(f"files that no attachment names: {unannounced}")
        return body

    async def _handle_call(self, name: str, found: re.Match[str], request: web.Request) -> web.StreamResponse:
        body = await self._read_body(request)
        self.calls.append((name, body if isinstance(body, dict) else {"list": body}))
        waiting = self._faults[name, found.groupdict().get("channel", "")] or self._faults[name, ""]
        fault = waiting.pop(0) if waiting else self.default_fault(name)
        if fault and (answer := await self._fail_before(fault, request)):
            await self._notify_waiters()
            return answer
        if fault is DiscordFault.SLOW_BEFORE:
            await asyncio.sleep(self.late_seconds)
        headers: dict[str, str] = {}
        try:
            if not name.startswith("interaction"):
                self._require_token(request)
            result = getattr(self, f"_do_{name.replace(' ', '_')}")(request, body, **found.groupdict())
            status = 204 if result is None else 200
        except _TooFastError as late:
            await self._notify_waiters()
            return _rate_limit_response(late.seconds)
        except _RefusedError as refused:
            result, status = refused.body, refused.status
        await self._dispatch_thread(name, result, status)
        await self._notify_waiters()
        await asyncio.sleep(self.latency)
        if name in self.odd_answers:
            return await self.odd_answers[name](request)
        return await self._fail_after(fault, request) or _json_response(result, status, headers)

    async def _dispatch_thread(self, name: str, result: Any, status: int) -> None:
        """Send the event of a new thread, from which discord.py knows the thread."""
        if name in ("create post", "create thread") and status == 200:
            await self.dispatch_event("THREAD_CREATE", {**result, "newly_created": True}, GUILDS_INTENT)

    async def _fail_before(self, fault: DiscordFault, request: web.Request) -> web.StreamResponse | None:
        match fault:
            case DiscordFault.SERVER_ERROR:
                return _json_response({"message": "500: Internal Server Error", "code": 0}, 500)
            case DiscordFault.BAD_GATEWAY:
                return web.Response(status=502, text="<html>bad gateway</html>", content_type="text/html")
            case DiscordFault.RATE_LIMITED:
                return _rate_limit_response(self.limit_seconds)
            case DiscordFault.RATE_LIMITED_LONG:
                return _rate_limit_response(3600)
            case DiscordFault.GLOBALLY_LIMITED:
                return _rate_limit_response(self.limit_seconds, everywhere=True)
            case DiscordFault.BANNED:
                return web.Response(
                    status=429, text="<html>You are being rate limited</html>", content_type="text/html"
                )
            case DiscordFault.GARBAGE:
                return web.Response(text="<html>a captive portal</html>", content_type="text/html")
            case DiscordFault.DROP_BEFORE:
                return _drop_connection(request)
        return None

    async def _fail_after(
        self, fault: DiscordFault | None, request: web.Request
    ) -> web.StreamResponse | None:
        match fault:
            case DiscordFault.SERVER_ERROR_AFTER:
                return _json_response({"message": "500: Internal Server Error", "code": 0}, 500)
            case DiscordFault.UNAVAILABLE_AFTER:
                return web.Response(status=503, text="upstream connect error")
            case DiscordFault.GATEWAY_TIMEOUT_AFTER:
                return web.Response(status=504, text="gateway timeout")
            case DiscordFault.DROP_AFTER:
                return _drop_connection(request)
            case DiscordFault.SLOW_AFTER:
                await asyncio.sleep(3600)
        return None

    def _require_token(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bot {self.token}":
            raise _RefusedError(401, 0, "401: Unauthorized")

    # REST: who we are.

    def _do_me(self, request: web.Request, body: Json) -> Json:
        return _user_json(self.bot_user, "paperround", bot=True)

    def _do_application(self, request: web.Request, body: Json) -> Json:
        return {
            "id": self.application_id, "name": "Paperround", "description": "", "icon": None,
            "bot_public": self.is_bot_public,
            "bot_require_code_grant": False, "owner": _user_json("1", "owner"), "verify_key": "k", "flags": 0,
            "integration_types_config": {"0": {}, "1": {}},
        }  # fmt: skip

    def _do_my_guilds(self, request: web.Request, body: Json) -> list[Json]:
        after, limit = int(request.query.get("after") or 0), int(request.query.get("limit") or 200)
        mine: list[Json] = [
            {
                "id": guild.id,
                "name": guild.name,
                "icon": None,
                "owner": False,
                "permissions": str(self._guild_permissions(guild)),
                "features": [],
            }
            for guild in sorted(self.guilds.values(), key=lambda one: int(one.id))
            if guild.has_bot and int(guild.id) > after
        ]
        return mine[:limit]

    def _guild_permissions(self, guild: DiscordGuild) -> int:
        return EVERYONE & ~sum(PERMISSIONS[name] for name in guild.denied_permissions)

    # REST: scheduled events.

    def _do_events(self, request: web.Request, body: Json, guild: str) -> list[Json]:
        """Return the events that are scheduled or going on, as Discord lists them."""
        now = datetime.fromtimestamp(self.clock(), UTC)
        return [
            event
            for event in self._get_guild(guild).events
            if event["status"] == 1 and datetime.fromisoformat(event["scheduled_end_time"]) > now
        ]

    def _do_create_event(self, request: web.Request, body: Json, guild: str) -> Json:
        where = self._get_guild(guild)
        self._require_event_permission(where)
        self._check_event(body)
        event = {
            "id": self.next_snowflake(), "guild_id": guild, "creator_id": self.bot_user, "status": 1, **body
        }  # fmt: skip
        where.events.append(event)
        return event

    def _do_edit_event(self, request: web.Request, body: Json, guild: str, event: str) -> Json:
        where = self._get_guild(guild)
        known = next((one for one in where.events if one["id"] == event), None)
        if known is None:
            raise build_unknown_error("Guild Scheduled Event", 10070)
        self._require_event_permission(where)
        if known["status"] != 1:
            raise _RefusedError(400, 180000, "Cannot update a finished event")
        if body != {"status": 4}:
            self._check_event({**known, **body})
        known |= body
        return known

    def _require_event_permission(self, guild: DiscordGuild) -> None:
        if not self._guild_permissions(guild) & PERMISSIONS["create_events"]:
            raise _RefusedError(*MISSING_PERMISSIONS)

    def _check_event(self, body: Json) -> None:
        faults = []
        if not 1 <= len(body.get("name") or "") <= 100:
            faults.append("name: must be between 1 and 100 in length")
        if len(body.get("description") or "") > 1000:
            faults.append("description: must be 1000 or fewer in length")
        if body.get("privacy_level") != 2 or body.get("entity_type") != 3:
            faults.append("privacy_level, entity_type: an event of this kind is not known here")
        if not 1 <= len((body.get("entity_metadata") or {}).get("location") or "") <= 100:
            faults.append("entity_metadata.location: must be between 1 and 100 in length")
        start, end = (
            datetime.fromisoformat(str(body.get(f"scheduled_{side}_time") or "1970-01-01T00:00:00+00:00"))
            for side in ("start", "end")
        )
        if not self.clock() < start.timestamp() < end.timestamp():
            faults.append("scheduled_start_time: cannot schedule event in the past, or without an end")
        if faults:
            self.protocol_errors += [f"refused: {fault}" for fault in faults]
            raise _RefusedError(400, 50035, "Invalid Form Body", errors={"_errors": faults})

    def _do_leave_guild(self, request: web.Request, body: Json, guild: str) -> None:
        self._get_guild(guild).has_bot = False

    def _do_guild(self, request: web.Request, body: Json, guild: str) -> Json:
        return self._guild_json(self._get_guild(guild))

    def _do_guild_channels(self, request: web.Request, body: Json, guild: str) -> list[Json]:
        self._get_guild(guild)
        return [
            self._channel_json(one)
            for one in self.channels.values()
            if one.guild == guild and one.kind != THREAD
        ]

    def _do_member(self, request: web.Request, body: Json, guild: str, user: str) -> Json:
        self._get_guild(guild)
        known_guilds = self.users.get(user, {}).get("guilds")
        if known_guilds is not None and guild not in known_guilds:
            raise build_unknown_error("Member", 10007)
        return self._member_json(user)

    def _get_guild(self, guild: str) -> DiscordGuild:
        known = self.guilds.get(guild)
        if known is None or not known.has_bot:
            raise _RefusedError(*MISSING_ACCESS) if known else build_unknown_error("Guild", 10004)
        return known

    def _do_commands(self, request: web.Request, body: list[Json], app: str, guild: str = "") -> list[Json]:
        if app != self.application_id:
            raise _RefusedError(*MISSING_ACCESS)
        if guild:
            self._get_guild(guild)
        if faults := faults_of_commands(body):
            self.protocol_errors += faults
            raise _RefusedError(400, 50035, "Invalid Form Body", errors={"_errors": faults})
        known = {
            "application_id": app, "version": self.next_snowflake(), "default_member_permissions": None,
            "description": "",
            **({"guild_id": guild} if guild else {}),
        }  # fmt: skip
        self.commands[guild] = [{**known, **command, "id": self.next_snowflake()} for command in body]
        return self.commands[guild]

    # REST: channels and messages.

    def _bot_permissions(self, channel: DiscordChannel) -> int:
        denied = set(channel.denied_permissions) | set(
            self.channels[channel.parent].denied_permissions if channel.parent in self.channels else ()
        )
        return EVERYONE & ~sum(PERMISSIONS[name] for name in denied)

    def _require_permissions(self, channel: DiscordChannel, *names: str) -> None:
        granted = self._bot_permissions(channel)
        if channel.kind != DM and not granted & PERMISSIONS["view_channel"]:
            raise _RefusedError(*MISSING_ACCESS)
        if channel.kind != DM and any(not granted & PERMISSIONS[name] for name in names):
            raise _RefusedError(*MISSING_PERMISSIONS)

    def _get_channel(self, channel: str, *needs: str) -> DiscordChannel:
        known = self.channels.get(channel)
        if known is None:
            raise build_unknown_error("Channel", 10003)
        if known.guild and not self.guilds[known.guild].has_bot:
            raise _RefusedError(*MISSING_ACCESS)
        self._require_permissions(known, *needs)
        return known

    def _get_message(self, channel: DiscordChannel, message: str) -> Json:
        for one in channel.messages:
            if one["id"] == message:
                return one
        raise build_unknown_error("Message", 10008)

    def _do_channel(self, request: web.Request, body: Json, channel: str) -> Json:
        return self._channel_json(self._get_channel(channel))

    def _do_create_message(self, request: web.Request, body: Json, channel: str) -> Json:
        where = self._get_channel(channel)
        if where.kind == DM and where.name in self.closed_dms:
            raise _RefusedError(403, 50007, "Cannot send messages to this user")
        in_thread = where.kind == THREAD
        if where.kind == FORUM:
            raise _RefusedError(400, 50008, "Cannot send messages in a non-text channel")
        needs = ["send_messages_in_threads" if in_thread else "send_messages"]
        needs += ["embed_links"] if body.get("embeds") else []
        self._require_permissions(where, *needs, *(["attach_files"] if body.get("attachments") else []))
        self._check_size(body)
        if in_thread and where.is_locked:
            raise _RefusedError(400, 160005, "Thread is locked")
        where.is_archived = False
        self._check_message(body)
        nonce = str(body.get("nonce") or "")
        at, same = self._nonces.get((channel, nonce), (0.0, {}))
        if nonce and body.get("enforce_nonce") and self.clock() - at < NONCE_SECONDS:
            return {**_message_json(same), "nonce": nonce}
        self._enforce_rate_limit(where.sent_at, MESSAGE_LIMIT, MESSAGE_LIMIT_SECONDS)
        message = self._store_message(where, body)
        if nonce:
            self._nonces[channel, nonce] = (self.clock(), message)
        return {**_message_json(message), "nonce": nonce or None}

    def _check_size(self, body: Json) -> None:
        names = [str(one.get("filename")) for one in body.get("attachments") or []]
        if sum(len(self.files.get(name, b"")) for name in names) > self.max_file_bytes:
            raise _RefusedError(413, 40005, "Request entity too large")

    def _check_message(self, body: Json) -> None:
        if faults := faults_of_message(body):
            self.protocol_errors += [f"refused: {fault}" for fault in faults]
            raise _RefusedError(400, 50035, "Invalid Form Body", errors={"_errors": faults})
        mentions = dict(body.get("allowed_mentions") or {})
        users = mentions.pop("users", [])
        if mentions != {"parse": []} or any(f"<@{user}>" not in body.get("content", "") for user in users):
            self.protocol_errors.append("a message that may ping")

    def _enforce_rate_limit(self, times: list[float], limit: int, seconds: float) -> None:
        if not self.rate_limits:
            return
        now = self.clock()
        times[:] = [at for at in times if now - at < seconds]
        if len(times) >= limit:
            raise _TooFastError(seconds - (now - times[0]))
        times.append(now)

    def _store_message(self, where: DiscordChannel, body: Json, message: str = "") -> Json:
        message_json = {
            "id": message or self.next_snowflake(), "channel_id": where.id, "type": 0, "tts": False,
            "pinned": False,
            "author": _user_json(self.bot_user, "paperround", bot=True),
            "content": (body.get("content") or "").strip(),
            "timestamp": datetime.fromtimestamp(self.clock(), UTC).isoformat(), "edited_timestamp": None,
            "mention_everyone": False, "mentions": [], "mention_roles": [],
            "attachments": [self._build_attachment(one) for one in body.get("attachments") or []],
            "embeds": [{"type": "rich", **embed} for embed in body.get("embeds") or []],
            "components": _number_components(body.get("components") or []), "flags": body.get("flags", 0),
        }  # fmt: skip
        if reference := body.get("message_reference"):
            message_json |= {"type": 19, "message_reference": reference}
        where.messages.append(message_json)
        return message_json

    def _do_message(self, request: web.Request, body: Json, channel: str, message: str) -> Json:
        where = self._get_channel(channel, "read_message_history")
        return self._history_json(self._get_message(where, message))

    def _do_history(self, request: web.Request, body: Json, channel: str) -> list[Json]:
        where = self._get_channel(channel)
        if not self._bot_permissions(where) & PERMISSIONS["read_message_history"]:
            return []
        limit = int(request.query.get("limit", 50))
        if not 1 <= limit <= HISTORY_LIMIT:
            raise _RefusedError(400, 50035, "Invalid Form Body")
        before = int(request.query.get("before") or 2**63)
        after = int(request.query.get("after") or 0)
        inside = [one for one in where.messages if after < int(one["id"]) < before and self._is_shown(one)]
        chosen = inside[:limit][::-1] if after else inside[::-1][:limit]
        return [self._history_json(one) for one in chosen]

    def _is_shown(self, message: Json) -> bool:
        created_at = ((int(message["id"]) >> 22) + DISCORD_EPOCH) / 1000
        return not self.history_lag or created_at <= self.clock() - self.history_lag

    def _do_edit_message(self, request: web.Request, body: Json, channel: str, message: str) -> Json:
        where = self._get_channel(channel)
        one = self._get_message(where, message)
        if where.is_archived:
            raise _RefusedError(400, 50083, "Thread is archived")
        if one["author"]["id"] != self.bot_user:
            raise _RefusedError(403, 50005, "Cannot edit a message authored by another user")
        self._check_message({"allowed_mentions": {"parse": []}, **_message_json(one, is_bare=True), **body})
        self._edit_message(one, body)
        return _message_json(one)

    def _build_attachment(self, attachment: Json) -> Json:
        name = attachment["filename"]
        url = f"https://cdn.example/{name}"
        size = len(self.files.get(name, b""))
        facts = {"id": self.next_snowflake(), "filename": name, "size": size, "url": url, "proxy_url": url}
        return facts | ({"description": attachment["description"]} if "description" in attachment else {})

    def _edit_message(self, message: Json, body: Json) -> None:
        if "components" in body:
            message["components"] = _number_components(body["components"] or [])
        if "embeds" in body:
            message["embeds"] = [{"type": "rich", **embed} for embed in body["embeds"] or []]
        if "content" in body:
            message["content"] = (body["content"] or "").strip()
        if "attachments" in body:
            message["attachments"] = [self._build_attachment(each) for each in body["attachments"]]
        message["edited_timestamp"] = datetime.fromtimestamp(self.clock(), UTC).isoformat()

    def _do_add_reaction(
        self, request: web.Request, body: Json, channel: str, message: str, emoji: str
    ) -> None:
        where = self._get_channel(channel, "read_message_history", "add_reactions")
        people = self._get_message(where, message).setdefault("people", {})
        if emoji not in people and len(people) >= 20:
            raise _RefusedError(400, 30010, "Maximum number of reactions reached (20)")
        people.setdefault(emoji, []).append(self.bot_user)

    def _do_reactions(
        self, request: web.Request, body: Json, channel: str, message: str, emoji: str
    ) -> list[Json]:
        where = self._get_channel(channel, "read_message_history")
        people = self._get_message(where, message).get("people", {}).get(emoji, [])
        if request.query.get("type") == "1":
            return []
        after, limit = int(request.query.get("after") or 0), int(request.query.get("limit", 25))
        later = sorted((one for one in people if int(one) > after), key=int)[:limit]
        return [
            _public_user_json(self.users[one])
            if one in self.users
            else _user_json(one, "paperround", bot=True)
            for one in later
        ]

    def _do_publish(self, request: web.Request, body: Json, channel: str, message: str) -> Json:
        where = self._get_channel(channel, "send_messages")
        one = self._get_message(where, message)
        if where.kind != ANNOUNCEMENT:
            raise _RefusedError(400, 50024, "Cannot execute action on this channel type")
        if one["flags"] & CROSSPOSTED:
            raise _RefusedError(400, 40033, "This message has already been crossposted")
        self._enforce_rate_limit(where.published_at, PUBLISH_LIMIT, PUBLISH_LIMIT_SECONDS)
        one["flags"] |= CROSSPOSTED
        return _message_json(one)

    def _do_create_post(self, request: web.Request, body: Json, channel: str) -> Json:
        where = self._get_channel(channel, "send_messages", "embed_links")
        if where.kind != FORUM:
            raise _RefusedError(400, 50024, "Cannot execute action on this channel type")
        if unknown_keys := set(body) - {
            "name",
            "message",
            "applied_tags",
            "auto_archive_duration",
            "rate_limit_per_user",
        }:
            self.protocol_errors.append(f"a post with {unknown_keys}")
        if "nonce" in body["message"]:
            raise _RefusedError(400, 50035, "Invalid Form Body", errors={"message": "nonce"})
        tags = [str(tag) for tag in body.get("applied_tags", [])]
        if (
            len(tags) > 5
            or set(tags) - {tag["id"] for tag in where.tags}
            or not 1 <= len(body.get("name", "")) <= 100
        ):
            raise _RefusedError(400, 50035, "Invalid Form Body")
        if where.requires_tag and not tags:
            raise _RefusedError(400, 40067, "A tag is required to create a forum post in this channel")
        self._check_message(body["message"])
        thread = DiscordChannel(
            self.next_snowflake(), body["name"], THREAD, where.guild, where.id, applied_tags=tags
        )
        self.channels[thread.id] = thread
        message = self._store_message(thread, body["message"], thread.id)
        return {**self._channel_json(thread), "message": _message_json(message)}

    def _do_create_thread(self, request: web.Request, body: Json, channel: str, message: str) -> Json:
        where = self._get_channel(channel, "create_public_threads")
        self._get_message(where, message)
        if message in self.channels:
            raise _RefusedError(400, 160004, "A thread has already been created for this message")
        if not 1 <= len(body.get("name", "")) <= 100:
            raise _RefusedError(400, 50035, "Invalid Form Body")
        thread = DiscordChannel(message, body["name"], THREAD, where.guild, where.id)
        self.channels[thread.id] = thread
        return self._channel_json(thread)

    def _do_active_threads(self, request: web.Request, body: Json, guild: str) -> Json:
        self._get_guild(guild)
        threads = [
            one
            for one in self.channels.values()
            if one.guild == guild and one.kind == THREAD and not one.is_archived
        ]
        return {"threads": [self._channel_json(one) for one in threads], "members": []}

    def _do_archived_threads(self, request: web.Request, body: Json, channel: str) -> Json:
        where = self._get_channel(channel, "read_message_history")
        limit, before = int(request.query.get("limit", 50)), request.query.get("before", "9999")
        archived = [one for one in self.threads_of(where.id) if one.is_archived and one.archived_at < before]
        archived.sort(key=lambda one: one.archived_at, reverse=True)
        return {
            "threads": [self._channel_json(one) for one in archived[:limit]],
            "members": [],
            "has_more": len(archived) > limit,
        }

    def _do_edit_channel(self, request: web.Request, body: Json, channel: str) -> Json:
        where = self._get_channel(channel)
        if where.is_locked:
            raise _RefusedError(*MISSING_PERMISSIONS)
        where.is_archived = bool(body.get("archived", where.is_archived))
        return self._channel_json(where)

    def _do_open_dm(self, request: web.Request, body: Json) -> Json:
        if str(body.get("recipient_id")) not in self.users:
            raise _RefusedError(400, 50033, "Invalid Recipient(s)")
        return self._channel_json(self.channels[self.open_dm(str(body["recipient_id"]))])

    # REST: interactions.

    def _do_interaction_callback(self, request: web.Request, body: Json, id: str, token: str) -> Json:  # noqa: A002
        one = self.interactions.get(token)
        late = one is not None and (self.is_too_late or self.clock() - one.created_at > self.response_seconds)
        if one is None or one.id != id or late:
            raise build_unknown_error("interaction", 10062)
        if one.is_acked:
            raise _RefusedError(400, 40060, "Interaction has already been acknowledged.")
        kind, data = body["type"], body.get("data") or {}
        self._check_callback(one, kind, data)
        one.ack = body
        one.ack_delay = self.clock() - one.created_at
        resource: Json = {"type": kind}
        match kind:
            case 4:
                resource["message"] = _message_json(self._add_response(one, data))
            case 5:
                resource["message"] = _message_json(
                    self._add_response(one, {**data, "content": "", "thinking": True})
                )
            case 7 if one.source_message is not None:
                self._edit_message(one.source_message, data)
                one.responses.append(one.source_message)
            case 8:
                one.choices = data["choices"]
            case 9:
                one.modal = data
        answer = {
            "id": one.id,
            "type": one.kind,
            "response_message_ephemeral": bool(data.get("flags", 0) & EPHEMERAL),
        }
        return {"interaction": answer, "resource": resource}

    def _check_callback(self, interaction: DiscordInteraction, kind: int, data: Json) -> None:
        allowed = {2: (4, 5, 9), 3: (4, 5, 6, 7, 9), 4: (8,), 5: (4, 5, 6, 7)}[interaction.kind]
        faults = (
            []
            if kind in allowed
            else [f"a response of type {kind} to an interaction of type {interaction.kind}"]
        )
        if kind in (4, 7):
            self._check_message(data)
        if kind == 8:
            faults += faults_of_choices(data["choices"])
        if kind == 9:
            faults += faults_of_modal(data)
        if faults:
            self.protocol_errors += faults
            raise _RefusedError(400, 50035, "Invalid Form Body", errors={"_errors": faults})

    def _add_response(self, interaction: DiscordInteraction, body: Json) -> Json:
        nowhere = DiscordChannel("0", "", DM)
        message = self._store_message(nowhere, body)
        if body.get("thinking"):
            message["thinking"] = True
        interaction.responses.append(message)
        return message

    def _get_interaction(self, token: str) -> DiscordInteraction:
        one = self.interactions.get(token)
        if one is None or not one.is_acked:
            raise build_unknown_error("Webhook", 10015)
        if self.clock() - one.created_at > self.token_seconds:
            raise _RefusedError(401, 50027, "Invalid Webhook Token")
        return one

    def _do_interaction_followup(self, request: web.Request, body: Json, app: str, token: str) -> Json:
        one = self._get_interaction(token)
        self._check_message(body)
        if one.responses and one.responses[0].pop("thinking", False):
            self._edit_message(one.responses[0], body)
            return _message_json(one.responses[0])
        one.followups += 1
        if one.user_installed and one.followups > MAX_USER_INSTALLED_FOLLOWUPS:
            raise _RefusedError(
                400, 40094, "This interaction has reached its maximum number of follow up messages"
            )
        return _message_json(self._add_response(one, body))

    def _do_interaction_edit(self, request: web.Request, body: Json, app: str, token: str) -> Json:
        one = self._get_interaction(token)
        if not one.responses:
            if one.source_message is None:
                raise build_unknown_error("Message", 10008)
            one.responses.append(one.source_message)
        first = one.responses[0]
        first.pop("thinking", None)
        self._check_message({"allowed_mentions": {"parse": []}, **body})
        self._edit_message(first, body)
        return _message_json(first)

    # JSON.

    def _member_json(self, user: str) -> Json:
        known = self.users.get(user, _user_json(user, "paperround", bot=True))
        manage = PERMISSIONS["manage_guild"] if known.get("can_manage") else 0
        return {
            "user": _public_user_json(known), "roles": known.get("roles", []),
            "joined_at": "2026-01-01T00:00:00+00:00",
            "deaf": False, "mute": False, "permissions": str(EVERYONE | manage), "flags": 0, "nick": None,
            "avatar": None,
            "premium_since": None, "pending": False, "communication_disabled_until": None,
        }  # fmt: skip

    def _guild_json(self, guild: DiscordGuild) -> Json:
        role = {
            "id": guild.id, "name": "@everyone", "permissions": str(EVERYONE), "position": 0, "color": 0,
            "hoist": False,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None}, "managed": False,
            "mentionable": False, "flags": 0,
        }  # fmt: skip
        own = [channel for channel in self.channels.values() if channel.guild == guild.id]
        return {
            "id": guild.id, "name": guild.name, "owner_id": "1", "roles": [role], "emojis": [],
            "stickers": [],
            "features": [], "channels": [self._channel_json(one) for one in own if one.kind != THREAD],
            "threads": [self._channel_json(one) for one in own if one.kind == THREAD and not one.is_archived],
            "members": [self._member_json(self.bot_user)], "member_count": 1, "presences": [],
            "voice_states": [],
            "stage_instances": [], "guild_scheduled_events": [], "unavailable": False, "large": False,
            "icon": None,
            "joined_at": "2026-01-01T00:00:00+00:00", "premium_tier": 0, "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0, "nsfw_level": 0,
            "afk_timeout": 300, "preferred_locale": "en-US", "premium_progress_bar_enabled": False,
            "system_channel_id": None, "system_channel_flags": 0, "rules_channel_id": None,
            "afk_channel_id": None,
            "public_updates_channel_id": None, "vanity_url_code": None, "description": None, "banner": None,
            "premium_subscription_count": 0, "application_id": None, "splash": None, "discovery_splash": None,
        }  # fmt: skip

    def _channel_json(self, channel: DiscordChannel) -> Json:
        newest = channel.messages[-1]["id"] if channel.messages else None
        if channel.kind == DM:
            recipients = [_public_user_json(self.users[channel.name])]
            return {
                "id": channel.id, "type": DM, "recipients": recipients, "last_message_id": newest, "flags": 0,
            }  # fmt: skip
        base: Json = {
            "id": channel.id, "type": channel.kind, "guild_id": channel.guild, "name": channel.name,
            "position": 0, "parent_id": channel.parent or None, "last_message_id": newest,
            "rate_limit_per_user": 0, "flags": 0,
        }  # fmt: skip
        if channel.kind == THREAD:
            stamp = channel.archived_at
            return base | {
                "owner_id": channel.owner or self.bot_user, "message_count": len(channel.messages),
                "member_count": 1, "total_message_sent": len(channel.messages),
                "applied_tags": channel.applied_tags,
                "thread_metadata": {
                    "archived": channel.is_archived, "auto_archive_duration": 1440,
                    "archive_timestamp": stamp, "locked": channel.is_locked, "create_timestamp": stamp,
                },
            }  # fmt: skip
        denials = {self.bot_user: channel.denied_permissions, **channel.denied_people}
        overwrites = [
            {"id": person, "type": 1, "allow": "0", "deny": str(sum(PERMISSIONS[name] for name in names))}
            for person, names in denials.items()
            if names
        ]
        base |= {"permission_overwrites": overwrites, "topic": None, "nsfw": False}
        if channel.kind == FORUM:
            base |= {"available_tags": channel.tags, "flags": REQUIRE_TAG if channel.requires_tag else 0}
        return base

    def _history_json(self, message: Json) -> Json:
        """Return a message as history shows it: with its reactions, without its nonce."""
        reactions = [
            {
                "emoji": {"id": None, "name": emoji}, "count": len(people), "me": self.bot_user in people,
                "count_details": {"normal": len(people), "burst": 0}, "me_burst": False, "burst_colors": [],
            } for emoji, people in message.get("people", {}).items() if people
        ]  # fmt: skip
        thread = self.channels.get(message["id"])
        started = (
            {"thread": self._channel_json(thread)} if thread and thread.id != message["channel_id"] else {}
        )
        return {**_message_json(message), **({"reactions": reactions} if reactions else {}), **started}


_MESSAGE = r"/channels/(?P<channel>\d+)/messages/(?P<message>\d+)"
_REACTION = _MESSAGE + r"/reactions/(?P<emoji>[^/]+)"
_HOOK = r"/webhooks/(?P<app>\d+)/(?P<token>[^/]+)"

_ROUTES = (
    ("GET", r"/users/@me", "me"),
    ("GET", r"/oauth2/applications/@me", "application"),
    ("GET", r"/users/@me/guilds", "my guilds"),
    ("DELETE", r"/users/@me/guilds/(?P<guild>\d+)", "leave guild"),
    ("GET", r"/guilds/(?P<guild>\d+)", "guild"),
    ("GET", r"/guilds/(?P<guild>\d+)/channels", "guild channels"),
    ("GET", r"/guilds/(?P<guild>\d+)/members/(?P<user>\d+)", "member"),
    ("GET", r"/guilds/(?P<guild>\d+)/threads/active", "active threads"),
    ("GET", r"/guilds/(?P<guild>\d+)/scheduled-events", "events"),
    ("POST", r"/guilds/(?P<guild>\d+)/scheduled-events", "create event"),
    ("PATCH", r"/guilds/(?P<guild>\d+)/scheduled-events/(?P<event>\d+)", "edit event"),
    ("PUT", r"/applications/(?P<app>\d+)/commands", "commands"),
    ("PUT", r"/applications/(?P<app>\d+)/guilds/(?P<guild>\d+)/commands", "commands"),
    ("GET", r"/channels/(?P<channel>\d+)", "channel"),
    ("PATCH", r"/channels/(?P<channel>\d+)", "edit channel"),
    ("POST", r"/channels/(?P<channel>\d+)/messages", "create message"),
    ("GET", r"/channels/(?P<channel>\d+)/messages", "history"),
    ("GET", _MESSAGE, "message"),
    ("PATCH", _MESSAGE, "edit message"),
    ("POST", _MESSAGE + r"/crosspost", "publish"),
    ("POST", _MESSAGE + r"/threads", "create thread"),
    ("PUT", _REACTION + r"/@me", "add reaction"),
    ("GET", _REACTION, "reactions"),
    ("POST", r"/channels/(?P<channel>\d+)/threads", "create post"),
    ("GET", r"/channels/(?P<channel>\d+)/threads/archived/public", "archived threads"),
    ("POST", r"/users/@me/channels", "open dm"),
    ("POST", r"/interactions/(?P<id>\d+)/(?P<token>[^/]+)/callback", "interaction callback"),
    ("POST", _HOOK, "interaction followup"),
    ("PATCH", _HOOK + r"/messages/@original", "interaction edit"),
)


def _json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response with the only content type that discord.py reads as JSON."""
    if status == 204:
        return web.Response(status=204)
    return web.Response(
        body=json.dumps(body).encode(),
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
    )


def _rate_limit_response(seconds: float, *, everywhere: bool = False) -> web.Response:
    body = {"message": "You are being rate limited.", "retry_after": round(seconds, 3), "global": everywhere}
    return _json_response(body, 429, {"Via": "1.1 google", "Retry-After": str(math.ceil(seconds))})


def _drop_connection(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


def _user_json(user: str, name: str, *, bot: bool = False) -> Json:
    return {
        "id": user, "username": name, "discriminator": "0", "avatar": None, "bot": bot, "global_name": name,
        "public_flags": 0, "flags": 0,
    }  # fmt: skip


def _public_user_json(user: Json) -> Json:
    return {key: value for key, value in user.items() if key not in ("can_manage", "roles", "guilds")}


def _message_json(message: Json, *, is_bare: bool = False) -> Json:
    """Return the public fields of a message; with `is_bare`, only its content."""
    if is_bare:
        return {key: message[key] for key in ("content", "embeds", "components", "flags")}
    return {key: value for key, value in message.items() if key not in ("people", "thinking")}


def _number_components(components: Sequence[Json]) -> list[Json]:
    numbers = itertools.count(1)

    def number_component(component: Json) -> Json:
        inner = component.get("components")
        more = {"components": [number_component(one) for one in inner]} if inner else {}
        return {**component, "id": next(numbers), **more}

    return [number_component(component) for component in components]


def _build_option(option: Json, value: Any) -> Json:
    """Return a typed option. Checks its limits, as Discord's own client does before it sends a command."""
    if option.get("choices"):
        assert value in [choice["value"] for choice in option["choices"]], (
            f"{value} is no choice of {option['name']}"
        )
    if option["type"] == 4:
        assert isinstance(value, int)
        assert option.get("min_value", value) <= value <= option.get("max_value", value)
    if option["type"] == 10:
        assert option.get("min_value", value) <= value <= option.get("max_value", value)
    if option["type"] == 3:
        assert option.get("min_length", 0) <= len(value) <= option.get("max_length", 6000)
    return {"type": option["type"], "name": option["name"], "value": value}


def read_text(message: Json) -> str:
    """Return the text that a person reads in a message: content, embeds and the labels of buttons."""
    texts = [message.get("content", "")]
    for embed in message.get("embeds", []):
        texts += [
            embed.get("title", ""),
            embed.get("description", ""),
            embed.get("footer", {}).get("text", ""),
        ]
    for row in message.get("components", []):
        texts += [button.get("label", "") for button in row.get("components", [])]
    return re.sub(r"\\(?=[^\w\s])", "", "\n".join(filter(None, texts)))


async def _serve_by_hand(port: int) -> None:
    """Serve a guild for trials by hand. Typed lines are the actions of Ada, who may manage it, in #papers."""
    async with FakeDiscord(port=port) as discord:
        papers, ada = discord.add_channel("papers"), discord.add_user("ada", can_manage=True)
        print(
            f'Put into paperround.toml:\n  [platforms.discord]\n  api_base_url = "{discord.url}"\n'
            f'  gateway_url = "{discord.gateway_url}"\n'
            f"and run:\n  DISCORD_TOKEN={discord.token} paperround run\n"
            f"The channel's id is {papers}. "
            "Type /paper WORDS, /digest today, queue or help, react N, history, or quit."
        )
        while (line := (await asyncio.to_thread(sys.stdin.readline)).strip()) not in ("", "quit"):
            verb, _, rest = line.partition(" ")
            try:
                if verb == "/paper":
                    done = await discord.run_command("paper", user=ada, channel=papers, query=rest)
                elif verb == "/digest":
                    done = await discord.run_command(f"digest {rest}", user=ada, channel=papers)
                elif verb == "react" and rest.isdigit() and 0 < int(rest) <= len(discord.messages_in(papers)):
                    await discord.add_reaction(ada, discord.messages_in(papers)[int(rest) - 1])
                    continue
                else:
                    for number, message in enumerate(discord.messages_in(papers), start=1):
                        print(f"--- {number}\n{read_text(message)}")
                    continue
                await discord.wait_until(lambda done=done: done.responses and read_text(done.responses[0]), 5)  # type: ignore[misc]
                print("\n".join(read_text(response) for response in done.responses))
            except (AssertionError, StopIteration) as error:
                print(f"({error})")


if __name__ == "__main__":
    asyncio.run(_serve_by_hand(parse_port(__doc__, DEFAULT_PORT)))


def fill_in_field(field: Json, values: Mapping[str, str | Sequence[str]]) -> Json:
    """Return a field as Discord sends it: with the value given for it, else with its initial one."""
    name, kind = field["custom_id"], field["type"]
    is_required = field.get("required", True)
    if kind == 4:
        text = values.get(name, field.get("value") or "")
        assert isinstance(text, str)
        assert text or not is_required, f"Discord asks to fill in {name}"
        assert len(text) <= (field.get("max_length") or 4000)
        return {"type": 4, "custom_id": name, "value": text}
    options = [option["value"] for option in field["options"]]
    initial = [option["value"] for option in field["options"] if option.get("default")]
    given = values.get(name, initial)
    chosen = [given] if isinstance(given, str) else list(given)
    assert not set(chosen) - set(options), f"{chosen} are not all among the options of {name}"
    assert chosen or not is_required, f"Discord asks to choose in {name}"
    if kind == 21:
        return {"type": 21, "custom_id": name, "value": chosen[0] if chosen else None}
    least, most = field.get("min_values", 1 if kind == 3 else 0), field.get("max_values", 1)
    assert not chosen or least <= len(chosen) <= most
    return {"type": kind, "custom_id": name, "values": chosen}
