"""Shares of the day's budget that the members of a panel may use, on top of the budget itself."""

from datetime import date

from digests.ports.budget import BudgetLimit, Spending
from digests.reviewers.context import ReviewContext

SHARE_NOTE = "reviewer share "
"""Beginning of the key of the note that holds what a model spent on a day: the day, tokens, millionths."""


async def reserve_cost(context: ReviewContext, day: date, cost: Spending, limit: BudgetLimit) -> bool:
    """Reserve the cost of a call within the day's limit and the model's share of the budget.

    A call reserves its most, so one without room waits until others that are open have ended. Returns False,
    reserving nothing, if there is no room then. `settle_share` ends the call. Raises StoreError.
    """
    while not await _reserve(context, day, cost, limit):
        if not await context.open_calls.wait_for_end():
            return False
    context.open_calls.begin()
    return True


async def _reserve(context: ReviewContext, day: date, cost: Spending, limit: BudgetLimit) -> bool:
    """Reserve the cost once. Only one process reviews at a time, so a model's open calls are known here."""
    if context.budget_share >= 1:
        return await context.run_blocking(context.store.budget.reserve, day, cost, limit)
    model, state = context.server.address.model, context.panel_state
    async with context.share_lock:
        spent = await context.run_blocking(_read_spending, context, day)
        reserved = state.reserved.get(model, Spending())
        if not context.budget.to_limit(context.budget_share).allows(spent + reserved + cost):
            return False
        if not await context.run_blocking(context.store.budget.reserve, day, cost, limit):
            return False
        state.reserved[model] = reserved + cost
    return True


async def settle_share(context: ReviewContext, day: date, reserved: Spending, spent: Spending) -> None:
    """End a call whose cost is settled, and add that to what the model spent on the day."""
    context.open_calls.end()
    if context.budget_share >= 1:
        return
    model, state = context.server.address.model, context.panel_state
    async with context.share_lock:
        still_open = state.reserved.get(model, Spending())
        state.reserved[model] = Spending(
            still_open.tokens - reserved.tokens, still_open.millionths - reserved.millionths
        )
        await context.run_blocking(_add_spending, context, day, spent)


def _read_spending(context: ReviewContext, day: date) -> Spending:
    note = context.store.notes.read(SHARE_NOTE + context.server.address.model) or ""
    noted_day, _, numbers = note.partition(" ")
    if noted_day != day.isoformat():
        return Spending()
    tokens, _, millionths = numbers.partition(" ")
    return Spending(int(tokens), int(millionths))


def _add_spending(context: ReviewContext, day: date, spent: Spending) -> None:
    total = _read_spending(context, day) + spent
    note = f"{day.isoformat()} {total.tokens} {total.millionths}"
    context.store.notes.write(SHARE_NOTE + context.server.address.model, note)
