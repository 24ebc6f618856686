"""The rota: who leads the next meeting. Pure.

The person whose last turn is longest ago is next. A turn is a meeting led, or one given up for good; for a
person without any, it is the instant of joining, so that nobody is asked twice before the others.
"""

from collections.abc import Iterable
from datetime import date, datetime

from digests.meetings.model import Member


def find_last_turn(member: Member) -> datetime:
    """Return the instant of a member's last turn."""
    return max(filter(None, (member.joined_at, member.led_at, member.passed_at)))


def order_rota(members: Iterable[Member]) -> tuple[Member, ...]:
    """Return the members in the order of their turns, whose turn is next first."""
    return tuple(sorted(members, key=lambda member: (find_last_turn(member), member.person)))


def choose_presenter(members: Iterable[Member], day: date) -> Member | None:
    """Return the member who leads the meeting of a local date, None if everybody is away or has declined."""
    return next(
        (member for member in order_rota(members) if not member.has_declined and not member.is_away(day)),
        None,
    )
