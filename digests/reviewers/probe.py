"""Probe of the model's server with a harmless paper of our own."""

from digests.model import Paper, ReviewDepth
from digests.reviewers.context import ReviewContext
from digests.reviewers.openai import ModelServerError, TokenUsage, count_usage
from digests.reviewers.prompt import build_review_messages, generate_nonce
from digests.reviewers.review import max_usage_of_review
from digests.reviewers.rubric import build_review_schema

SAMPLE_PAPER = Paper(
    "sample",
    "A Small Model for Long Texts",
    "",
    abstract="We train a small model on two public data sets of long texts. "
    "It reaches the accuracy of models that are twice as large, at a third of the cost. "
    "It was tested in English only. Code and weights are public.",
)


async def does_server_answer(context: ReviewContext) -> bool:
    """Ask the server about the sample paper. Returns True for any answer, also one that is no review.

    The cost is within the day's budget; returns False if that has no room. Raises StoreError.
    """
    depth, day = ReviewDepth.SCORE, context.clock().date()
    usage = max_usage_of_review(SAMPLE_PAPER, SAMPLE_PAPER.abstract, depth, context.options)
    reserved, limit = context.budget.cost_of(usage), context.budget.to_limit()
    if not await context.run_blocking(context.store.budget.reserve, day, reserved, limit):
        return False
    messages = build_review_messages(SAMPLE_PAPER, SAMPLE_PAPER.abstract, depth, generate_nonce())
    spent, has_answered = TokenUsage(), False
    try:
        reply = await context.server.request_completion(
            messages, build_review_schema(depth), "review", context.options.max_answer_tokens(depth)
        )
        spent, has_answered = count_usage(reply, messages), True
    except ModelServerError as error:
        spent = usage if error.may_be_billed else spent
    await context.run_blocking(context.store.budget.settle, day, reserved, context.budget.cost_of(spent))
    return has_answered
