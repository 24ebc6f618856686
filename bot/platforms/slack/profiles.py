"""Profiles of Slack users: name, rights and time zone."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.conversation.context import Person

log = logging.getLogger(__name__)

MAX_CACHED_PROFILES = 1000
"""People, the latest to be asked about."""
CACHE_TTL = timedelta(minutes=10)
"""An admin who is none any more changes nothing after that."""
UNKNOWN_NAME = "Someone"


@dataclass(slots=True)
class ProfileCache:
    """Caches the profiles of Slack users for a limited time."""

    client: AsyncWebClient
    clock: Callable[[], datetime]
    _cache: OrderedDict[str, tuple[datetime, Person]] = field(default_factory=OrderedDict)

    async def fetch_person(self, user: str) -> Person:
        """Return the person with a user id.

        Never raises: without a response the person has no name and no rights.
        """
        at, known = self._cache.get(user, (None, None))
        if at and known and self.clock() - at < CACHE_TTL:
            return known
        try:
            profile = (await self.client.users_info(user=user)).get("user") or {}
        except Exception as error:
            log.warning("users.info: %s", error)
            return Person(user, UNKNOWN_NAME)
        found = _person_from_profile(user, profile)
        self._cache[user] = self.clock(), found
        self._cache.move_to_end(user)
        if len(self._cache) > MAX_CACHED_PROFILES:
            self._cache.popitem(last=False)
        return found


def _person_from_profile(user: str, profile: Mapping[str, Any]) -> Person:
    chosen = (profile.get("profile") or {}).get("display_name")
    name = chosen or profile.get("real_name") or profile.get("name") or UNKNOWN_NAME
    is_admin = bool(profile.get("is_admin") or profile.get("is_owner"))
    return Person(user, str(name), is_admin, str(profile.get("tz") or ""))
