"""Who asks: name, right and time zone, as Slack knows them."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.answer import Person

log = logging.getLogger(__name__)

REMEMBERED = 1000
"""People, the latest to be asked about."""
REMEMBERED_FOR = timedelta(minutes=10)
"""An admin who is none any more changes nothing after that."""
NAMELESS = "Someone"


@dataclass(slots=True)
class Profiles:
    """Asks Slack for each person once in a while."""

    client: AsyncWebClient
    clock: Callable[[], datetime]
    _known: OrderedDict[str, tuple[datetime, Person]] = field(default_factory=OrderedDict)

    async def person(self, user: str) -> Person:
        """By the user's id. Never raises: without an answer it is somebody without a name or a right."""
        at, known = self._known.get(user, (None, None))
        if at and known and self.clock() - at < REMEMBERED_FOR:
            return known
        try:
            profile = (await self.client.users_info(user=user)).get("user") or {}
        except Exception as error:
            log.warning("users.info: %s", error)
            return Person(user, NAMELESS)
        found = _person(user, profile)
        self._known[user] = self.clock(), found
        self._known.move_to_end(user)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found


def _person(user: str, profile: Mapping[str, Any]) -> Person:
    chosen = (profile.get("profile") or {}).get("display_name")
    name = chosen or profile.get("real_name") or profile.get("name") or NAMELESS
    is_admin = bool(profile.get("is_admin") or profile.get("is_owner"))
    return Person(user, str(name), is_admin, str(profile.get("tz") or ""))
