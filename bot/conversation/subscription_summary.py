"""A subscription, and a change of it, described to people in one sentence. Pure."""

from bot.conversation.subscription_form import DAY_NAMES, WORD_BY_DAYS, form_of
from digests.languages import name_language
from digests.subscription import (
    DigestStyle,
    MatchMode,
    Preferences,
    Schedule,
    Subscription,
    UnscoredPapers,
)
from digests.text import clip_text

_STYLE_DESCRIPTIONS = {
    DigestStyle.CARDS: "one message per paper",
    DigestStyle.COMPACT: "all in one message",
    DigestStyle.THREAD: "the papers in a thread",
}


def describe_subscription(subscription: Subscription) -> str:
    """Describe a subscription, without a full stop. Pause and stop are not mentioned.

    Such as: The 5 best papers from vision, scored 8 or more, weekdays at 08:30 (UTC), one message per paper
    """
    preferences, schedule = subscription.preferences, subscription.schedule
    best = "The best paper" if preferences.top == 1 else f"The {preferences.top} best papers"
    parts = [f"{best}{_describe_subject(preferences)}"]
    parts += [f"scored {preferences.min_score:g} or more"] if preferences.min_score is not None else []
    is_unscored_out = preferences.unscored is UnscoredPapers.LEAVE_OUT and preferences.min_score is None
    parts += ["none without a score"] if is_unscored_out else []
    parts += [f"without {_join_entries(preferences.muted)}"] if preferences.muted else []
    parts += [
        f"{_describe_rhythm(schedule)} at {schedule.at:%H:%M} ({schedule.time_zone})",
        _STYLE_DESCRIPTIONS[preferences.style],
    ]
    parts += [f"in {name_language(preferences.language)}"] if preferences.language else []
    parts += ["also papers that another digest here showed"] if preferences.repeat else []
    parts += ["with a weekly recap"] if preferences.recap else []
    return ", ".join(parts)


def _describe_rhythm(schedule: Schedule) -> str:
    """Describe the days of a schedule: weekdays, or on Monday of every second week."""
    days = _describe_days(schedule.days)
    return f"{days} of every second week" if schedule.every_weeks == 2 else days


def _describe_days(days: frozenset[int]) -> str:
    """Describe weekdays in a sentence: weekdays, daily, or on Monday and Thursday."""
    return WORD_BY_DAYS.get(days) or f"on {_join_entries(tuple(DAY_NAMES[day] for day in sorted(days)))}"


def _describe_subject(preferences: Preferences) -> str:
    """Describe domains, keywords and authors, with a space before: " from vision or about agents".

    Papers that must match both are " from vision that are about agents". Returns "" without any of them.
    """
    domains = f" from {_join_entries(preferences.domains)}" if preferences.domains else ""
    keywords = f" about {_join_entries(preferences.keywords)}" if preferences.keywords else ""
    authors = f" by {_join_entries(preferences.authors)}" if preferences.authors else ""
    link = " that are" if preferences.match is MatchMode.ALL else " or"
    subject = f"{domains}{link if domains and keywords else ''}{keywords}"
    return f"{subject}{', or' if subject and authors else ''}{authors}"


def _join_entries(entries: tuple[str, ...]) -> str:
    """Join entries in a sentence: a, b and c. More than six are counted: a, b, c, d, e, f and 3 more."""
    shown = [clip_text(entry, 40) for entry in entries[:6]]
    more = len(entries) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1] if shown else "")))


def describe_difference(before: Subscription, after: Subscription) -> str:
    """Describe a change of preferences and schedule, such as: top 5 → 3; at 09:00 → 08:30.

    Returns "" if both are equal, also if only the pause differs.
    """
    old, new = form_of(before), form_of(after)
    names = {
        "domains": "domains", "keywords": "keywords", "match": "match", "authors": "authors",
        "muted": "left out", "top": "top",
        "min_score": "minimum score", "unscored": "unscored papers",
        "at": "at", "days": "on", "time_zone": "time zone", "style": "style",
    }  # fmt: skip
    changed = [
        f"{name} {_format_value(getattr(old, field))} → {_format_value(getattr(new, field))}"
        for field, name in names.items()
        if getattr(old, field) != getattr(new, field)
    ]
    weeks = (before.schedule.every_weeks, after.schedule.every_weeks)
    changed += [f"every {weeks[0]} → {weeks[1]} weeks"] if weeks[0] != weeks[1] else []
    repeats = (before.preferences.repeat, after.preferences.repeat)
    changed += [f"repeats {'on' if repeats[1] else 'off'}"] if repeats[0] != repeats[1] else []
    recaps = (before.preferences.recap, after.preferences.recap)
    changed += [f"weekly recap {'on' if recaps[1] else 'off'}"] if recaps[0] != recaps[1] else []
    languages = (before.preferences.language, after.preferences.language)
    if languages[0] != languages[1]:
        changed.append(f"language {' → '.join(map(name_language, languages))}")
    return "; ".join(changed)


def _format_value(value: str | tuple[str, ...] | None) -> str:
    return clip_text(" ".join(value) if isinstance(value, tuple) else value or "", 80) or "none"
