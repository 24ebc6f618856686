"""One paper becomes a review: ask, check, ask once more where the answer cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from digests.model import Assessment, Paper, ReadDepth, Review, Stage
from digests.reviewers.answer import Answer, AnswerError, parse
from digests.reviewers.openai import Reply, Server, ServerError
from digests.reviewers.prompt import Messages, messages, new_nonce, repair
from digests.reviewers.rubric import DEFAULT_WEIGHTS, VERSION, schema, score

OVERHEAD = 64
"""Tokens that a server may add around the turns."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of calls: what went in and what came out."""

    into: int = 0
    out: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.into + other.into, self.out + other.out)

    @property
    def all(self) -> int:
        """Both together."""
        return self.into + self.out


@dataclass(frozen=True, slots=True)
class Questions:
    """How papers are asked about: the room for a full text and for each answer, and the weights of the score."""

    weights: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    score_tokens: int = 700
    review_tokens: int = 2500
    text_characters: int = 60_000

    def answer_tokens(self, stage: Stage) -> int:
        """The most that one answer may take."""
        return self.score_tokens if stage is Stage.SCORE else self.review_tokens


class ReviewError(Exception):
    """A paper that got no review. `tokens` were used in vain; `server` is the fault where it was not the model's words."""

    def __init__(self, reason: str, tokens: Tokens, server: ServerError | None = None) -> None:
        super().__init__(reason)
        self.tokens = tokens
        self.server = server


def most_tokens(paper: Paper, text: str, stage: Stage, questions: Questions) -> Tokens:
    """The most that a review can take, the one repair included: no tokenizer makes more tokens than there are bytes."""
    asked = sum(len(turn["content"].encode()) for turn in messages(paper, text, stage, "0" * 16)) + OVERHEAD
    answer = questions.answer_tokens(stage)
    return Tokens(2 * asked + 4000 + OVERHEAD, 2 * answer)


async def review(
    paper: Paper,
    text: str,
    stage: Stage,
    *,
    depth: ReadDepth,
    server: Server,
    questions: Questions,
    now: datetime,
) -> tuple[Review, Tokens]:
    """A paper's review, from a text that is blinded and short enough, and what it took. Raises ReviewError."""
    used = Tokens()
    asked: Messages = messages(paper, text, stage, new_nonce())
    reason = ""
    for _ in range(2):
        try:
            reply = await server.ask(asked, schema(stage), "review", questions.answer_tokens(stage))
        except ServerError as error:
            raise ReviewError(str(error), used, error) from error
        used += tokens_of(reply, asked)
        try:
            answer = _answer(reply, stage, f"{paper.title}\n{text}")
        except AnswerError as error:
            reason = str(error)
            asked = repair(asked[:2], reply.text, reason)
            continue
        return _review(answer, paper, stage, depth, server.address.model, questions, used, now), used
    raise ReviewError(f"The model's answer could not be used, twice: {reason}.", used)


def _answer(reply: Reply, stage: Stage, text: str) -> Answer:
    if reply.refusal:
        raise AnswerError("the model refused")
    try:
        return parse(reply.text, stage, text)
    except AnswerError as error:
        raise (AnswerError("it is cut off; write less in each field") if reply.cut else error) from None


def tokens_of(reply: Reply, asked: Messages) -> Tokens:
    """The server's count, else the most it can have been."""
    into = (
        reply.tokens_in
        if reply.tokens_in is not None
        else sum(len(turn["content"].encode()) for turn in asked)
    )
    return Tokens(into, reply.tokens_out if reply.tokens_out is not None else len(reply.text.encode()))


def _review(
    answer: Answer,
    paper: Paper,
    stage: Stage,
    depth: ReadDepth,
    model: str,
    questions: Questions,
    used: Tokens,
    now: datetime,
) -> Review:
    said = answer.assessments
    return Review(
        score=score(answer.grades, questions.weights),
        tldr=answer.tldr,
        methodology=said["methodology"],
        experiments=said["experiments"],
        reproducibility=said["reproducibility"],
        limitations=said["limitations"],
        impact=said["impact"],
        model=model,
        reviewed_at=now,
        read_depth=depth,
        assessment=Assessment(
            rubric=VERSION,
            stage=stage,
            paper_version=paper.version,
            grades=tuple(answer.grades.items()),
            key_limitations=answer.key_limitations,
            tldr_quote=answer.tldr_quote,
            dropped_quotes=answer.dropped,
            tokens=used.all,
        ),
    )
