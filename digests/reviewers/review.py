"""One paper becomes a review: ask, check, ask once more where the answer cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from digests.model import Assessment, Paper, ReadDepth, Review, ReviewDepth
from digests.reviewers.openai import ModelReply, ModelServer, ModelServerError
from digests.reviewers.parse import AnswerError, ParsedAnswer, parse_answer
from digests.reviewers.prompt import Messages, build_repair_messages, build_review_messages, generate_nonce
from digests.reviewers.rubric import DEFAULT_WEIGHTS, RUBRIC_VERSION, build_review_schema, compute_score

OVERHEAD_TOKENS = 64
"""Tokens that a server may add around the turns."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Of calls: what went in and what came out."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)

    @property
    def total(self) -> int:
        """Both together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """How papers are asked about: the room for a full text and for each answer, and the weights of the score."""

    weights: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    score_max_tokens: int = 700
    review_max_tokens: int = 2500
    max_text_characters: int = 60_000

    def max_answer_tokens(self, review_depth: ReviewDepth) -> int:
        """The most that one answer may take."""
        return self.score_max_tokens if review_depth is ReviewDepth.SCORE else self.review_max_tokens


class ReviewError(Exception):
    """A paper that got no review. `tokens` were used in vain; `server` is the fault where it was not the model's words."""

    def __init__(self, reason: str, tokens: TokenUsage, server_error: ModelServerError | None = None) -> None:
        super().__init__(reason)
        self.tokens = tokens
        self.server_error = server_error


def max_tokens_of_review(
    paper: Paper, text: str, review_depth: ReviewDepth, options: ReviewOptions
) -> TokenUsage:
    """The most that a review can take, the one repair included: no tokenizer makes more tokens than there are bytes."""
    prompt_bytes = (
        sum(
            len(turn["content"].encode())
            for turn in build_review_messages(paper, text, review_depth, "0" * 16)
        )
        + OVERHEAD_TOKENS
    )
    answer_tokens = options.max_answer_tokens(review_depth)
    return TokenUsage(2 * prompt_bytes + 4000 + OVERHEAD_TOKENS, 2 * answer_tokens)


async def review_paper(
    paper: Paper,
    text: str,
    review_depth: ReviewDepth,
    *,
    read_depth: ReadDepth,
    server: ModelServer,
    options: ReviewOptions,
    now: datetime,
) -> tuple[Review, TokenUsage]:
    """A paper's review, from a text that is blinded and short enough, and what it took. Raises ReviewError."""
    tokens_used = TokenUsage()
    conversation: Messages = build_review_messages(paper, text, review_depth, generate_nonce())
    reason = ""
    for _ in range(2):
        try:
            reply = await server.request_completion(
                conversation,
                build_review_schema(review_depth),
                "review",
                options.max_answer_tokens(review_depth),
            )
        except ModelServerError as error:
            raise ReviewError(str(error), tokens_used, error) from error
        tokens_used += count_tokens(reply, conversation)
        try:
            answer = _parse_review_reply(reply, review_depth, f"{paper.title}\n{text}")
        except AnswerError as error:
            reason = str(error)
            conversation = build_repair_messages(conversation[:2], reply.text, reason)
            continue
        return _build_review(
            answer, paper, review_depth, read_depth, server.address.model, options, tokens_used, now
        ), tokens_used
    raise ReviewError(f"The model's answer could not be used, twice: {reason}.", tokens_used)


def _parse_review_reply(reply: ModelReply, review_depth: ReviewDepth, text: str) -> ParsedAnswer:
    if reply.refusal:
        raise AnswerError("the model refused")
    try:
        return parse_answer(reply.text, review_depth, text)
    except AnswerError as error:
        raise (
            AnswerError("it is cut off; write less in each field") if reply.is_truncated else error
        ) from None


def count_tokens(reply: ModelReply, conversation: Messages) -> TokenUsage:
    """The server's count, else the most it can have been."""
    input_tokens = (
        reply.input_tokens
        if reply.input_tokens is not None
        else sum(len(turn["content"].encode()) for turn in conversation)
    )
    return TokenUsage(
        input_tokens, reply.output_tokens if reply.output_tokens is not None else len(reply.text.encode())
    )


def _build_review(
    answer: ParsedAnswer,
    paper: Paper,
    review_depth: ReviewDepth,
    read_depth: ReadDepth,
    model: str,
    options: ReviewOptions,
    tokens_used: TokenUsage,
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
            stage=review_depth,
            paper_version=paper.version,
            grades=tuple(answer.grades.items()),
            key_limitations=answer.key_limitations,
            tldr_quote=answer.tldr_quote,
            dropped_quotes=answer.dropped_quotes,
            tokens=tokens_used.total,
        ),
    )
