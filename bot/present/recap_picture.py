"""The picture of a channel's week: the scores that its digests showed, by day and domain.

It has a light background of its own, so that it reads the same in a dark and in a light window. Its texts are
large enough for a telephone, which shows it some 360 points wide.
"""

import io
import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import TYPE_CHECKING

from bot.present.agreement import clip_middle
from bot.present.wording import clean_text, format_count, format_short_weekday
from digests.model import ScoredPaper
from digests.recap import RecapFacts
from digests.text import clip_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

log = logging.getLogger(__name__)

MAX_CHANNELS = 6
"""Digests in one picture."""

MAX_DOMAINS = 6
"""Domains with a colour and a shape of their own; the others share one."""

MAX_NAMED_PAPERS = 6
"""Wanted papers that are named, the most wanted first; further ones have a ring without a number."""

MAX_DAY_LABELS = 7
"""Days with a label: of more, every second one has it, or fewer."""

SPREAD = 0.6
"""Part of a day's width over which its papers are spread, so that equal scores are all seen."""

TITLE_CHARACTERS = 54
NAME_CHARACTERS = 40

ALT_CHARACTERS = 1000
"""Characters of the text for those who do not see the picture. Discord takes 1,024, Slack 2,000."""

WIDTH, PLOT_HEIGHT, LINE_HEIGHT = 6.0, 3.9, 0.31
"""Size of the picture of a channel in inches: its plot, and each line of the key below."""

DOTS_PER_INCH = 200

MIN_SPAN = 2.0
"""Least difference of scores that the height of the plot stands for."""

KEY_COLUMNS = 4
"""Domains in a line of the key."""

_BACKGROUND, _TEXT, _MUTED, _GRID = "#fbfbf9", "#1f2328", "#57606a", "#dcdfe4"

_OTHERS = ("#6e7781", "X")

_LOOKS = (
    ("#0969da", "o"),
    ("#c2410c", "s"),
    ("#1a7f5a", "^"),
    ("#8b3fb5", "D"),
    ("#9a6700", "v"),
    ("#bf3989", "P"),
)
"""Colours and shapes of the domains. Shapes tell them apart where colours do not."""

_drawing = Lock()
"""Matplotlib's fonts are shared between threads: one picture is drawn at a time."""


@dataclass(frozen=True, slots=True)
class ChannelWeeks:
    """The facts of a digest for some weeks, with its name and the papers by id. Others are not drawn."""

    name: str
    facts: RecapFacts
    papers: Mapping[str, ScoredPaper]

    @property
    def scores_by_day(self) -> dict[date, list[tuple[str, float]]]:
        """The papers with their scores by day, the earliest day first. Those without a score are left out."""
        by_day: dict[date, list[tuple[str, float]]] = {}
        for each in sorted(self.facts.shown, key=lambda shown: shown.edition):
            if each.score is not None and each.paper in self.papers:
                by_day.setdefault(each.edition, []).append((each.paper, each.score))
        return by_day

    @property
    def wanted(self) -> list[str]:
        """The papers with a score that people marked or discussed, the most wanted first."""
        drawn = {paper for day in self.scores_by_day.values() for paper, _ in day}
        return [
            paper for paper in dict.fromkeys((*self.facts.marks, *self.facts.discussed)) if paper in drawn
        ]


def draw_week(week: ChannelWeeks) -> bytes | None:
    """Draw one channel's week as PNG. None if it has no score, if Matplotlib is missing, or if drawing fails.

    A failure is logged: no post is kept back for its picture. Takes up to a second; call it from a thread.
    """
    if not week.scores_by_day:
        return None
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return None
    try:
        return draw_weeks([week], "png")
    except Exception:
        log.exception("the picture of the week cannot be drawn")
        return None


