"""Time zones as people say them: IANA names, cities, countries and abbreviations. Pure."""

import difflib
import unicodedata
from collections.abc import Mapping
from functools import cache
from zoneinfo import available_timezones

from config.validators import validate_time_zone
from digests.errors import InputError
from digests.text import clip_text, normalize_text

MAX_ZONE_WORDS = 4
"""Words of the longest name that is looked up."""
MAX_ZONE_CHARACTERS = 60
"""Characters of a name that is looked up. The longest IANA name has 32."""

_FURTHER_CITIES = {
    "abuja": "Africa/Lagos", "ahmedabad": "Asia/Kolkata", "atlanta": "America/New_York",
    "austin": "America/Chicago", "bangalore": "Asia/Kolkata", "barcelona": "Europe/Madrid",
    "basel": "Europe/Zurich", "bay area": "America/Los_Angeles", "beijing": "Asia/Shanghai",
    "bengaluru": "Asia/Kolkata", "bombay": "Asia/Kolkata", "bonn": "Europe/Berlin",
    "boston": "America/New_York", "cambridge": "Europe/London", "canberra": "Australia/Sydney",
    "cape town": "Africa/Johannesburg", "chennai": "Asia/Kolkata", "cologne": "Europe/Berlin",
    "dallas": "America/Chicago", "delhi": "Asia/Kolkata", "edinburgh": "Europe/London",
    "frankfurt": "Europe/Berlin", "geneva": "Europe/Zurich", "guangzhou": "Asia/Shanghai",
    "haifa": "Asia/Jerusalem", "hamburg": "Europe/Berlin", "hangzhou": "Asia/Shanghai",
    "hanoi": "Asia/Ho_Chi_Minh", "heidelberg": "Europe/Berlin", "houston": "America/Chicago",
    "hyderabad": "Asia/Kolkata", "kyoto": "Asia/Tokyo", "lausanne": "Europe/Zurich",
    "los angeles": "America/Los_Angeles", "lyon": "Europe/Paris", "miami": "America/New_York",
    "milan": "Europe/Rome", "montreal": "America/Toronto", "mumbai": "Asia/Kolkata",
    "munich": "Europe/Berlin", "new delhi": "Asia/Kolkata", "nyc": "America/New_York",
    "osaka": "Asia/Tokyo", "ottawa": "America/Toronto", "oxford": "Europe/London",
    "palo alto": "America/Los_Angeles", "philadelphia": "America/New_York",
    "pittsburgh": "America/New_York", "portland": "America/Los_Angeles", "pune": "Asia/Kolkata",
    "rio de janeiro": "America/Sao_Paulo", "saigon": "Asia/Ho_Chi_Minh",
    "saint petersburg": "Europe/Moscow", "san diego": "America/Los_Angeles",
    "san francisco": "America/Los_Angeles", "san jose": "America/Los_Angeles",
    "seattle": "America/Los_Angeles", "shenzhen": "Asia/Shanghai", "stuttgart": "Europe/Berlin",
    "tel aviv": "Asia/Jerusalem", "toulouse": "Europe/Paris", "tubingen": "Europe/Berlin",
    "washington": "America/New_York", "wellington": "Pacific/Auckland",
    "austria": "Europe/Vienna", "belgium": "Europe/Brussels", "china": "Asia/Shanghai",
    "denmark": "Europe/Copenhagen", "england": "Europe/London", "finland": "Europe/Helsinki",
    "france": "Europe/Paris", "germany": "Europe/Berlin", "greece": "Europe/Athens",
    "india": "Asia/Kolkata", "ireland": "Europe/Dublin", "israel": "Asia/Jerusalem",
    "italy": "Europe/Rome", "japan": "Asia/Tokyo", "korea": "Asia/Seoul",
    "netherlands": "Europe/Amsterdam", "norway": "Europe/Oslo", "poland": "Europe/Warsaw",
    "south korea": "Asia/Seoul", "spain": "Europe/Madrid", "sweden": "Europe/Stockholm",
    "switzerland": "Europe/Zurich", "taiwan": "Asia/Taipei", "uk": "Europe/London",
}  # fmt: skip
"""Cities that name no zone of their own, and countries with one zone that people live in."""

