"""The operator's pages as HTML, from what the store says. Pure: nothing is asked here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from bot.conversation.subscription_summary import describe_subscription
from bot.present.channel_status import describe_trouble
from bot.present.wording import format_count, format_short_weekday
from bot.web.html import Content, Html, tag
from digests.model import REVIEWER, HealthReport, QueuedPaper, ScoredPaper, Trouble
from digests.ports.budget import BudgetLimit, Spending
from digests.ports.delivery_reports import ChannelStatus, DeliveryReport
from digests.ports.outbox import DeliveryState, PageState
from digests.ports.overview import DigestFilter, DigestPage, WorkspaceDigests
from digests.subscription import Subscription, format_full_name
from digests.text import clip_text, to_plain_text

DIGESTS_PER_PAGE = 50
"""Digests of one page of the list."""

MAX_TROUBLES = 10
"""Digests in trouble on the first page. Its link leads to all."""

MAX_WORKSPACES = 100
"""Workspaces on the first page, those with most digests first."""

REASON_CHARACTERS = 400
"""Characters of a reason that are shown."""

WISH_CHARACTERS = 160
"""Characters of what a digest is about, in a list."""

TITLE_CHARACTERS = 200
"""Characters of a paper's title that are shown."""

STATE_WORDS = {
    DeliveryState.CLAIMED: "being prepared",
    DeliveryState.POSTING: "being posted",
    DeliveryState.POSTED: "posted",
    DeliveryState.EMPTY: "no papers",
    DeliveryState.RETRYING: "waits for another try",
    DeliveryState.UNKNOWN: "may have arrived",
    DeliveryState.FAILED: "not posted",
}
"""Words for the state of an edition."""

_BAD_STATES = (DeliveryState.FAILED, DeliveryState.RETRYING, DeliveryState.UNKNOWN)


Names = Mapping[tuple[str, str], str]
"""Names of workspaces, by platform and id. One without a name is not in it."""


@dataclass(frozen=True, slots=True)
class ReviewerUse:
    """The reviewer's spending of today (UTC), its limit, and the papers that wait for it."""

    spent: Spending
    limit: BudgetLimit
    waiting: int


@dataclass(frozen=True, slots=True)
class OverviewData:
    """Everything on the first page."""

    now: datetime
    workspaces: Sequence[WorkspaceDigests]
    names: Names
    troubled: DigestPage
    conditions: Sequence[HealthReport]
    reviewer: ReviewerUse | None


@dataclass(frozen=True, slots=True)
class DigestData:
    """Everything on the page of one digest."""

    now: datetime
    status: ChannelStatus
    names: Names
    history: Sequence[DeliveryReport] = ()
    queue: Sequence[tuple[QueuedPaper, ScoredPaper]] = field(default=())
    queue_count: int = 0