def describe_week(week: ChannelWeeks) -> str:
    """Describe the picture for those who do not see it: each day's scores, and the wanted papers."""
    days = [
        f"{format_short_weekday(day)}: {format_count(len(papers), 'paper')}, {_describe_range(papers)}"
        for day, papers in week.scores_by_day.items()
    ]
    scores = {paper: score for papers in week.scores_by_day.values() for paper, score in papers}
    wanted = [
        f"“{_clip_title(week.papers[paper])}” {scores[paper]:.1f}" for paper in week.wanted[:MAX_NAMED_PAPERS]
    ]
    sentences = [f"Scores of the papers shown here, by day. {'; '.join(days)}."]
    sentences += [f"Wanted by people here: {', '.join(wanted)}."] if wanted else []
    return clip_text(" ".join(sentences), ALT_CHARACTERS)


def _describe_range(papers: Sequence[tuple[str, float]]) -> str:
    low, high = min(score for _, score in papers), max(score for _, score in papers)
    return f"{low:.1f}" if low == high else f"{low:.1f} to {high:.1f}"


def draw_weeks(channels: Sequence[ChannelWeeks], image_format: str) -> bytes:
    """Draw the channels one below the other, `MAX_CHANNELS` at most, as “png”, “svg” or “pdf”.

    Each has a score at least. Raises the errors of Matplotlib, and ImportError without it.
    """
    # The figure is made without pyplot, which would look for a screen.
    from matplotlib.figure import Figure

    channels = channels[:MAX_CHANNELS]
    heights = [PLOT_HEIGHT + LINE_HEIGHT * _count_key_lines(channel) for channel in channels]
    with _drawing:
        figure = Figure(figsize=(WIDTH, sum(heights)), facecolor=_BACKGROUND)
        top = sum(heights)
        for channel, height in zip(channels, heights, strict=True):
            key_height = LINE_HEIGHT * _count_key_lines(channel)
            bottom = top - height
            plot = figure.add_axes(
                (
                    0.075,
                    (bottom + key_height + 0.66) / sum(heights),
                    0.9,
                    (PLOT_HEIGHT - 1.5) / sum(heights),
                )
            )
            key = figure.add_axes((0.035, (bottom + 0.08) / sum(heights), 0.935, key_height / sum(heights)))
            _draw_channel(plot, channel)
            _draw_key(key, channel)
            top = bottom
        image = io.BytesIO()
        figure.savefig(image, format=image_format, dpi=DOTS_PER_INCH, facecolor=_BACKGROUND)
    return image.getvalue()


