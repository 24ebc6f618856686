"""Checks of single values. The message of each ValueError is the part of a sentence that follows the key."""

import re
from collections.abc import Callable, Sequence
from datetime import time
from typing import NoReturn
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from config.problems import find_nearest, quote_value

STORE_SCHEMES = ("sqlite:///", "postgresql+psycopg://")

MAX_ZONE_CHARACTERS = 100
"""Characters of a time zone's name. The longest one has 32."""


def parse_clock_time(value: object) -> time:
    """Return a time of whole minutes from `"09:00"` or from TOML's own 09:00:00.

    Raises ValueError otherwise.
    """
    if isinstance(value, str) and re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value):
        return time.fromisoformat(value)
    if isinstance(value, time) and value == time(value.hour, value.minute):
        return value
    raise ValueError(f'is {quote_value(value)}; write it like "09:00", from "00:00" to "23:59"')


def validate_time_zone(key: str) -> str:
    """Return `key` if it is an IANA time zone.

    Raises ValueError otherwise, with the nearest name if one is near.

    Zones that only some machines have, such as "posix/UTC" and "localtime", are refused.
    """
    if len(key) > MAX_ZONE_CHARACTERS:
        _refuse_zone(key)  # Many slashes in it are many folders, and end in a RecursionError.
    try:
        ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _refuse_zone(key)
    if key.startswith(("posix/", "right/")) or key in ("localtime", "posixrules"):
        _refuse_zone(key)  # Files of some machines, unknown to others.
    return key


def _refuse_zone(key: str) -> NoReturn:
    nearest = _ZONES_BY_ABBREVIATION.get(key.strip().casefold()) or _find_nearest_zone(key)
    if re.fullmatch(r"\s*(?:(?:gmt|utc)\s*)?[+-]\s*\d{1,2}(?::?\d{2})?\s*", key[:40], re.IGNORECASE):
        raise ValueError(
            f"is {quote_value(key)}, which is no time zone; an offset knows no summer time, "
            'so write a place such as "Europe/Berlin"'
        )
    fix = f'did you mean "{nearest}"?' if nearest else 'write an IANA name such as "Europe/Berlin" or "UTC"'
    raise ValueError(f"is {quote_value(key)}, which is no time zone; {fix}")


_ZONES_BY_ABBREVIATION = {
    "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "pt": "America/Los_Angeles",
    "mst": "America/Denver", "mdt": "America/Denver", "cst": "America/Chicago", "cdt": "America/Chicago",
    "est": "America/New_York", "edt": "America/New_York", "et": "America/New_York", "bst": "Europe/London",
    "gmt": "Europe/London", "wet": "Europe/Lisbon", "cet": "Europe/Berlin", "cest": "Europe/Berlin",
    "mez": "Europe/Berlin", "eet": "Europe/Helsinki", "msk": "Europe/Moscow", "ist": "Asia/Kolkata",
    "jst": "Asia/Tokyo", "kst": "Asia/Seoul", "sgt": "Asia/Singapore", "hkt": "Asia/Hong_Kong",
    "aest": "Australia/Sydney", "aedt": "Australia/Sydney", "nzst": "Pacific/Auckland",
}  # fmt: skip
"""A place for each abbreviation that is no time zone, or one without summer time."""


def _find_nearest_zone(key: str) -> str | None:
    zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    cities = {zone.rsplit("/", 1)[1].casefold(): zone for zone in zones}
    names = cities | {zone.casefold(): zone for zone in zones} | {"utc": "UTC"}
    nearest = find_nearest(key[:MAX_ZONE_CHARACTERS].replace(" ", "_").casefold(), names, cutoff=0.8)
    return names[nearest] if nearest else None


def refuse_channel_name(channel: str) -> str:
    """Return `channel` unchanged. Raises ValueError for a name such as "#papers", which is no id."""
    if channel.startswith("#"):
        raise ValueError(
            f'is {quote_value(channel)}, a name; write the channel\'s id, such as "C0456", '
            "which the platform shows in the channel's details"
        )
    return channel


def refuse_common_queue(value: object) -> object:
    """Return `value` unchanged. Raises ValueError for "everyone", a queue of all workspaces together."""
    if value == "everyone":
        raise ValueError(
            'is "everyone", which no longer exists, since a workspace sees only its own papers; '
            'write "workspace" or "channel"'
        )
    return value


