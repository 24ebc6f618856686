"""The real SDK against a server with every fault."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from digests.model import ReadDepth, Stage
from digests.reviewers import openai as ours
from digests.reviewers.openai import Address, Mode, Server, connect
from digests.reviewers.review import Questions, ReviewError, most_tokens, review
from tests.builders import NOW, a_paper
from tests.fakes.openai_server import MODEL, Fault, OpenAiServer

ABSTRACT = (
    "We train a small model on two data sets. It needs half of the compute of its rivals. "
    "It is tested in English only. The code is public and so are all the weights."
)
PAPER = a_paper(title="A Small Model", abstract=ABSTRACT, version=2)
R = TypeVar("R")


def with_server(
    work: Callable[[OpenAiServer, Server], Awaitable[R]],
    *faults: Fault | None,
    key: str = "",
    sent_key: str = "",
    model: str = MODEL,
    mode: Mode = Mode.JSON_SCHEMA,
    time_out: float = 20.0,
) -> R:
    async def run() -> R:
        async with OpenAiServer(key=key) as fake:
            fake.faults.extend(faults)
            address = Address(fake.base_url, model, sent_key, mode, time_out)
            async with connect(address) as server:
                return await work(fake, server)

    return asyncio.run(run())


async def a_review(fake: OpenAiServer, server: Server, stage: Stage = Stage.FULL) -> object:
    made, _ = await review(
        PAPER, ABSTRACT, stage, depth=ReadDepth.ABSTRACT, server=server, questions=Questions(), now=NOW
    )
    return made


async def an_error(fake: OpenAiServer, server: Server) -> ReviewError:
    with pytest.raises(ReviewError) as caught:
        await a_review(fake, server)
    return caught.value


def test_a_paper_becomes_a_review_with_who_made_it_and_how() -> None:
    async def work(fake: OpenAiServer, server: Server) -> None:
        made, used = await review(
            PAPER,
            ABSTRACT,
            Stage.FULL,
            depth=ReadDepth.ABSTRACT,
            server=server,
            questions=Questions(),
            now=NOW,
        )
        assert made.score is not None
        assert 0 <= made.score <= 10
        assert (made.model, made.reviewed_at, made.read_depth) == (MODEL, NOW, ReadDepth.ABSTRACT)
        assert made.assessment
        assert (made.assessment.paper_version, made.assessment.dropped_quotes) == (2, 0)
        assert made.assessment.key_limitations
        assert made.assessment.tokens == used.all > 100
        most = most_tokens(PAPER, ABSTRACT, Stage.FULL, Questions())
        assert used.into <= most.into
        assert used.out <= most.out

    with_server(work)


@pytest.mark.parametrize(
    "fault", [Fault.THINKING, Fault.PROSE, Fault.FENCES, Fault.WRONG_MODEL, Fault.NO_USAGE]
)
def test_an_answer_in_another_dress_is_understood_at_once(fault: Fault) -> None:
    async def work(fake: OpenAiServer, server: Server) -> int:
        assert await a_review(fake, server)
        return len(fake.asked)

    assert with_server(work, fault) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault.SCHEMA_IGNORED,
        Fault.HALF_JSON,
        Fault.REFUSAL,
        Fault.ONLY_THINKING,
        Fault.EMPTY,
        Fault.GRADES_OUT_OF_RANGE,
    ],
)
def test_an_answer_that_cannot_be_used_is_asked_for_once_more(fault: Fault) -> None:
    async def work(fake: OpenAiServer, server: Server) -> list[int]:
        assert await a_review(fake, server)
        return [len(asked["messages"]) for asked in fake.asked]

    assert with_server(work, fault) == [2, 4]


def test_after_the_second_such_answer_the_paper_failed_with_the_reason_and_what_it_cost() -> None:
    error = with_server(an_error, Fault.SCHEMA_IGNORED, Fault.HALF_JSON)
    assert "twice" in str(error)
    assert "cut off" in str(error)
    assert error.tokens.all > 0
    assert error.server is None


@pytest.mark.parametrize("mode", list(Mode))
def test_each_mode_gives_a_review(mode: Mode) -> None:
    async def work(fake: OpenAiServer, server: Server) -> object:
        assert await a_review(fake, server)
        return fake.asked[0].get("response_format", {}).get("type")

    expected = {Mode.JSON_SCHEMA: "json_schema", Mode.JSON_OBJECT: "json_object", Mode.NONE: None}
    assert with_server(work, mode=mode) == expected[mode]


def test_an_answer_that_obeys_an_order_is_still_only_grades_and_words() -> None:
    """The score is ours to compute, and what the text says is flagged beside it."""

    async def work(fake: OpenAiServer, server: Server) -> None:
        made, _ = await review(
            PAPER,
            ABSTRACT,
            Stage.SCORE,
            depth=ReadDepth.ABSTRACT,
            server=server,
            questions=Questions(),
            now=NOW,
        )
        assert made.score == 10.0

    with_server(work, Fault.OBEYS)


def test_invented_quotes_are_dropped_and_counted() -> None:
    async def work(fake: OpenAiServer, server: Server) -> None:
        made, _ = await review(
            PAPER,
            ABSTRACT,
            Stage.FULL,
            depth=ReadDepth.ABSTRACT,
            server=server,
            questions=Questions(),
            now=NOW,
        )
        assert made.assessment
        assert made.assessment.key_limitations == ()
        assert made.assessment.dropped_quotes == 3

    with_server(work, Fault.INVENTED_QUOTES)


def test_too_many_requests_are_tried_again_after_the_pause_that_the_server_asks_for() -> None:
    async def work(fake: OpenAiServer, server: Server) -> tuple[int, float]:
        start = time.monotonic()
        assert await a_review(fake, server)
        return len(fake.asked), time.monotonic() - start

    asked, took = with_server(work, Fault.TOO_MANY, Fault.TOO_MANY)
    assert asked == 3
    assert took >= 0.1


@pytest.mark.parametrize(
    ("fault", "kind", "paid", "words"),
    [
        (Fault.TOO_MANY_FOR_LONG, ours.Fault.BUSY, False, "too many requests"),
        (Fault.BROKEN, ours.Fault.BROKEN_DOWN, False, "answered 500"),
        (Fault.STALL, ours.Fault.SLOW, True, "no whole answer in 0.3 seconds"),
        (Fault.HUGE, ours.Fault.BROKEN, True, "more than 4,000,000 bytes"),
        (Fault.NOT_JSON, ours.Fault.BROKEN, True, "no chat completion"),
        (Fault.NO_SCHEMA_MODE, ours.Fault.REFUSED, False, 'mode = "json_object"'),
    ],
)
def test_each_fault_of_a_server_is_a_sentence(fault: Fault, kind: ours.Fault, paid: bool, words: str) -> None:
    time_out = 0.3 if fault is Fault.STALL else 20.0
    error = with_server(an_error, fault, time_out=time_out)
    assert error.server
    assert error.server.fault is kind
    assert error.server.may_be_paid is paid
    assert words in str(error)


def test_a_server_that_is_not_there_is_down() -> None:
    async def work() -> ReviewError:
        async with OpenAiServer() as fake:
            address = Address(fake.base_url, MODEL)
        async with connect(address) as server:
            return await an_error(fake, server)

    error = asyncio.run(work())
    assert error.server
    assert error.server.is_down
    assert "does not answer" in str(error)


@pytest.mark.parametrize(
    ("sent", "model", "words"),
    [
        ("wrong-key-123", MODEL, "PAPERROUND_REVIEWER_KEY"),
        ("right-key", "qwen-unknown", "no model 'qwen-unknown'"),
    ],
)
def test_a_wrong_key_or_model_is_said_with_what_to_do_and_without_the_key(
    sent: str, model: str, words: str
) -> None:
    error = with_server(an_error, key="right-key", sent_key=sent, model=model)
    assert words in str(error)
    assert sent not in str(error)


def test_the_models_of_a_server_are_listed() -> None:
    async def work(fake: OpenAiServer, server: Server) -> list[str]:
        return await server.models()

    assert with_server(work) == [MODEL]


def test_what_is_said_of_an_address_leaves_out_its_key() -> None:
    assert "hunter2" not in repr(Address("http://127.0.0.1/v1", "m", "hunter2"))


def test_a_server_that_counts_no_tokens_is_charged_for_the_most_it_can_have_been() -> None:
    async def work(fake: OpenAiServer, server: Server) -> int:
        asked = [{"role": "system", "content": "x" * 100}, {"role": "user", "content": "y" * 100}]
        reply = await server.ask(
            asked,
            {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
            "n",
            50,
        )
        assert reply.tokens_in is None
        return len(reply.text)

    assert with_server(work, Fault.NO_USAGE) > 0
