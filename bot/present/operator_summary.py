"""Wording of the operator's summary: what runs, what fails and why, and what reviews cost. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.chat.message import Heading, Message, Text
from bot.present.alerts import Names, describe_alert, format_name_of
from bot.present.wording import format_count
from digests.ports.alerts import Alert, DigestTrouble
from digests.ports.budget import BudgetLimit, Spending
from digests.ports.metrics import StoreMetrics
from digests.text import clip_text, normalize_text

MAX_LISTED_TROUBLES = 5
MAX_REASON_CHARACTERS = 150


@dataclass(frozen=True, slots=True)
class OperatorSummary:
    """Facts of the whole installation at one instant, over all workspaces.

    `alerts` last. `troubles` are digests that are late or were given up, one more than are shown if there are
    more. `waiting_count` papers wait for a review. `limit` is None without a reviewer. `names` are those of
    workspaces.
    """

    metrics: StoreMetrics
    alerts: Sequence[Alert]
    troubles: Sequence[DigestTrouble]
    waiting_count: int
    spending: Spending
    limit: BudgetLimit | None
    names: Names


def present_operator_summary(summary: OperatorSummary) -> Message:
    """Build the operator's summary, in paragraphs: digests, what lasts, digests in trouble, reviews."""
    blocks: list[Heading | Text] = [Heading("For the operator"), Text(_describe_digests(summary.metrics))]
    alerts = summary.alerts[:MAX_LISTED_TROUBLES]
    blocks += [Text(describe_alert(alert, summary.names)) for alert in alerts]
    if summary.troubles:
        shown = [_describe_trouble(each, summary.names) for each in summary.troubles[:MAX_LISTED_TROUBLES]]
        more = ["And more: “paperround channels” lists all."] if len(summary.troubles) > len(shown) else []
        blocks.append(Text("\n".join([*shown, *more]), label="Late or given up"))
    if summary.limit:
        blocks.append(Text(_describe_reviews(summary, summary.limit), label="Reviews"))
    note = "On the server: “paperround status”, “workspaces”, “channels”, “pause”, “resume”."
    return Message("For the operator", (*blocks, Text(note, is_small_print=True)))


def _describe_digests(metrics: StoreMetrics) -> str:
    states = ", ".join(f"{count:,} {state}" for state, count in metrics.channels.items() if count)
    posted = format_count(metrics.posted_messages, "message")
    return f"Digests: {states or 'none'}. {posted} with papers in 24 hours."


def _describe_trouble(trouble: DigestTrouble, names: Names) -> str:
    state = "given up" if trouble.is_given_up else "late"
    edition = f" ({trouble.edition:%d %b})" if trouble.edition else ""
    reason = clip_text(normalize_text(trouble.reason), MAX_REASON_CHARACTERS)
    name = f"{trouble.full_name}{format_name_of(trouble.full_name, names)}"
    return f"{name}: {state}{edition}{f', {reason}' if reason else ''}"


def _describe_reviews(summary: OperatorSummary, limit: BudgetLimit) -> str:
    spent = summary.spending
    tokens = f" of {limit.tokens:,}" if limit.tokens is not None else ""
    cost = f" of {limit.millionths / 1e6:,.2f}" if limit.millionths is not None else ""
    waiting = format_count(summary.waiting_count, "paper")
    used = f"{spent.tokens:,}{tokens} tokens and {spent.millionths / 1e6:,.2f}{cost} today (UTC)"
    return f"{used}. {waiting} in the queue."
