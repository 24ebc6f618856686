"""The operator's summary: for deciders alone, over all workspaces, escaped, and small enough for a view."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chat.message import Message, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.platforms.registry import find_platforms, render_pages
from digests.build import DigestPolicy
from digests.ports import Store
from digests.ports.alerts import AlertKind, Condition
from digests.ports.budget import BudgetLimit, Spending
from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.test_renderers import check_page
from tests.builders import NOW, TODAY, a_store, an_installation, find_nothing
from tests.outbox import claim_edition

ADA, EVE = Person("UADA", "Ada"), Person("UEVE", "Eve", is_admin=True)
HOME = Channel("slack", "", "T1")
LIMIT = BudgetLimit(50_000, 5_000_000)


def an_answers(store: Store, limit: BudgetLimit | None = LIMIT) -> Answers:
    return Answers(
        store, find_nothing, DigestPolicy(), lambda: NOW,
        deciders=frozenset({"slack:T1:UADA"}), budget_limit=limit,
    )  # fmt: skip


def text_of(message: Message | None) -> str:
    assert message
    return "\n".join(
        f"{block.label} {block.text}".strip() for block in message.blocks if isinstance(block, Text)
    )


def add_failed_digests(store: Store, count: int, reason: str = "Slack refused it.") -> None:
    for number in range(count):
        channel = Channel("slack", f"C{number}", "T2")
        change = store.subscriptions.change(channel, Subscription(channel), by="Bob", now=NOW)
        assert change
        assert change.after
        store.outbox.abandon(claim_edition(store, change.after), reason, now=NOW)


@pytest.mark.parametrize("person", [EVE, replace(ADA, id=""), replace(ADA, id="UADA:x")])
def test_nobody_but_a_decider_of_the_same_workspace_sees_it(person: Person) -> None:
    answers = an_answers(a_store())
    assert answers.operator.show_summary(HOME, person) is None
    assert answers.operator.show_summary(replace(HOME, workspace="T2"), ADA) is None
    assert answers.operator.show_summary(replace(HOME, platform="discord"), ADA) is None
    assert answers.operator.show_summary(HOME, ADA)


def test_it_says_what_runs_what_fails_and_why_and_what_reviews_cost() -> None:
    store = a_store()
    add_failed_digests(store, 2)
    paused = Subscription(Channel("discord", "7", "2"), paused_by="Bob")
    store.subscriptions.change(paused.channel, paused, by="Bob", now=NOW)
    for minute in (0, 2):
        store.alerts.observe(
            [Condition(AlertKind.SOURCE, "arxiv", "No answer.")],
            now=NOW + timedelta(minutes=minute), settle=timedelta(),
        )  # fmt: skip
    assert store.budget.reserve(TODAY, Spending(12_000, 1_250_000), LIMIT)
    assert text_of(an_answers(store).operator.show_summary(HOME, ADA)).splitlines() == [
        "Digests: 2 running, 1 paused. 0 messages with papers in 24 hours.",
        "🔴 the source arxiv gives no new papers since Tue 24 Nov 09:00 UTC. No answer. "
        "“paperround doctor” and “paperround fetch” say more.",
        "Late or given up slack:T2:C0: given up (24 Nov), Slack refused it.",
        "slack:T2:C1: given up (24 Nov), Slack refused it.",
        "Reviews 12,000 of 50,000 tokens and 1.25 of 5.00 today (UTC). 0 papers in the queue.",
        "On the server: “paperround status”, “workspaces”, “channels”, “pause”, “resume”.",
    ]


def test_without_digests_and_reviewer_it_is_two_lines() -> None:
    assert text_of(an_answers(a_store(), None).operator.show_summary(HOME, ADA)).splitlines() == [
        "Digests: none. 0 messages with papers in 24 hours.",
        "On the server: “paperround status”, “workspaces”, “channels”, “pause”, “resume”.",
    ]


def test_a_workspace_has_its_name_beside_its_id() -> None:
    store = a_store()
    add_failed_digests(store, 1)
    store.installations.save(an_installation("T2", name="The lab\nof ours"))
    store.alerts.observe([Condition(AlertKind.WORKSPACE, "slack:T2", "x")], now=NOW, settle=timedelta())
    text = text_of(an_answers(store).operator.show_summary(HOME, ADA))
    assert "🔴 the workspace slack:T2 (The lab of ours) does not let the app post" in text
    assert "Late or given up slack:T2:C0 (The lab of ours): given up" in text


@pytest.mark.parametrize("platform", sorted(find_platforms()))
def test_many_hostile_reasons_are_clipped_escaped_and_counted(platform: str) -> None:
    store = a_store()
    hostile = "<!channel> @everyone [x](https://evil.example) `*_~| " * 99
    add_failed_digests(store, 9, hostile)
    store.installations.save(an_installation("T2", name=hostile))
    message = an_answers(store).operator.show_summary(HOME, ADA)
    assert message
    assert "C5" not in text_of(message)
    assert "And more: “paperround channels” lists all." in text_of(message)
    (page,) = render_pages(message, platform, DigestStyle.COMPACT)
    check_page(platform, page.payload, message)
