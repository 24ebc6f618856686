"""Answers for the operator's people: the summary of the whole installation."""

from dataclasses import dataclass
from datetime import UTC

from bot.chat.message import Message
from bot.conversation.context import ConversationContext, Person
from bot.present.operator_summary import (
    MAX_LISTED_TROUBLES,
    OperatorSummary,
    present_operator_summary,
)
from digests.ports.alerts import GIVEN_UP_FOR
from digests.ports.metrics import LATE_AFTER
from digests.subscription import Channel
from digests.workspace_names import find_workspace_names


@dataclass(frozen=True, slots=True)
class OperatorAnswers:
    """Answers for those whom the settings name as deciders. Synchronous: call from a worker thread."""

    context: ConversationContext

    def show_summary(self, channel: Channel, person: Person) -> Message | None:
        """Return the summary over all workspaces, None for anybody who is no decider. Raises StoreError."""
        context = self.context
        if person.qualify_id(channel) not in context.deciders:
            return None
        store, now = context.store, context.clock()
        summary = OperatorSummary(
            store.metrics.collect(now=now),
            store.alerts.list_lasting(),
            store.alerts.list_digest_troubles(
                now=now,
                late_after=LATE_AFTER,
                given_up_since=(now - GIVEN_UP_FOR).date(),
                limit=MAX_LISTED_TROUBLES + 1,
            ),
            sum(store.review_queue.count_waiting().values()),
            store.budget.spending_on(now.astimezone(UTC).date()),
            context.budget_limit,
            find_workspace_names(store),
        )
        return present_operator_summary(summary)