def _draw_channel(axes: "Axes", channel: ChannelWeeks) -> None:
    from matplotlib.ticker import MaxNLocator

    by_day = channel.scores_by_day
    looks, numbers = _choose_looks(channel), _number_wanted(channel)
    wanted = set(channel.wanted)
    # One call for each look is cheaper than one for each paper.
    points: dict[tuple[str, str, bool], list[tuple[float, float]]] = {}
    for place, papers in enumerate(by_day.values()):
        for at, (paper, score) in enumerate(papers):
            x = place + SPREAD * ((at + 0.5) / len(papers) - 0.5)
            look = looks[_find_domain(channel, paper)]
            points.setdefault((*look, paper in wanted), []).append((x, score))
            if paper in numbers:
                axes.annotate(
                    str(numbers[paper]),
                    (x, score),
                    (0, 8.5),
                    textcoords="offset points",
                    ha="center",
                    color=_TEXT,
                    fontsize=13,
                    fontweight="bold",
                    zorder=5,
                )
    for (colour, shape, is_wanted), places in points.items():
        size, edge, layer = (150, _TEXT, 4) if is_wanted else (85, _BACKGROUND, 3)
        axes.scatter(
            [x for x, _ in places],
            [y for _, y in places],
            s=size,
            color=colour,
            marker=shape,
            edgecolors=edge,
            linewidths=1.4,
            zorder=layer,
        )
    step = -(-len(by_day) // MAX_DAY_LABELS)
    labels = [f"{day:%a}\n{day.day} {day:%b}" for day in by_day]
    axes.set_xticks(range(0, len(by_day), step), labels[::step])
    axes.set_xlim(-0.6, len(by_day) - 0.4)
    scores = [score for papers in by_day.values() for _, score in papers]
    margin = max(0.12 * (max(scores) - min(scores)), (MIN_SPAN - max(scores) + min(scores)) / 2)
    axes.set_ylim(min(scores) - margin, max(scores) + 1.6 * margin)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_title(
        _to_drawable(clip_middle(clean_text(channel.name), NAME_CHARACTERS)) or "This week",
        color=_TEXT,
        loc="left",
        x=-0.05,
        fontsize=14,
        fontweight="bold",
        pad=30,
    )
    axes.annotate(
        "score of each paper, by day",
        (-0.05, 1),
        (0, 12),
        xycoords="axes fraction",
        textcoords="offset points",
        color=_MUTED,
        fontsize=12,
    )
    axes.set_facecolor(_BACKGROUND)
    axes.tick_params(colors=_MUTED, labelsize=12, length=0, pad=6)
    axes.grid(axis="y", color=_GRID)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _find_domain(channel: ChannelWeeks, paper: str) -> str:
    return channel.papers[paper].paper.primary_category or "no domain"


def _choose_looks(channel: ChannelWeeks) -> dict[str, tuple[str, str]]:
    """Return colour and shape of each domain: those with most papers have one of their own."""
    papers = [paper for day in channel.scores_by_day.values() for paper, _ in day]
    domains = sorted(_find_domain(channel, paper) for paper in papers)
    common = [domain for domain, _ in Counter(domains).most_common()]
    return {domain: _LOOKS[at] if at < MAX_DOMAINS else _OTHERS for at, domain in enumerate(common)}


def _number_wanted(channel: ChannelWeeks) -> dict[str, int]:
    """Return the numbers of the wanted papers that are named, from 1, the most wanted first."""
    return {paper: number for number, paper in enumerate(channel.wanted[:MAX_NAMED_PAPERS], start=1)}


def _count_key_lines(channel: ChannelWeeks) -> int:
    named = len(_number_wanted(channel))
    return -(-len(_list_key(channel)) // KEY_COLUMNS) + (named + 1 if named else 0)


def _list_key(channel: ChannelWeeks) -> list[tuple[str, str, str]]:
    """Return the entries of the key, each a domain with its colour and shape."""
    looks = _choose_looks(channel)
    entries = [(clip_middle(domain, 12), *look) for domain, look in [*looks.items()][:MAX_DOMAINS]]
    return [*entries, *([("others", *_OTHERS)] if len(looks) > MAX_DOMAINS else [])]


def _draw_key(axes: "Axes", channel: ChannelWeeks) -> None:
    """Draw the domains in columns, and below them the wanted papers with their numbers."""
    lines = _count_key_lines(channel)
    axes.set_axis_off()
    axes.set_xlim(0, KEY_COLUMNS)
    axes.set_ylim(-lines, 0)
    entries = _list_key(channel)
    for at, (name, colour, shape) in enumerate(entries):
        x, y = at % KEY_COLUMNS, -(at // KEY_COLUMNS) - 0.5
        axes.scatter([x + 0.06], [y], s=70, color=colour, marker=shape)
        axes.text(x + 0.16, y, _to_drawable(name), color=_TEXT, fontsize=12, va="center")
    y = (-len(entries) // KEY_COLUMNS) - 0.5
    for paper, number in _number_wanted(channel).items():
        if number == 1:
            axes.text(0.03, y, "Wanted by people here", color=_MUTED, fontsize=12, va="center")
        title = _to_drawable(_clip_title(channel.papers[paper])) or _to_drawable(paper)
        axes.text(0.03, y - number, str(number), color=_TEXT, fontsize=12, fontweight="bold", va="center")
        axes.text(0.16, y - number, title, color=_TEXT, fontsize=12, va="center")


def _clip_title(scored: ScoredPaper) -> str:
    return clip_text(clean_text(scored.paper.title), TITLE_CHARACTERS)


def _to_drawable(text: str) -> str:
    """Leave out characters that the font lacks, and escape the dollar sign, which begins a formula."""
    glyphs = _load_glyphs()
    return "".join(each for each in text if ord(each) in glyphs).strip().replace("$", r"\$")


def _load_glyphs() -> Collection[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(findfont(FontProperties())).get_charmap()