_PLACES_BY_ABBREVIATION = {
    "utc": ("UTC",), "z": ("UTC",), "zulu": ("UTC",),
    "gmt": ("Europe/London", "UTC"), "bst": ("Europe/London", "Asia/Dhaka"),
    "ist": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"), "wet": ("Europe/Lisbon",),
    "west": ("Europe/Lisbon",), "cet": ("Europe/Berlin", "Europe/Paris", "Europe/Madrid", "Europe/Rome"),
    "cest": ("Europe/Berlin", "Europe/Paris", "Europe/Madrid", "Europe/Rome"),
    "met": ("Europe/Berlin", "Europe/Paris"), "mez": ("Europe/Berlin", "Europe/Vienna", "Europe/Zurich"),
    "mesz": ("Europe/Berlin", "Europe/Vienna", "Europe/Zurich"),
    "eet": ("Europe/Helsinki", "Europe/Athens", "Europe/Kyiv"),
    "eest": ("Europe/Helsinki", "Europe/Athens", "Europe/Kyiv"), "msk": ("Europe/Moscow",),
    "est": ("America/New_York", "America/Toronto", "America/Panama"),
    "edt": ("America/New_York", "America/Toronto"), "et": ("America/New_York", "America/Toronto"),
    "cst": ("America/Chicago", "America/Mexico_City", "Asia/Shanghai"),
    "cdt": ("America/Chicago", "America/Winnipeg"), "ct": ("America/Chicago", "America/Winnipeg"),
    "mst": ("America/Denver", "America/Phoenix"), "mdt": ("America/Denver", "America/Edmonton"),
    "mt": ("America/Denver", "America/Phoenix"),
    "pst": ("America/Los_Angeles", "America/Vancouver", "Asia/Manila"),
    "pdt": ("America/Los_Angeles", "America/Vancouver"), "pt": ("America/Los_Angeles", "America/Vancouver"),
    "ast": ("America/Halifax", "Asia/Riyadh"), "brt": ("America/Sao_Paulo",),
    "hst": ("Pacific/Honolulu",), "sast": ("Africa/Johannesburg",), "eat": ("Africa/Nairobi",),
    "wat": ("Africa/Lagos",), "jst": ("Asia/Tokyo",), "kst": ("Asia/Seoul",), "hkt": ("Asia/Hong_Kong",),
    "sgt": ("Asia/Singapore",), "pkt": ("Asia/Karachi",), "ict": ("Asia/Bangkok",),
    "wib": ("Asia/Jakarta",), "aest": ("Australia/Sydney", "Australia/Brisbane"),
    "aedt": ("Australia/Sydney",), "acst": ("Australia/Adelaide", "Australia/Darwin"),
    "awst": ("Australia/Perth",), "nzst": ("Pacific/Auckland",), "nzdt": ("Pacific/Auckland",),
}  # fmt: skip
"""Places with different rules that use an abbreviation, most likely first. One place is the only answer."""

_COMMON_ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Paris", "America/New_York", "America/Chicago",
    "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul",
    "Asia/Singapore", "Australia/Sydney",
)  # fmt: skip
"""Time zones that are suggested before anything is typed."""

_REGIONS = ("Europe", "Asia", "America", "Africa", "Australia", "Pacific", "Atlantic", "Indian", "Arctic")
"""Regions whose zones are offered, the one that counts for a city in two of them first."""