def render_document(title: str, *content: Content, is_signed_in: bool = True) -> str:
    """Return a whole page, with its header."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title} - Paperround"),
        tag("link", rel="stylesheet", href="/site.css"),
    )
    links = [
        tag("b", "Paperround"),
        tag("a", "Overview", href="/"),
        tag("a", "Digests", href="/digests"),
        tag("form", tag("button", "Sign out", class_="plain"), method="post", action="/logout"),
    ]
    header = tag("header", links) if is_signed_in else None
    page = tag("html", head, tag("body", header, tag("main", *content)), lang="en")
    return f"<!doctype html>\n{page}\n"


def render_login(problem: str = "") -> str:
    """Return the page that asks for a token."""
    return render_document(
        "Sign in",
        tag(
            "section",
            tag("h1", "Paperround"),
            tag("p", problem, class_="bad", role="alert") if problem else None,
            tag(
                "form",
                tag("label", "Token", for_="token"),
                tag(
                    "input", id="token", name="token", type="password", required=True, autofocus=True,
                    autocomplete="current-password", spellcheck="false",
                ),
                tag("button", "Sign in"),
                method="post", action="/login",
            ),
            tag("p", "“paperround token create web” makes one, on the machine that runs it.", class_="quiet"),
            class_="login",
        ),
        is_signed_in=False,
    )  # fmt: skip


def render_problem(title: str, sentence: str) -> str:
    """Return a page with one sentence."""
    return render_document(title, tag("h1", title), tag("section", tag("p", sentence)))


# The first page.


def render_overview(data: OverviewData) -> str:
    """Return the first page: what is wrong, the reviewer, and the workspaces."""
    bad_reports = [each for each in data.conditions if each.trouble]
    return render_document(
        "Overview",
        tag("h1", _describe_whole(data, bad_reports)),
        _render_troubles(data) if data.troubled.count else None,
        _render_sources(bad_reports) if bad_reports else None,
        tag("div", _render_counts(data), _render_reviewer(data.reviewer), class_="columns"),
        _render_workspaces(data),
        tag("p", f"As of {_format_utc(data.now)}. Nothing can be changed here.", class_="quiet"),
    )


def _describe_whole(data: OverviewData, bad_reports: Sequence[HealthReport]) -> str:
    if not data.workspaces:
        return "No channel gets a digest yet"
    parts = []
    if data.troubled.count:
        verb = "needs" if data.troubled.count == 1 else "need"
        parts.append(f"{format_count(data.troubled.count, 'digest')} {verb} a look")
    bad_sources = [each for each in bad_reports if each.subject != REVIEWER]
    if bad_sources:
        parts.append(f"{format_count(len(bad_sources), 'source')} in trouble")
    if len(bad_sources) < len(bad_reports):
        parts.append("the reviewer in trouble")
    whole = ", ".join(parts) or "Everything goes its way"
    return whole[0].upper() + whole[1:]


def _render_troubles(data: OverviewData) -> Html:
    more = data.troubled.count - len(data.troubled.digests)
    return tag(
        "section",
        tag("h2", "What failed, and why"),
        tag("ul", [_render_digest_row(each, data.names, data.now) for each in data.troubled.digests]),
        tag("p", tag("a", f"All {data.troubled.count:,}", href="/digests?show=trouble"))
        if more > 0
        else None,
        class_="alert",
    )


def _render_sources(reports: Sequence[HealthReport]) -> Html:
    rows = [
        tag(
            "li",
            tag(
                "div", tag("span", each.subject), tag("span", _name_trouble(each), class_="bad"), class_="row"
            ),
            tag("div", clip_text(each.detail, REASON_CHARACTERS), class_="quiet") if each.detail else None,
        )
        for each in reports
    ]
    return tag("section", tag("h2", "Sources and reviewer"), tag("ul", rows), class_="alert")


def _name_trouble(report: HealthReport) -> str:
    trouble = "not fetched" if report.trouble is Trouble.OUTAGE else str(report.trouble)
    return f"{trouble} since {_format_utc(report.since)}"


def _render_counts(data: OverviewData) -> Html:
    totals = {
        state: sum(each.counts.get(state, 0) for each in data.workspaces)
        for state in ("running", "paused", "stopped")
    }
    entries = [("workspaces", len(data.workspaces)), *totals.items()]
    pairs = [(tag("dt", name), tag("dd", f"{count:,}")) for name, count in entries]
    return tag("section", tag("h2", "Digests"), tag("dl", pairs))


def _render_reviewer(reviewer: ReviewerUse | None) -> Html:
    if not reviewer:
        return tag("section", tag("h2", "Reviewer"), tag("p", "None is set up.", class_="quiet"))
    spent, limit = reviewer.spent, reviewer.limit
    pairs = [
        _render_use("tokens today", f"{spent.tokens:,}", f"{limit.tokens or 0:,}", spent.tokens, limit.tokens)
    ]
    if spent.millionths or limit.millionths:
        used, most = (f"{(amount or 0) / 1e6:,.2f}" for amount in (spent.millionths, limit.millionths))
        pairs.append(_render_use("cost today", used, most, spent.millionths, limit.millionths))
    waiting = (tag("dt", "waiting"), tag("dd", format_count(reviewer.waiting, "paper")))
    return tag("section", tag("h2", "Reviewer"), tag("dl", pairs, waiting))


def _render_use(name: str, used: str, most: str, value: int, limit: int | None) -> Content:
    """Return what was used of a limit, in words and as a bar."""
    if not limit:
        return tag("dt", name), tag("dd", f"{used}, without a limit")
    bar = tag("progress", value=str(min(value, limit)), max=str(limit), aria_label=f"share of {name}")
    return tag("dt", name), tag("dd", f"{used} of {most}", bar)


def _render_workspaces(data: OverviewData) -> Html | None:
    by_size = sorted(data.workspaces, key=lambda each: -sum(each.counts.values()))
    rows = [_render_workspace(each, data.names) for each in by_size[:MAX_WORKSPACES]]
    more = len(by_size) - len(rows)
    note = tag("p", f"{format_count(more, 'more workspace')}, each with fewer digests.", class_="quiet")
    return (
        tag("section", tag("h2", "Workspaces"), tag("ul", rows), note if more > 0 else None) if rows else None
    )


def _render_workspace(workspace: WorkspaceDigests, names: Names) -> Html:
    place = (workspace.platform, workspace.workspace)
    name = _name_workspace(*place, names)
    query = urlencode({"platform": workspace.platform, "workspace": workspace.workspace})
    counts = ", ".join(f"{count:,} {state}" for state, count in workspace.counts.items() if count)
    return tag(
        "li",
        tag(
            "div",
            tag("a", name, href=f"/digests?{query}"),
            tag("span", counts, class_="quiet"),
            class_="row",
        ),
        tag("div", ":".join(filter(None, place)), class_="quiet"),
    )


# The list of digests.


def render_digests(
    found: DigestPage,
    wanted: DigestFilter,
    page: int,
    names: Names,
    now: datetime,
) -> str:
    """Return one page of the list of digests; the first is number 1."""
    title = format_count(found.count, "digest") + (" in trouble" if wanted.is_in_trouble else "")
    if wanted.platform or wanted.workspace:
        title += f" of {_name_workspace(wanted.platform, wanted.workspace, names)}"
    find = tag(
        "form",
        tag(
            "input", type="search", name="find", value=wanted.words, placeholder="channel or digest",
            aria_label="Find digests",
        ),
        [tag("input", type="hidden", name=name, value=value) for name, value in _list_parameters(wanted)],
        tag("button", "Find"),
        action="/digests", class_="find",
    )  # fmt: skip
    rows = [_render_digest_row(each, names, now) for each in found.digests]
    none = tag("p", "None here.", class_="quiet")
    listing = tag("section", tag("ul", rows) if rows else none, _render_page_links(wanted, found.count, page))
    return render_document("Digests", tag("h1", title), find, listing)


def _list_parameters(wanted: DigestFilter) -> list[tuple[str, str]]:
    """Return the parameters of a filter's address, without its words."""
    pairs = [("platform", wanted.platform), ("workspace", wanted.workspace)]
    pairs.append(("show", "trouble" if wanted.is_in_trouble else ""))
    return [(name, value) for name, value in pairs if value]


