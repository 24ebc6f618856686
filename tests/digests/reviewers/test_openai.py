"""The real SDK against a server with every fault."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from digests.model import ReadDepth, ReviewDepth
from digests.reviewers import openai as ours
from digests.reviewers.openai import ModelServer, ResponseFormat, ServerAddress, open_model_server
from digests.reviewers.review import ReviewError, ReviewOptions, max_usage_of_review, review_paper
from tests.builders import NOW, a_paper
from tests.fakes.openai_server import MODEL, ModelFault, OpenAiServer

ABSTRACT = (
    "We train a small model on two data sets. It needs half of the compute of its rivals. "
    "It is tested in English only. The code is public and so are all the weights."
)
PAPER = a_paper(title="A Small Model", abstract=ABSTRACT, version=2)
R = TypeVar("R")


def with_server(
    work: Callable[[OpenAiServer, ModelServer], Awaitable[R]],
    *faults: ModelFault | None,
    key: str = "",
    sent_key: str = "",
    model: str = MODEL,
    mode: ResponseFormat = ResponseFormat.JSON_SCHEMA,
    time_out: float = 20.0,
) -> R:
    async def run() -> R:
        async with OpenAiServer(key=key) as fake:
            fake.faults.extend(faults)
            address = ServerAddress(fake.base_url, model, sent_key, mode, time_out)
            async with open_model_server(address) as server:
                return await work(fake, server)

    return asyncio.run(run())


async def a_review(fake: OpenAiServer, server: ModelServer, stage: ReviewDepth = ReviewDepth.FULL) -> object:
    made, _ = await review_paper(
        PAPER, ABSTRACT, stage, read_depth=ReadDepth.ABSTRACT, server=server, options=ReviewOptions(), now=NOW
    )
    return made


async def an_error(fake: OpenAiServer, server: ModelServer) -> ReviewError:
    with pytest.raises(ReviewError) as caught:
        await a_review(fake, server)
    return caught.value


def test_a_paper_becomes_a_review_with_who_made_it_and_how() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> None:
        made, used = await review_paper(
            PAPER,
            ABSTRACT,
            ReviewDepth.FULL,
            read_depth=ReadDepth.ABSTRACT,
            server=server,
            options=ReviewOptions(),
            now=NOW,
        )
        assert made.score is not None
        assert 0 <= made.score <= 10
        assert (made.model, made.reviewed_at, made.read_depth) == (MODEL, NOW, ReadDepth.ABSTRACT)
        assert made.assessment
        assert (made.assessment.paper_version, made.assessment.dropped_quotes) == (2, 0)
        assert made.assessment.key_limitations
        assert made.assessment.tokens == used.total > 100
        most = max_usage_of_review(PAPER, ABSTRACT, ReviewDepth.FULL, ReviewOptions())
        assert used.input_tokens <= most.input_tokens
        assert used.output_tokens <= most.output_tokens

    with_server(work)


@pytest.mark.parametrize(
    "fault",
    [ModelFault.THINKING, ModelFault.PROSE, ModelFault.FENCES, ModelFault.WRONG_MODEL, ModelFault.NO_USAGE],
)
def test_an_answer_in_another_dress_is_understood_at_once(fault: ModelFault) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> int:
        assert await a_review(fake, server)
        return len(fake.requests)

    assert with_server(work, fault) == 1


@pytest.mark.parametrize(
    "fault",
    [
        ModelFault.SCHEMA_IGNORED,
        ModelFault.HALF_JSON,
        ModelFault.REFUSAL,
        ModelFault.ONLY_THINKING,
        ModelFault.EMPTY,
        ModelFault.GRADES_OUT_OF_RANGE,
    ],
)
def test_an_answer_that_cannot_be_used_is_asked_for_once_more(fault: ModelFault) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> list[int]:
        assert await a_review(fake, server)
        return [len(asked["messages"]) for asked in fake.requests]

    assert with_server(work, fault) == [2, 4]


def test_after_the_second_such_answer_the_paper_failed_with_the_reason_and_what_it_cost() -> None:
    error = with_server(an_error, ModelFault.SCHEMA_IGNORED, ModelFault.HALF_JSON)
    assert "twice" in str(error)
    assert "cut off" in str(error)
    assert error.usage.total > 0
    assert error.server_error is None


@pytest.mark.parametrize("mode", list(ResponseFormat))
def test_each_mode_gives_a_review(mode: ResponseFormat) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> object:
        assert await a_review(fake, server)
        return fake.requests[0].get("response_format", {}).get("type")

    expected = {
        ResponseFormat.JSON_SCHEMA: "json_schema",
        ResponseFormat.JSON_OBJECT: "json_object",
        ResponseFormat.NONE: None,
    }
    assert with_server(work, mode=mode) == expected[mode]


def test_an_answer_that_obeys_an_order_is_still_only_grades_and_words() -> None:
    """The score is ours to compute, and what the text says is flagged beside it."""

    async def work(fake: OpenAiServer, server: ModelServer) -> None:
        made, _ = await review_paper(
            PAPER,
            ABSTRACT,
            ReviewDepth.SCORE,
            read_depth=ReadDepth.ABSTRACT,
            server=server,
            options=ReviewOptions(),
            now=NOW,
        )
        assert made.score == 10.0

    with_server(work, ModelFault.OBEDIENT)


def test_invented_quotes_are_dropped_and_counted() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> None:
        made, _ = await review_paper(
            PAPER,
            ABSTRACT,
            ReviewDepth.FULL,
            read_depth=ReadDepth.ABSTRACT,
            server=server,
            options=ReviewOptions(),
            now=NOW,
        )
        assert made.assessment
        assert made.assessment.key_limitations == ()
        assert made.assessment.dropped_quotes == 3

    with_server(work, ModelFault.INVENTED_QUOTES)


def test_too_many_requests_are_tried_again_after_the_pause_that_the_server_asks_for() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> tuple[int, float]:
        start = time.monotonic()
        assert await a_review(fake, server)
        return len(fake.requests), time.monotonic() - start

    asked, took = with_server(work, ModelFault.RATE_LIMITED, ModelFault.RATE_LIMITED)
    assert asked == 3
    assert took >= 0.1


@pytest.mark.parametrize(
    ("fault", "kind", "paid", "words"),
    [
        (ModelFault.RATE_LIMITED_LONG, ours.ServerFault.RATE_LIMITED, False, "too many requests"),
        (ModelFault.SERVER_ERROR, ours.ServerFault.INTERNAL_ERROR, False, "answered 500"),
        (ModelFault.STALL, ours.ServerFault.TIMEOUT, True, "no whole answer in 0.3 seconds"),
        (ModelFault.HUGE, ours.ServerFault.MALFORMED, True, "more than 4,000,000 bytes"),
        (ModelFault.NOT_JSON, ours.ServerFault.MALFORMED, True, "no chat completion"),
        (ModelFault.NO_SCHEMA_MODE, ours.ServerFault.REFUSED, False, 'response_format = "json_object"'),
    ],
)
def test_each_fault_of_a_server_is_a_sentence(
    fault: ModelFault, kind: ours.ServerFault, paid: bool, words: str
) -> None:
    time_out = 0.3 if fault is ModelFault.STALL else 20.0
    error = with_server(an_error, fault, time_out=time_out)
    assert error.server_error
    assert error.server_error.fault is kind
    assert error.server_error.may_be_billed is paid
    assert words in str(error)


def test_a_server_that_is_not_there_is_down() -> None:
    async def work() -> ReviewError:
        async with OpenAiServer() as fake:
            address = ServerAddress(fake.base_url, MODEL)
        async with open_model_server(address) as server:
            return await an_error(fake, server)

    error = asyncio.run(work())
    assert error.server_error
    assert error.server_error.is_down
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
    async def work(fake: OpenAiServer, server: ModelServer) -> list[str]:
        return await server.list_models()

    assert with_server(work) == [MODEL]


def test_what_is_said_of_an_address_leaves_out_its_key() -> None:
    assert "hunter2" not in repr(ServerAddress("http://127.0.0.1/v1", "m", "hunter2"))


def test_a_server_that_counts_no_tokens_is_charged_for_the_most_it_can_have_been() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> int:
        asked = [{"role": "system", "content": "x" * 100}, {"role": "user", "content": "y" * 100}]
        reply = await server.request_completion(
            asked,
            {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
            "n",
            50,
        )
        assert reply.input_tokens is None
        return len(reply.text)

    assert with_server(work, ModelFault.NO_USAGE) > 0