def resolve_time_zone(text: str) -> str:
    """Return the IANA zone that a name, city, country or abbreviation stands for. Case and accents are free.

    A zone without a region, such as Etc/GMT-2, has to be written exactly. Raises InputError with the places
    to choose from if there are several, and with the nearest name if there is none.
    """
    found = find_time_zones(text)
    if len(found) == 1:
        return found[0]
    shown = f"“{clip_text(normalize_text(text), 40)}”"
    if found:
        names = [city_of_zone(zone) for zone in found]
        choice = f"{', '.join(names[:-1])} or {names[-1]}"
        raise InputError(f"{shown} is the time of several places: write the one you mean, {choice}.")
    try:
        return validate_time_zone(text.strip())
    except ValueError:
        nearest = find_nearest_zone(text)
    remedy = f'did you mean "{nearest}"?' if nearest else 'write a city or a name such as "Europe/Berlin".'
    raise InputError(f"{shown} isn't a valid time zone: {remedy}")


def find_time_zones(text: str) -> tuple[str, ...]:
    """Return the zones that a text names: one, several for an ambiguous abbreviation, or none."""
    name = _fold_name(text)
    return _PLACES_BY_ABBREVIATION.get(name) or _zones_by_name().get(name) or ()


def find_nearest_zone(text: str) -> str:
    """Return the zone whose name or city is most like a text, or "" if none is near."""
    names = _zones_by_name()
    nearest = difflib.get_close_matches(_fold_name(text), names, n=1, cutoff=0.8)
    return names[nearest[0]][0] if nearest else ""


def suggest_time_zones(typed: str, limit: int) -> list[tuple[str, str]]:
    """Return up to `limit` pairs of label and zone that match a typed text; for no text, common zones.

    Abbreviations come first, then names that begin with the text, then those that contain it. A zone comes
    once.
    """
    wanted = _fold_name(typed)
    if not wanted:
        return [(zone, zone) for zone in _COMMON_ZONES][:limit]
    pairs = [(f"{city_of_zone(zone)} ({zone})", zone) for zone in _PLACES_BY_ABBREVIATION.get(wanted, ())]
    names = sorted(_labels_by_name().items(), key=lambda each: (not each[0].startswith(wanted), each[0]))
    pairs += [pair for name, pair in names if wanted in name]
    label_by_zone: dict[str, str] = {}
    for label, zone in pairs:
        label_by_zone.setdefault(zone, label)
    return [(label, zone) for zone, label in label_by_zone.items()][:limit]


def city_of_zone(zone: str) -> str:
    """Return the city in a zone's name, such as "New York"; the whole name for one without a city."""
    return zone.rpartition("/")[2].replace("_", " ")


def _fold_name(text: str) -> str:
    """Return a name in lower case, without accents, points and underscores, with single spaces."""
    decomposed = unicodedata.normalize("NFKD", text[:MAX_ZONE_CHARACTERS].replace("_", " ").replace(".", ""))
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    words = plain.casefold().split()
    return " ".join(words[:-1] if len(words) > 1 and words[-1] == "time" else words)


@cache
def _list_zones() -> tuple[str, ...]:
    """Return the zones of a region and a city, the most important region of a city first."""
    zones = [zone for zone in available_timezones() if zone.partition("/")[0] in _REGIONS]
    return tuple(sorted(zones, key=lambda zone: (_REGIONS.index(zone.partition("/")[0]), zone)))


@cache
def _zones_by_name() -> Mapping[str, tuple[str, ...]]:
    """Return the zone of each IANA name and city. A short city name never hides a whole IANA name."""
    found = {_fold_name(name): (zone,) for name, zone in _FURTHER_CITIES.items()}
    for zone in _list_zones():
        found.setdefault(_fold_name(city_of_zone(zone)), (zone,))
    return found | {_fold_name(zone): (zone,) for zone in ("UTC", *_list_zones())}


@cache
def _labels_by_name() -> dict[str, tuple[str, str]]:
    """Return label and zone by the folded name that is searched."""
    found = {_fold_name(zone): (zone, zone) for zone in ("UTC", *_list_zones())}
    found |= {_fold_name(city_of_zone(zone)): (zone, zone) for zone in reversed(_list_zones())}
    return found | {name: (f"{name.title()} ({zone})", zone) for name, zone in _FURTHER_CITIES.items()}