def _render_page_links(wanted: DigestFilter, count: int, page: int) -> Html | None:
    last = max(1, -(-count // DIGESTS_PER_PAGE))
    if last == 1:
        return None

    def link(words: str, number: int) -> Html:
        if not 1 <= number <= last:
            return tag("span")
        parameters = [*_list_parameters(wanted), ("find", wanted.words), ("page", str(number))]
        return tag("a", words, href=f"/digests?{urlencode([each for each in parameters if each[1]])}")

    here = tag("span", f"{page:,} of {last:,}", class_="quiet")
    return tag("nav", link("← Before", page - 1), here, link("Next →", page + 1), class_="pages")


def _render_digest_row(status: ChannelStatus, names: Names, now: datetime) -> Html:
    trouble, subscription = describe_trouble(status, now), status.subscription
    workspace = _name_workspace(status.channel.platform, status.channel.workspace, names)
    wish = describe_subscription(subscription) if subscription and not trouble else ""
    details = f"{workspace} · {clip_text(wish, WISH_CHARACTERS)}" if wish else workspace
    return tag(
        "li",
        tag(
            "div",
            tag("a", _name_digest(status), href=f"/digests/{status.key}"),
            tag("span", _describe_next(status), class_="quiet"),
            class_="row",
        ),
        tag("div", clip_text(trouble, REASON_CHARACTERS), class_="bad") if trouble else None,
        tag("div", details, class_="quiet"),
    )


def _name_digest(status: ChannelStatus) -> str:
    """Return the channel's id, and the digest's name if it has one."""
    return format_full_name(status.channel, status.name).removeprefix(
        f"{status.channel.platform}:{status.channel.workspace}:"
    )


def _name_workspace(platform: str, workspace: str, names: Names) -> str:
    """Return the name of a workspace, or its id. One that settings do not name has that of its platform."""
    return clip_text(names.get((platform, workspace)) or workspace or platform, TITLE_CHARACTERS)


def _describe_next(status: ChannelStatus) -> str:
    """Return when the next edition is due, or why there is none."""
    subscription = status.subscription
    if not subscription or subscription.stop_reason:
        return "stopped"
    if subscription.paused_by:
        return f"paused by {subscription.paused_by}"
    return (
        f"next {_format_local(status.next_due_at, subscription)}" if status.next_due_at else "no next edition"
    )


# One digest.


def render_digest(data: DigestData) -> str:
    """Return the page of one digest."""
    status = data.status
    trouble = describe_trouble(status, data.now)
    problem = tag("section", tag("h2", "What is wrong"), tag("p", trouble), class_="alert")
    return render_document(
        status.full_name,
        tag("h1", _name_digest(status)),
        problem if trouble else None,
        _render_wish(data),
        _render_history(data),
        _render_queue(data),
    )


def _render_wish(data: DigestData) -> Html:
    status, subscription = data.status, data.status.subscription
    workspace = _name_workspace(status.channel.platform, status.channel.workspace, data.names)
    preview = None
    if subscription and status.next_edition:
        words = f"Preview of {format_short_weekday(status.next_edition)}"
        preview = tag("p", tag("a", words, href=f"/digests/{status.key}/preview", class_="button"))
    return tag(
        "section",
        tag("h2", "Digest"),
        tag("p", f"{describe_subscription(subscription)}.") if subscription else None,
        tag("p", _describe_next(status), f" · {workspace} · {status.full_name}", class_="quiet"),
        preview,
    )


def _render_history(data: DigestData) -> Html:
    rows = [_render_edition(each) for each in data.history]
    none = tag("p", "None was begun yet.", class_="quiet")
    return tag("section", tag("h2", "Editions"), tag("ul", rows) if rows else none)


def _render_edition(report: DeliveryReport) -> Html:
    sent = sum(page.state is PageState.POSTED for page in report.pages)
    words = STATE_WORDS[report.state]
    if report.state is DeliveryState.POSTED:
        words += f", {format_count(sent, 'message')}"
    again = ""
    if report.next_try_at and report.state in _BAD_STATES:
        again = f" Again at {_format_utc(report.next_try_at)}."
    kind = {DeliveryState.POSTED: "good", DeliveryState.FAILED: "bad"}.get(report.state, "quiet")
    reason = clip_text(report.reason, REASON_CHARACTERS)
    return tag(
        "li",
        tag(
            "div",
            tag("span", format_short_weekday(report.edition)),
            tag("span", words, class_=kind),
            class_="row",
        ),
        tag("div", reason, again, class_="quiet") if reason or again else None,
    )


def _render_queue(data: DigestData) -> Html:
    rows = [
        tag(
            "li",
            tag(
                "div",
                tag("span", clip_text(to_plain_text(scored.paper.title), TITLE_CHARACTERS)),
                tag("span", f"{queued.mark_count:,} want to discuss it", class_="quiet"),
                class_="row",
            ),
        )
        for queued, scored in data.queue
    ]
    more = data.queue_count - len(rows)
    none = tag("p", "Nobody wants to discuss a paper.", class_="quiet")
    return tag(
        "section",
        tag("h2", "Queue"),
        tag("ul", rows) if rows else none,
        tag("p", f"and {format_count(more, 'more paper')}", class_="quiet") if more > 0 else None,
    )


def _format_utc(instant: datetime) -> str:
    return f"{format_short_weekday(instant.astimezone(UTC))} {instant.astimezone(UTC):%H:%M} UTC"


def _format_local(instant: datetime, subscription: Subscription) -> str:
    zone = subscription.schedule.time_zone
    local = instant.astimezone(ZoneInfo(zone))
    return f"{format_short_weekday(local)} {local:%H:%M} ({zone})"
