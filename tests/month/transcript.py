"""The transcript of the month: what the people of both channels did and saw, in Markdown.

Digests after the first of a channel are shortened to the titles that were really posted.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.month.teams import Json, Team

NUMBERS = ("no", "one", "two", "three", "four", "five")
TITLE_CHARACTERS = 70

_CARD_TITLE = re.compile(r"\*\*(?:\d+\.|\S️⃣) (.+?)(?: · \d+\.\d/10)?\*\*")
_SCORE = re.compile(r"\d+\.\d/10")


@dataclass(slots=True)
class Transcript:
    """Entries by day and channel. `observe` adds what a channel shows since the last time."""

    teams: list["Team"] = field(default_factory=list)
    now: datetime | None = None
    _days: dict[date, dict[str, list[str]]] = field(default_factory=dict)
    _seen: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _first_digests: dict[str, date] = field(default_factory=dict)
    _private_answers: set[tuple[str, ...]] = field(default_factory=set)
    _stand_ins: dict[str, str] = field(default_factory=dict)

    # What people do.

    def add_action(self, team: "Team", name: str, deed: str) -> None:
        """Add what a person does now."""
        self._add(team, f"{self._format_time(team)} **{name}** {deed}")

    def add_private(self, team: "Team", name: str, lines: Sequence[str]) -> None:
        """Add an answer that a person alone sees, unless somebody of the team had the same before."""
        if (team.title, *lines) in self._private_answers:
            return
        self._private_answers.add((team.title, *lines))
        opening = "_each of them sees:_" if name == "each" else f"_only {name} sees:_"
        self._add(team, _quote([opening, *lines]))

    def add_event(self, team: "Team", text: str) -> None:
        """Add something that happens outside of the channel."""
        self._add(team, f"{self._format_time(team)} {text}")

    def hide(self, text: str, stand_in: str) -> None:
        """Write other words in place of a text that is drawn at random."""
        self._stand_ins[text] = stand_in

    def _format_time(self, team: "Team") -> str:
        assert self.now
        return f"{self.now.astimezone(team.zone):%H:%M}"

    def _add(self, team: "Team", entry: str) -> None:
        assert self.now
        day = self.now.astimezone(team.zone).date()
        self._days.setdefault(day, {}).setdefault(team.title, []).append(entry)

    # What a channel shows.

    def observe(self, *, has_settled: bool = True) -> None:
        """Add the new messages of every channel, and the changed ones once all edits are made."""
        for team in self.teams:
            self._observe_team(team, has_settled=has_settled)

    def _observe_team(self, team: "Team", *, has_settled: bool) -> None:
        posted: list[tuple[Json, list[str]]] = []
        edits: list[str] = []
        for message in team.list_messages():
            lines, key = team.read(message), (team.title, team.key_of(message))
            seen = self._seen.get(key)
            if seen is not None and not has_settled:
                continue
            self._seen[key] = lines
            if seen is None and not team.author_of(message):
                posted.append((message, lines))
            elif seen is not None and seen != lines:
                edits.append(self._describe_edit(seen, lines))
        short = [edit for edit in edits if "\n" not in edit]
        if short:
            self._add(team, f"{self._format_time(team)} ✎ {'; '.join(short)}")
        for edit in edits:
            if "\n" in edit:
                self._add(team, f"{self._format_time(team)} ✎ {edit}")
        for group in _group_posts(posted):
            self._add(team, self._describe_posts(team, group))

    def name_message(self, lines: Sequence[str]) -> str:
        """Name a message by the title of its paper, or by its first line."""
        for line in lines:
            if found := _CARD_TITLE.fullmatch(line):
                return f"“{found[1]}”"
        first = next((line for line in lines if line.strip("*_ ")), "")
        name = first.strip("*_")
        return f"“{name if len(name) <= TITLE_CHARACTERS else name[: TITLE_CHARACTERS - 1] + '…'}”"

    def _describe_edit(self, before: Sequence[str], after: Sequence[str]) -> str:
        added = [_keep_new_buttons(line, before) for line in after if line not in before]
        removed = [line for line in before if line not in after]
        name = self.name_message(before)
        if not added and not removed:
            return f"{name} in another order"
        if not added:
            return f"{name} without {' '.join(removed)}"
        if before[0] != after[0]:
            return f"{name} now reads\n\n{_quote(after)}"
        if len(added) == 1:
            return f"{name} now shows {added[0]}"
        return f"{name} now shows\n\n{_quote(added)}"

    def _describe_posts(self, team: "Team", group: Sequence[tuple["Json", list[str]]]) -> str:
        first, lines = group[0]
        where = " in the thread" if team.is_in_thread(first) else ""
        time = self._format_time(team)
        titles = [title for _, each in group for title in _list_titles(each)]
        heading = f"{time} **Paperround**{where}"
        if not titles:
            return f"{heading}\n\n{_quote(lines)}"
        assert self.now
        day = self.now.astimezone(team.zone).date()
        first_day = self._first_digests.setdefault(team.title, day)
        if first_day == day:
            quoted = [_quote(each) for _, each in group]
            return "\n\n".join([heading, *quoted])
        return f"{heading}\n\n{_quote(_shorten_digest([each for _, each in group], first_day, day))}"

    def render(self, opening: str) -> str:
        """Return the whole transcript."""
        parts = [opening.strip()]
        for day in sorted(self._days):
            parts.append(f"## {day:%A} {day.day} {day:%B}")
            channels = self._days[day]
            for team in self.teams:
                if entries := channels.get(team.title):
                    parts += [f"### {team.title}", *entries]
        text = "\n\n".join(parts) + "\n"
        for hidden, stand_in in self._stand_ins.items():
            text = text.replace(hidden, stand_in)
        return text


def _group_posts(posted: Iterable[tuple["Json", list[str]]]) -> list[list[tuple["Json", list[str]]]]:
    """Join the header of a digest with its cards, which were posted together."""
    groups: list[list[tuple[Json, list[str]]]] = []
    for message, lines in posted:
        if groups and _list_titles(lines) and _is_header(groups[-1][0][1]):
            groups[-1].append((message, lines))
        else:
            groups.append([(message, lines)])
    return groups


def _is_header(lines: Sequence[str]) -> bool:
    return bool(re.search(r" · \w{3} \d+ \w{3} · ", lines[0])) if lines else False


def _list_titles(lines: Iterable[str]) -> list[str]:
    return [found[1] for line in lines if (found := _CARD_TITLE.fullmatch(line))]


def _shorten_digest(messages: Sequence[Sequence[str]], first_day: date, day: date) -> list[str]:
    """Return a digest as its header, its papers with their scores, and what else it says."""
    header, *cards = messages
    shown = cards or [header]
    papers = [
        f"{number}. {title} · {score}" for number, (title, score) in enumerate(_list_scored(shown), start=1)
    ]
    when = (
        f"on {first_day:%A}" if day - first_day < timedelta(days=6) else f"on {first_day.day} {first_day:%B}"
    )
    kind = "in a thread, " if cards and _list_titles(header) else ""
    count = NUMBERS[len(papers)]
    note = f"_{count} {'card' if len(papers) == 1 else 'cards'}, {kind}as {when}_"
    return [header[0], *papers, *_list_remarks(messages), note]


def _list_remarks(messages: Sequence[Sequence[str]]) -> list[str]:
    """Return what a digest says besides its papers: below the last buttons of a card, or of the list."""
    remarks = list[str]()
    for lines in messages:
        ends = [place for place, line in enumerate(lines) if "🔖" in line or line.startswith("_Limitation")]
        below = lines[max(ends) + 1 :] if ends else lines[1:]
        remarks += [line for line in below if not re.fullmatch(r"(`[^`]+` ?)+|_#\d+ .*_", line)]
    return remarks


def _list_scored(cards: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    found = []
    for lines in cards:
        for place, line in enumerate(lines):
            if title := _CARD_TITLE.fullmatch(line):
                score = _SCORE.search("\n".join(lines[place : place + 2]))
                found.append((title[1], score[0] if score else "no score"))
    return found


def _keep_new_buttons(line: str, before: Iterable[str]) -> str:
    """Leave out the buttons of a row that were there before."""
    if not line.startswith("`"):
        return line
    known = {label for other in before if other.startswith("`") for label in re.findall(r"`[^`]+`", other)}
    return " ".join(label for label in re.findall(r"`[^`]+`", line) if label not in known) or line


def _quote(lines: Iterable[str]) -> str:
    """Return lines as a quotation, one paragraph each; items of a list stay together."""
    quoted: list[str] = []
    for line in lines:
        is_item = re.match(r"(\d+\.|[-•]) ", line)
        if quoted and not (is_item and re.match(r"> (\d+\.|[-•]) ", quoted[-1])):
            quoted.append(">")
        quoted.append(f"> {line}".rstrip())
    return "\n".join(quoted)
