"""One review: ask the model, check its answer, and ask once more if the answer is unusable."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

from digests.blocking import BlockingRunner
from digests.model import Assessment, Paper, ReadDepth, Review, ReviewDepth
from digests.reviewers.loose_json import Mend
from digests.reviewers.openai import (
    CONTENT,
    ModelReply,
    ModelServer,
    ModelServerError,
    TokenUsage,
    count_bytes,
    count_usage,
)
from digests.reviewers.parse import ParsedAnswer, check_answer
from digests.reviewers.prompt import (
    MAX_REPAIR_CHARACTERS,
    Messages,
    build_repair_messages,
    build_review_messages,
    generate_nonce,
)
from digests.reviewers.reader import ReaderError, run_unless_short
from digests.reviewers.rubric import DEFAULT_WEIGHTS, RUBRIC_VERSION, build_review_schema, compute_score

OVERHEAD_TOKENS = 64
"""Tokens that a server's chat template may add to a conversation."""

PROMPT_CODE_BYTES = 4
"""Bytes of a prompt's code: an installation sees a few prompts in its life."""

PLACEHOLDER_NONCE = "0" * 16
"""A nonce of the usual length, for measuring a prompt."""


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """Weights of the score by dimension, and limits: of answers in tokens, of a full text in characters."""

    weights: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    score_max_tokens: int = 700
    review_max_tokens: int = 2500
    max_text_characters: int = 60_000

    def max_answer_tokens(self, review_depth: ReviewDepth) -> int:
        """Return the limit of one answer, in tokens."""
        return self.score_max_tokens if review_depth is ReviewDepth.SCORE else self.review_max_tokens


class ReviewError(Exception):
    """Failure to get a usable answer, after a call and one repair at most.

    `usage` is the tokens of the answers that came. `server_error` is None if the answers themselves were
    unusable.
    """

    def __init__(self, reason: str, usage: TokenUsage, server_error: ModelServerError | None = None) -> None:
        super().__init__(reason)
        self.usage = usage
        self.server_error = server_error

    @property
    def may_be_billed(self) -> bool:
        """Return True if the failed call may have used tokens that `usage` does not count."""
        return self.server_error is not None and self.server_error.may_be_billed


def max_usage_of_review(
    paper: Paper, text: str, review_depth: ReviewDepth, options: ReviewOptions, question: str = ""
) -> TokenUsage:
    """Return an upper bound of the tokens that a review takes, including one repair."""
    messages = build_review_messages(paper, text, review_depth, PLACEHOLDER_NONCE, question)
    return max_usage_with_repair(messages, options.max_answer_tokens(review_depth))


def max_usage_with_repair(messages: Messages, max_answer_tokens: int) -> TokenUsage:
    """Return an upper bound of the tokens of a call and one repair.

    The repair repeats the prompt and shows the start of the first answer. No tokenizer makes more tokens than
    there are bytes.
    """
    prompt_tokens = count_bytes(messages) + OVERHEAD_TOKENS
    return TokenUsage(2 * prompt_tokens + MAX_REPAIR_CHARACTERS + OVERHEAD_TOKENS, 2 * max_answer_tokens)


async def review_paper(
    paper: Paper,
    text: str,
    review_depth: ReviewDepth,
    *,
    read_depth: ReadDepth,
    server: ModelServer,
    options: ReviewOptions,
    now: datetime,
    run_reader: BlockingRunner,
    question: str = "",
) -> tuple[Review, TokenUsage]:
    """Return the model's review of a paper and the tokens that it took, asking once more after a bad answer.

    `text` is already anonymized and within its limit; `read_depth` says what it is. `now` becomes the
    review's date. `run_reader` checks a long answer. `question` is a reader's doubt, untrusted. Saves
    nothing. Raises ReviewError for a fault of the server and after two unusable answers.
    """
    usage = TokenUsage()
    conversation: Messages = build_review_messages(paper, text, review_depth, generate_nonce(), question)
    reason = ""
    for attempt in range(2):
        try:
            reply = await server.request_completion(
                conversation,
                build_review_schema(review_depth),
                "review",
                options.max_answer_tokens(review_depth),
            )
        except ModelServerError as error:
            raise ReviewError(str(error), usage, error) from error
        usage += count_usage(reply, conversation)
        answer, reason = await _check_reply(reply, review_depth, f"{paper.title}\n{text}", run_reader)
        if answer is None:
            conversation = build_repair_messages(conversation[:2], reply.text, reason)
            continue
        if attempt:
            answer = replace(answer, mends={**answer.mends, Mend.REPEATED.value: 1})
        new_review = _build_review(
            answer, paper, review_depth, read_depth, server.address.model, options, usage, now
        )
        return _record_prompt(new_review, conversation), usage
    raise ReviewError(f"The model's answer could not be used, twice: {reason}.", usage)


async def _check_reply(
    reply: ModelReply, review_depth: ReviewDepth, shown_text: str, run_reader: BlockingRunner
) -> tuple[ParsedAnswer | None, str]:
    """Return the parsed answer, or None and the reason why it is unusable."""
    try:
        answer, reason = await run_unless_short(
            run_reader, check_answer, reply.text, review_depth, shown_text
        )
    except ReaderError as error:
        return None, f"it could not be checked: {error}"
    if answer is None and reply.refusal:
        reason = "the model refused"
    elif answer is None and reply.is_truncated:
        reason = "it is cut off; write less in each field"
    if answer and reply.field_name != CONTENT:
        answer = replace(answer, mends={**answer.mends, Mend.OTHER_FIELD.value: 1})
    return answer, reason


def _record_prompt(review: Review, conversation: Messages) -> Review:
    """Return the review with a code of the instructions that its model had, apart from the paper."""
    instructions = conversation[0]["content"].encode()
    code = blake2b(instructions, digest_size=PROMPT_CODE_BYTES).hexdigest()
    return (
        replace(review, assessment=replace(review.assessment, prompt=code)) if review.assessment else review
    )


def _build_review(
    answer: ParsedAnswer,
    paper: Paper,
    review_depth: ReviewDepth,
    read_depth: ReadDepth,
    model: str,
    options: ReviewOptions,
    usage: TokenUsage,
    now: datetime,
) -> Review:
    assessments = answer.assessments
    return Review(
        score=compute_score(answer.grades, options.weights),
        tldr=answer.tldr,
        methodology=assessments["methodology"],
        experiments=assessments["experiments"],
        reproducibility=assessments["reproducibility"],
        limitations=assessments["limitations"],
        impact=assessments["impact"],
        model=model,
        reviewed_at=now,
        read_depth=read_depth,
        assessment=Assessment(
            rubric=RUBRIC_VERSION,
            review_depth=review_depth,
            paper_version=paper.version,
            grades=tuple(answer.grades.items()),
            key_limitations=answer.key_limitations,
            tldr_quote=answer.tldr_quote,
            dropped_quotes=answer.dropped_quotes,
            tokens=usage.total,
            mends=tuple(sorted(answer.mends.items())),
        ),
    )
