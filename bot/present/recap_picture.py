"""The picture of a channel's weeks: the scores that its digests showed, by day and domain."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bot.present.agreement import clip_middle
from bot.present.wording import clean_text
from digests.errors import InputError
from digests.model import ScoredPaper
from digests.recap import RecapFacts
from digests.text import clip_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_CHANNELS = 6
"""Digests in one picture."""

MAX_DOMAINS = 6
"""Domains with a colour of their own; the others share one."""

MAX_NAMED_PAPERS = 8
"""Wanted papers that are named, the most wanted first; further ones have a ring without a number."""

MAX_DAY_LABELS = 10
"""Days with a label: of more, every second one has it."""

SPREAD = 0.56
"""Part of a day's width over which its papers are spread, so that equal scores are all seen."""

TITLE_CHARACTERS = 44

_GREY = "#888d96"
"""A grey that can be read on white and on black."""

_COLOURS = ("#3b8eea", "#e08a1e", "#2fa36b", "#c95fb0", "#d9534f", "#8a7be0")
"""Colours that can be told apart on white and on black, also by most who are colour-blind."""


@dataclass(frozen=True, slots=True)
class ChannelWeeks:
    """The facts of a digest for some weeks, with its name and the papers by id."""

    name: str
    facts: RecapFacts
    papers: Mapping[str, ScoredPaper]


def save_recap_plot(channels: Sequence[ChannelWeeks], file: Path) -> None:
    """Draw one row a channel. The background is transparent, and every colour is seen on white and on black.

    Raises InputError if there is nothing to draw, and if the file cannot be written.
    """
    if not channels:
        raise InputError("No digest of the last two weeks showed a score: there is nothing to draw.")
    channels = channels[:MAX_CHANNELS]
    # The figure is made without pyplot, which would look for a screen.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.9 * len(channels)), layout="constrained")
    rows = figure.subplots(len(channels), 1, squeeze=False)[:, 0]
    for axes, channel in zip(rows, channels, strict=True):
        _draw_channel(axes, channel)
    try:
        figure.savefig(file, dpi=150, transparent=True)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror or error}.") from None


def _draw_channel(axes: "Axes", channel: ChannelWeeks) -> None:
    shown = [each for each in channel.facts.shown if each.paper in channel.papers]
    colours = _choose_colours([_find_domain(channel, each.paper) for each in shown])
    numbers = _number_wanted(channel.facts, {each.paper for each in shown})
    wanted = {*channel.facts.marks, *channel.facts.discussed}
    by_day: dict[date, list[tuple[str, float]]] = {}
    for each in shown:
        if each.score is not None:
            by_day.setdefault(each.edition, []).append((each.paper, each.score))
    for place, day in enumerate(sorted(by_day)):
        for at, (paper, score) in enumerate(by_day[day]):
            x = place + SPREAD * ((at + 0.5) / len(by_day[day]) - 0.5)
            size, edge = (150, _GREY) if paper in wanted else (55, "none")
            colour = colours[_find_domain(channel, paper)]
            axes.scatter([x], [score], s=size, color=colour, edgecolors=edge, linewidths=1.8, zorder=3)
            if paper in numbers:
                axes.annotate(
                    str(numbers[paper]),
                    (x, score),
                    (0, 9),
                    textcoords="offset points",
                    ha="center",
                    color=_GREY,
                    fontweight="bold",
                )
    step = -(-len(by_day) // MAX_DAY_LABELS)
    labels = [f"{day:%a}\n{day.day} {day:%b}" for day in sorted(by_day)]
    axes.set_xticks(range(0, len(by_day), step or 1), labels[:: step or 1])
    axes.set_xlim(-0.6, len(by_day) - 0.4)
    axes.margins(y=0.18)
    axes.set_ylabel("score", color=_GREY)
    axes.set_title(_escape(channel.name), color=_GREY, loc="left", fontweight="bold")
    _draw_legend(axes, colours, [(number, channel.papers[paper]) for paper, number in numbers.items()])
    axes.tick_params(colors=_GREY)
    axes.grid(axis="y", color=_GREY, alpha=0.25)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(_GREY)


def _find_domain(channel: ChannelWeeks, paper: str) -> str:
    return channel.papers[paper].paper.primary_category or "no domain"


def _choose_colours(domains: Sequence[str]) -> dict[str, str]:
    """Return a colour for each domain: those with most papers have one of their own."""
    common = [domain for domain, _ in Counter(sorted(domains)).most_common()]
    return {domain: _COLOURS[at] if at < MAX_DOMAINS else _GREY for at, domain in enumerate(common)}


def _number_wanted(facts: RecapFacts, drawn: Collection[str]) -> dict[str, int]:
    """Return the numbers of the wanted papers that are named, from 1, the most wanted first."""
    wanted = [paper for paper in dict.fromkeys((*facts.marks, *facts.discussed)) if paper in drawn]
    return {paper: number for number, paper in enumerate(wanted[:MAX_NAMED_PAPERS], start=1)}


def _draw_legend(axes: "Axes", colours: Mapping[str, str], named: Sequence[tuple[int, ScoredPaper]]) -> None:
    """Draw the domains and the names of wanted papers to the right of the plot."""
    from matplotlib.lines import Line2D

    dots = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=_escape(clip_middle(domain, 20)))
        for domain, colour in [*colours.items()][:MAX_DOMAINS]
    ]
    if len(colours) > MAX_DOMAINS:
        dots.append(Line2D([], [], marker="o", linestyle="", color=_GREY, label="others"))
    heading = [Line2D([], [], linestyle="", label="wanted by people here:")] if named else []
    names = [
        Line2D([], [], linestyle="", label=f"{number}  {_escape(_clip_title(scored))}")
        for number, scored in named
    ]
    axes.legend(
        handles=[*dots, *heading, *names],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        labelcolor=_GREY,
    )


def _clip_title(scored: ScoredPaper) -> str:
    return clip_text(clean_text(scored.paper.title), TITLE_CHARACTERS)


def _escape(text: str) -> str:
    """Escape a text: a dollar sign would begin a formula."""
    return text.replace("$", r"\$")
