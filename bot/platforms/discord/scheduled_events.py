"""Meetings as scheduled events of a Discord server.

Discord takes no nonce for an event. Its description ends with the key of its page, by which it is found
before it is made again. The app changes only events that it made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.chat.attempt import tracked
from bot.chat.links import safe_web_address
from bot.chat.message import CalendarEvent
from bot.chat.port import NoHistory, Outcome, Page, PostError
from bot.platforms.discord.history import CHANNEL_PATH
from bot.platforms.discord.rest import CodeError, RestClient
from bot.platforms.discord.sanitize import clip_inline, count_plain_units, escape_plain, tidy_line
from digests.subscription import Channel
from digests.text import clip_text

EVENTS_PATH = "/guilds/{guild_id}/scheduled-events"
EVENT_PATH = f"{EVENTS_PATH}/{{event_id}}"

NAME_CHARACTERS, PLACE_CHARACTERS = 100, 100
MAX_LINES, LINE_UNITS = 3, 300
"""Lines of a description, and characters of each. Discord takes 1,000 in all, with the key
(https://docs.discord.com/developers/resources/guild-scheduled-event)."""

SERVER_ONLY, ELSEWHERE, CANCELLED = 2, 3, 4
"""Discord's numbers: an event for the server alone, one outside of its voice channels, a status."""

ADMINISTRATOR, MANAGE_EVENTS, CREATE_EVENTS = 1 << 3, 1 << 33, 1 << 44
"""Permissions of which each lets the app make events."""


@dataclass(frozen=True, slots=True)
class ScheduledEvents:
    """Implements `bot.chat.port.EventPoster`. A receipt is an event's id. Methods raise PostError."""

    rest: RestClient

    def render_event(self, event: CalendarEvent) -> Page:
        fields: dict[str, Any] = {
            "name": _render_line(event.title, NAME_CHARACTERS) or "Paper discussion",
            "description": _render_description(event.description),
            "scheduled_start_time": event.starts_at.astimezone(UTC).isoformat(),
            "scheduled_end_time": event.ends_at.astimezone(UTC).isoformat(),
            "entity_metadata": {"location": _render_line(event.place, PLACE_CHARACTERS) or "In this server"},
        }
        return Page({"status": CANCELLED} if event.is_cancelled else fields)

    async def fit_pages(self, channel: Channel, pages: Sequence[Page]) -> Sequence[Page]:
        """Return the pages if the app may make events in the channel's server, else none."""
        guild = await self._find_guild(channel)
        query = {"after": str(int(guild) - 1), "limit": "1"}
        guilds = await self.rest.call_for_list("/users/@me/guilds", query=query)
        granted = next((int(one.get("permissions") or 0) for one in guilds if str(one["id"]) == guild), 0)
        return pages if granted & (ADMINISTRATOR | MANAGE_EVENTS | CREATE_EVENTS) else ()

    async def upload_file(self, channel: Channel, page: Page) -> Page:
        return page

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        """Make an event, unless the server has it: then that one is edited. Returns its id."""
        with tracked(self.rest.timeout):
            guild = await self._find_guild(channel)
            if known := await self._find_event(guild, key):
                await self._call(
                    "PATCH", EVENT_PATH, _add_key(page.payload, key), guild_id=guild, event_id=known
                )
                return known
            body = {**_add_key(page.payload, key), "privacy_level": SERVER_ONLY, "entity_type": ELSEWHERE}
            posted = await self._call("POST", EVENTS_PATH, body, guild_id=guild, once=True)
            return str(posted["id"])

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
        return await self._find_event(await self._find_guild(channel), key)

    async def _find_event(self, guild: str, key: str) -> str | None:
        """Return the id of the app's event with a key. Discord lists none that is over or cancelled."""
        user = (await self.rest.get_client()).user
        own_id = str(user.id) if user else ""
        for event in await self.rest.call_for_list(EVENTS_PATH, guild_id=guild):
            is_own = str(event.get("creator_id")) == own_id
            if is_own and str(event.get("description") or "").endswith(_format_key(key)):
                return str(event["id"])
        return None

    async def edit(self, channel: Channel, receipt: str, page: Page, *, key: str) -> None:
        guild = await self._find_guild(channel)
        await self._call("PATCH", EVENT_PATH, _add_key(page.payload, key), guild_id=guild, event_id=receipt)

    async def _find_guild(self, channel: Channel) -> str:
        """Return the id of the channel's server. Settings may leave it out."""
        if channel.workspace:
            return channel.workspace
        found = await self.rest.call_for_object("GET", CHANNEL_PATH, channel_id=channel.channel)
        return str(found["guild_id"])

    async def _call(self, method: str, path: str, body: Mapping[str, Any], **parameters: Any) -> Any:
        """Send an event. An error that a person must mend is REFUSED: it does not concern the channel."""
        try:
            return await self.rest.call_for_object(method, path, body, **parameters)
        except CodeError as error:
            if error.outcome is not Outcome.GONE:
                raise
            raise PostError(
                "Paperround may not make events in the server: give it Create Events there.", Outcome.REFUSED
            ) from error


def _render_line(text: str, limit: int) -> str:
    """Render a line that shows backslashes, of at most `limit` units."""
    return escape_plain(clip_text(tidy_line(text), limit, cost=count_plain_units))


def _render_description(text: str) -> str:
    """Escape and clip the lines of a description, except addresses. Too many lines are left out."""
    lines = (
        line if safe_web_address(line) == line else clip_inline(line, LINE_UNITS)
        for line in [line for line in text.splitlines() if line][:MAX_LINES]
    )
    return "\n".join(line for line in lines if 0 < len(line) <= LINE_UNITS)


def _format_key(key: str) -> str:
    return f"\n-# {key}"


def _add_key(payload: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the payload with the key at the end of its description; a cancellation is unchanged."""
    if "description" not in payload:
        return dict(payload)
    return {**payload, "description": f"{payload['description']}{_format_key(key)}"}