def validate_queue_members(members: tuple[str, ...]) -> tuple[str, ...]:
    """Return `members` if they are at least two, each PLATFORM:WORKSPACE or PLATFORM:WORKSPACE:CHANNEL.

    Raises ValueError otherwise.
    """
    odd = next((each for each in members if not _is_place(each)), None)
    if odd is not None:
        raise ValueError(
            f"has {quote_value(odd)}; write each member as platform:workspace, or for one channel as "
            "platform:workspace:channel, by their ids"
        )
    if len(set(members)) < 2 or len(set(members)) != len(members):
        raise ValueError("does not have at least two different members; name all that share the queue")
    return members


def _is_place(member: str) -> bool:
    """Return True for two or three parts with colons between them, none of them empty or with a space."""
    parts = member.split(":")
    return len(parts) in (2, 3) and all(parts) and member == "".join(member.split())


def _is_qualified(person: str) -> bool:
    """Return True for three parts with colons between them, none of them empty or with a space."""
    parts = person.split(":")
    return len(parts) == 3 and all(parts) and person == "".join(person.split())


def validate_deciders(people: tuple[str, ...]) -> tuple[str, ...]:
    """Return `people` if each is PLATFORM:WORKSPACE:PERSON. Raises ValueError otherwise."""
    odd = next((each for each in people if not _is_qualified(each)), None)
    if odd is not None:
        raise ValueError(
            f"has {quote_value(odd)}; write each person as platform:workspace:person, by their ids: who "
            "types /digest held is told the right one"
        )
    return people


def validate_operator_channel(channel: str) -> str:
    """Return `channel` if it is PLATFORM:WORKSPACE:CHANNEL, or empty. Raises ValueError otherwise."""
    if channel and not _is_qualified(channel):
        raise ValueError(
            f"is {quote_value(channel)}; write it as platform:workspace:channel, by their ids: "
            "“paperround channels” shows them"
        )
    return channel


def require_days(days: tuple[str, ...]) -> tuple[str, ...]:
    """Return `days` unchanged. Raises ValueError if there is none, or one of them twice."""
    if not days:
        raise ValueError('is empty; write at least one day, such as ["mon"], or remove the subscription')
    repeated = next((day for day in days if days.count(day) > 1), None)
    if repeated:
        raise ValueError(f'names "{repeated}" twice; write each day once')
    return days


def validate_store_url(url: str) -> str:
    """Return `url` if it names an SQLite file or a PostgreSQL database. Raises ValueError otherwise.

    A PostgreSQL address with a password is refused too. The message never quotes the address.
    """
    if not url.startswith(STORE_SCHEMES):  # The address is not quoted: it may carry a password.
        raise ValueError(
            f"does not begin with {' or '.join(STORE_SCHEMES)}; "
            'write one of the two, such as "sqlite:///paperround.db"'
        )
    place, _, options = url.removeprefix("postgresql+psycopg://").partition("?")
    if url.startswith("postgresql") and (":" in place.rpartition("@")[0] or "password=" in unquote(options)):
        raise ValueError(
            "carries a password; secrets are read from the environment only, "
            "so take it out and set PGPASSWORD"
        )
    return url


def base_url_validator(
    example: str, schemes: Sequence[str] = ("https", "http"), *, ends_with_slash: bool = True
) -> Callable[[str], str]:
    """Return a check of addresses that paths are appended to. The check returns the address, with one change.

    It ends it with a slash, or without one if `ends_with_slash` is False. It raises ValueError, which shows
    `example`, for another scheme than `schemes`, and for an address with a user, a query or a fragment.
    """

    def validate_base_url(url: str) -> str:
        if not re.fullmatch(rf"({'|'.join(schemes)})://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError(f'is {_quote_address(url)}; write an address such as "{example}"')
        return url.rstrip("/") + "/" if ends_with_slash else url.rstrip("/")

    return validate_base_url


def validate_web_address(url: str) -> str:
    """Return `url` if it is empty or an http(s) address.

    Raises ValueError otherwise, and for one with a user.
    """
    if url and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?(\?[^\s#]*)?", url):
        raise ValueError(f'is {_quote_address(url)}; write an address such as "https://host/papers.jsonl"')
    return url


def _quote_address(url: str) -> str:
    """Return an address for a sentence. Any other text is not shown: it may be a key in the wrong place."""
    return quote_value(url) if "://" in url else "no address"


def validate_proxy_address(url: str) -> str:
    """Return `url` if it is empty or the http(s) address of a proxy, with or without a user and a password.

    Raises ValueError otherwise. The message never quotes the address: it may carry a password.
    """
    if url and not re.fullmatch(r"https?://([^\s/?#@]+@)?[^\s/?#@:]+(:[0-9]{1,5})?/?", url):
        raise ValueError(
            'is no address of an HTTP proxy; write one such as "http://proxy.example:3128", '
            "with special characters of a password as %XX"
        )
    return url
