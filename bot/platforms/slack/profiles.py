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
"""Profiles that are kept: those that were fetched last."""
CACHE_TTL = timedelta(minutes=10)
"""Time for which a profile is used for what changes nothing. Changes fetch it again, for the rights in it."""
UNKNOWN_NAME = "Someone"


@dataclass(frozen=True, slots=True)
class Profile:
    """A person, with the ids of the workspaces that the person belongs to; none if Slack did not say."""

    person: Person
    team_ids: frozenset[str] = frozenset()


@dataclass(slots=True)
class ProfileCache:
    """Fetches the profiles of Slack users, and keeps up to `limit` of them for `CACHE_TTL`."""

    client: AsyncWebClient
    clock: Callable[[], datetime]
    limit: int = MAX_CACHED_PROFILES
    _cache: OrderedDict[str, tuple[datetime, Profile]] = field(default_factory=OrderedDict)

    async def fetch_person(self, user: str) -> Person:
        """Return the person with a user id, as `fetch_profile` does."""
        return (await self.fetch_profile(user)).person

    async def fetch_profile(self, user: str, *, is_fresh: bool = False) -> Profile:
        """Return the profile of a user id, from the cache or from Slack; with `is_fresh`, from Slack.

        Never raises. If Slack does not answer, the person is named "Someone" and is no admin.
        """
        fetched_at, cached = self._cache.get(user, (None, None))
        if not is_fresh and fetched_at and cached and self.clock() - fetched_at < CACHE_TTL:
            return cached
        try:
            answer = (await self.client.users_info(user=user)).get("user") or {}
            profile = Profile(_person_from_profile(user, answer), _teams_from_profile(answer))
        except Exception as error:
            log.warning("users.info: %s", error)
            return Profile(Person(user, UNKNOWN_NAME))
        self._cache[user] = self.clock(), profile
        self._cache.move_to_end(user)
        if len(self._cache) > self.limit:
            self._cache.popitem(last=False)
        return profile


def _teams_from_profile(profile: Mapping[str, Any]) -> frozenset[str]:
    """Return the workspaces of a user object: its own, and in an organization all that the person is in."""
    teams = [profile.get("team_id"), *((profile.get("enterprise_user") or {}).get("teams") or [])]
    return frozenset(str(team) for team in teams if team)


def _person_from_profile(user: str, profile: Mapping[str, Any]) -> Person:
    """Build a person from the user object of users.info. Owners of the workspace count as admins."""
    display_name = (profile.get("profile") or {}).get("display_name")
    name = display_name or profile.get("real_name") or profile.get("name") or UNKNOWN_NAME
    is_admin = bool(profile.get("is_admin") or profile.get("is_owner"))
    return Person(user, str(name), is_admin, str(profile.get("tz") or ""))
