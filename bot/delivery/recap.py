"""The weekly recap: its facts out of the store, and its message."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from bot.chat.message import Message
from bot.delivery.context import DeliveryContext
from bot.present.recap import Recap, present_recap
from bot.present.recap_picture import ChannelWeeks, describe_week, draw_week
from digests.model import AttachedFile, ScoredPaper
from digests.ports.marks import QueueScope, choose_queue_scope
from digests.ports.outbox import Claim
from digests.ports.queue_groups import find_shared_scope
from digests.recap import RecapSpan, find_span
from digests.team_agreement import JUDGED_DIGESTS, measure_team_agreement

log = logging.getLogger(__name__)

QUEUE_LENGTH = 100
"""Papers of the queue among which the one that the digest missed is looked for, the most wanted first."""

PICTURE_NAME = "scores.png"
"""Name of the picture's file, as those who save it see it."""


DRAWING_SECONDS = 60.0
"""Longest wait for a picture, with those that are drawn before it. Then the recap goes out without one."""

_drawing_thread = ThreadPoolExecutor(1, thread_name_prefix="drawing")
"""Thread that draws all pictures, one after another. Those of the store must not wait for it."""


@dataclass(frozen=True, slots=True)
class BuiltRecap:
    """The message of a recap, and what its picture shows."""

    message: Message
    week: ChannelWeeks


def build_recap(claim: Claim, context: DeliveryContext) -> BuiltRecap | None:
    """Build the recap of a claim. None for a quiet week: a channel that said nothing is told nothing.

    Held and rejected papers are not named. Blocks. Raises StoreError.
    """
    subscription, store = claim.subscription, context.store
    span = find_span(subscription.schedule, claim.edition)
    facts = store.recaps.load_facts(subscription, span)
    if facts.is_quiet:
        return None
    named = {*facts.marks, *facts.discussed, *(shown.paper for shown in facts.shown)}
    papers = {
        paper: scored for paper, scored in store.library.get(sorted(named)).items() if not scored.is_withheld
    }
    agreement = measure_team_agreement(store.recaps.list_judged_digests(subscription.channel, JUDGED_DIGESTS))
    missed = _find_missed(claim, context, span)
    answers = store.discussions.count_answers(_choose_own_scope(claim, context), facts.discussed)
    message = present_recap(Recap(span, facts, papers, agreement, *missed, answers))
    return BuiltRecap(message, ChannelWeeks(subscription.full_name, facts, papers))


async def add_picture(recap: BuiltRecap) -> Message:
    """Return the message of a recap with its picture; without one if it cannot be drawn in time."""
    drawing = asyncio.get_running_loop().run_in_executor(_drawing_thread, draw_week, recap.week)
    try:
        async with asyncio.timeout(DRAWING_SECONDS):
            picture = await drawing
    except TimeoutError:
        log.warning("%s: the picture of the week was not drawn in time", recap.week.name)
        picture = None
    if picture is None:
        return recap.message
    return replace(recap.message, file=AttachedFile(PICTURE_NAME, picture, describe_week(recap.week)))


def _find_missed(claim: Claim, context: DeliveryContext, span: RecapSpan) -> tuple[ScoredPaper | None, int]:
    """Return the most wanted paper of the channel's queue that no digest here showed, and its marks."""
    store, policy, channel = context.store, context.queue_policy, claim.subscription.channel
    shared = find_shared_scope(policy.groups, store.queue_consents, channel)
    scope = shared or _choose_own_scope(claim, context)
    queue = store.marks.discussion_queue(scope, since=span.since, now=context.clock(), limit=QUEUE_LENGTH)
    papers = store.library.get([queued.paper for queued in queue])
    shown = store.recaps.list_shown(channel, sorted(papers))
    for queued in queue:
        scored = papers.get(queued.paper)
        if scored and not scored.is_withheld and queued.paper not in shown:
            return scored, queued.mark_count
    return None, 0


def _choose_own_scope(claim: Claim, context: DeliveryContext) -> QueueScope:
    """Return the scope of the channel's queue without partners, who do not see answers."""
    has_workspace_queue = context.queue_policy.has_workspace_queue
    return choose_queue_scope(claim.subscription.channel, has_workspace_queue=has_workspace_queue)
