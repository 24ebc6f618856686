"""The weekly recap: its facts out of the store, and its message."""

from bot.chat.message import Message
from bot.delivery.context import DeliveryContext
from bot.present.recap import Recap, present_recap
from digests.model import ScoredPaper
from digests.ports.marks import choose_queue_scope
from digests.ports.outbox import Claim
from digests.ports.queue_groups import find_shared_scope
from digests.recap import RecapSpan, find_span
from digests.team_agreement import JUDGED_DIGESTS, measure_team_agreement

QUEUE_LENGTH = 100
"""Papers of the queue among which the one that the digest missed is looked for, the most wanted first."""


def build_recap(claim: Claim, context: DeliveryContext) -> Message | None:
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
    return present_recap(Recap(span, facts, papers, agreement, *missed))


def _find_missed(claim: Claim, context: DeliveryContext, span: RecapSpan) -> tuple[ScoredPaper | None, int]:
    """Return the most wanted paper of the channel's queue that no digest here showed, and its marks."""
    store, policy, channel = context.store, context.queue_policy, claim.subscription.channel
    scope = find_shared_scope(policy.groups, store.queue_consents, channel) or choose_queue_scope(
        channel, has_workspace_queue=policy.has_workspace_queue
    )
    queue = store.marks.discussion_queue(scope, since=span.since, now=context.clock(), limit=QUEUE_LENGTH)
    papers = store.library.get([queued.paper for queued in queue])
    shown = store.recaps.list_shown(channel, sorted(papers))
    for queued in queue:
        scored = papers.get(queued.paper)
        if scored and not scored.is_withheld and queued.paper not in shown:
            return scored, queued.mark_count
    return None, 0
