"""The model server's client and single reviews, against a fake server with every fault."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.model import ReadDepth, Review, ReviewDepth
from digests.reviewers import prompt
from digests.reviewers.loose_json import Mend
from digests.reviewers.openai import (
    ModelServer,
    ModelServerError,
    ResponseFormat,
    ServerAddress,
    ServerFault,
    TokenUsage,
    find_answer_text,
    open_model_server,
)
from digests.reviewers.parse import check_answer
from digests.reviewers.quotes import is_quoted, normalize_for_quotes
from digests.reviewers.review import ReviewError, ReviewOptions, max_usage_of_review, review_paper
from tests.builders import NOW, a_paper
from tests.digests.reviewers.test_parse import TEXT, a_form, a_reply
from tests.fakes.openai_server import CONTROL_CHARACTERS, MODEL, ModelFault, OpenAiServer
from tests.shared_data import bugs, needs_shared_data

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
    response_format: ResponseFormat = ResponseFormat.JSON_SCHEMA,
    timeout: float = 20.0,
) -> R:
    async def run() -> R:
        async with OpenAiServer(key=key) as fake:
            fake.faults.extend(faults)
            address = ServerAddress(fake.base_url, model, sent_key, response_format, timeout)
            async with open_model_server(address) as server:
                return await work(fake, server)

    return asyncio.run(run())


async def request_review(
    fake: OpenAiServer, server: ModelServer, review_depth: ReviewDepth = ReviewDepth.FULL
) -> Review:
    review, _ = await review_paper(
        PAPER,
        ABSTRACT,
        review_depth,
        read_depth=ReadDepth.ABSTRACT,
        server=server,
        options=ReviewOptions(),
        now=NOW,
        run_reader=asyncio.to_thread,
    )
    return review


async def request_failing_review(fake: OpenAiServer, server: ModelServer) -> ReviewError:
    with pytest.raises(ReviewError) as caught:
        await request_review(fake, server)
    return caught.value


def test_a_review_records_its_model_depth_version_and_tokens() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> None:
        review, usage = await review_paper(
            PAPER,
            ABSTRACT,
            ReviewDepth.FULL,
            read_depth=ReadDepth.ABSTRACT,
            server=server,
            options=ReviewOptions(),
            now=NOW,
            run_reader=asyncio.to_thread,
        )
        assert review.score is not None
        assert 0 <= review.score <= 10
        assert (review.model, review.reviewed_at, review.read_depth) == (MODEL, NOW, ReadDepth.ABSTRACT)
        assert review.assessment
        assert (review.assessment.paper_version, review.assessment.dropped_quotes) == (2, 0)
        assert review.assessment.key_limitations
        assert review.assessment.tokens == usage.total > 100
        upper_bound = max_usage_of_review(PAPER, ABSTRACT, ReviewDepth.FULL, ReviewOptions())
        assert usage.input_tokens <= upper_bound.input_tokens
        assert usage.output_tokens <= upper_bound.output_tokens

    with_server(work)


@pytest.mark.parametrize(
    "fault",
    [
        ModelFault.THINKING,
        ModelFault.PROSE,
        ModelFault.FENCES,
        ModelFault.WRONG_MODEL,
        ModelFault.NO_USAGE,
        ModelFault.USAGE_IS_A_LIST,
        ModelFault.LONE_SURROGATES,
        ModelFault.FORM_IN_THOUGHTS,
        ModelFault.THOUGHTS_APART,
        ModelFault.CONTENT_PARTS,
        ModelFault.TOOL_CALL,
        ModelFault.FUNCTION_CALL,
        ModelFault.OBJECT_AS_CONTENT,
        ModelFault.OLD_COMPLETION,
        ModelFault.HARMONY,
        ModelFault.DRAFT_IN_UNKNOWN_TAG,
        ModelFault.NO_OPENING_TAG,
        ModelFault.KEY_AROUND,
        ModelFault.LIST_OF_ONE,
        ModelFault.SINGLE_BACKSLASHES,
        ModelFault.TAG_IN_TEXT,
        ModelFault.NULLS,
        ModelFault.TEXT_AS_LIMITATION,
        ModelFault.GRADES_IN_WORDS,
        ModelFault.TRAILING_COMMA,
        ModelFault.QUOTES_IN_TEXT,
    ],
)
def test_an_answer_in_an_unusual_form_is_parsed_at_once(fault: ModelFault) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> int:
        review = await request_review(fake, server)
        assert review.score is not None
        assert "DRAFT" not in review.tldr
        return len(fake.requests)

    assert with_server(work, fault) == 1


@pytest.mark.parametrize(
    ("fault", "mends"),
    [
        (ModelFault.FORM_IN_THOUGHTS, {Mend.OTHER_FIELD: 1}),
        (ModelFault.TOOL_CALL, {Mend.OTHER_FIELD: 1}),
        (ModelFault.KEY_AROUND, {Mend.WRAPPER: 1}),
        (ModelFault.SINGLE_BACKSLASHES, {Mend.TEX: 1}),
        (ModelFault.TEXT_AS_LIMITATION, {Mend.LIMITATION: 1}),
        (ModelFault.GRADES_IN_WORDS, {Mend.GRADE: 2}),
        (ModelFault.HALF_JSON, {Mend.REPEATED: 1}),
        (ModelFault.TAG_IN_TEXT, {}),
        (ModelFault.FENCES, {}),
    ],
)
def test_a_review_records_what_was_mended_in_its_answer(fault: ModelFault, mends: dict[Mend, int]) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> dict[str, int]:
        review = await request_review(fake, server)
        assert review.assessment
        return dict(review.assessment.mends)

    assert with_server(work, fault) == mends


def test_tex_with_single_backslashes_reaches_the_review_as_text() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> str:
        return (await request_review(fake, server)).tldr

    assert with_server(work, ModelFault.SINGLE_BACKSLASHES) == (
        "A rate of 1/n for a β-VAE, in the α-divergence."
    )


def test_the_repair_tells_what_was_wrong() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> str:
        await request_review(fake, server)
        return str(fake.requests[1]["messages"][3]["content"])

    assert "impact.grade" in with_server(work, ModelFault.GRADES_OUT_OF_RANGE)
    assert "cut off" in with_server(work, ModelFault.DRAFT_THEN_HALF)
    assert "is empty" in with_server(work, ModelFault.EMPTY)


@pytest.mark.parametrize(
    "fault",
    [
        ModelFault.SCHEMA_IGNORED,
        ModelFault.HALF_JSON,
        ModelFault.REFUSAL,
        ModelFault.ONLY_THINKING,
        ModelFault.THOUGHTS_CUT_OFF,
        ModelFault.DRAFT_THEN_HALF,
        ModelFault.EMPTY,
        ModelFault.GRADES_OUT_OF_RANGE,
    ],
)
def test_an_unusable_answer_is_repaired_once(fault: ModelFault) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> list[int]:
        assert (await request_review(fake, server)).score is not None
        return [len(request["messages"]) for request in fake.requests]

    assert with_server(work, fault) == [2, 4]


def test_a_second_unusable_answer_is_request_failing_review_with_its_reason_and_usage() -> None:
    error = with_server(request_failing_review, ModelFault.SCHEMA_IGNORED, ModelFault.HALF_JSON)
    assert "twice" in str(error)
    assert "cut off" in str(error)
    assert error.usage.total > 0
    assert error.server_error is None


@pytest.mark.parametrize("response_format", list(ResponseFormat))
def test_each_response_format_gives_a_review(response_format: ResponseFormat) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> object:
        assert (await request_review(fake, server)).score is not None
        return fake.requests[0].get("response_format", {}).get("type")

    expected = {
        ResponseFormat.JSON_SCHEMA: "json_schema",
        ResponseFormat.JSON_OBJECT: "json_object",
        ResponseFormat.NONE: None,
    }
    assert with_server(work, response_format=response_format) == expected[response_format]


def test_an_answer_that_obeys_an_injected_order_gives_only_grades() -> None:
    """The score is computed from the grades, and the order in the text is flagged elsewhere."""

    async def work(fake: OpenAiServer, server: ModelServer) -> None:
        review = await request_review(fake, server, ReviewDepth.SCORE)
        assert review.score == 10.0

    with_server(work, ModelFault.OBEDIENT)


def test_invented_quotes_are_dropped_and_counted() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> None:
        review = await request_review(fake, server)
        assert review.assessment
        assert review.assessment.key_limitations == ()
        assert review.assessment.dropped_quotes == 3

    with_server(work, ModelFault.INVENTED_QUOTES)


def test_a_rate_limited_call_is_retried_after_the_pause_that_the_server_names() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> tuple[int, float]:
        start = time.monotonic()
        assert (await request_review(fake, server)).score is not None
        return len(fake.requests), time.monotonic() - start

    request_count, seconds = with_server(work, ModelFault.RATE_LIMITED, ModelFault.RATE_LIMITED)
    assert request_count == 3
    assert seconds >= 0.1


@pytest.mark.parametrize(
    ("fault", "expected_fault", "may_be_billed", "words"),
    [
        (ModelFault.RATE_LIMITED_LONG, ServerFault.RATE_LIMITED, False, "too many requests"),
        (ModelFault.SERVER_ERROR, ServerFault.INTERNAL_ERROR, False, "answered 500"),
        (ModelFault.STALL, ServerFault.TIMEOUT, True, "did not answer in full within 0.3 seconds"),
        (ModelFault.HUGE, ServerFault.MALFORMED, True, "more than 4,000,000 bytes"),
        (ModelFault.NOT_JSON, ServerFault.MALFORMED, True, "no chat completion"),
        (ModelFault.NO_SCHEMA_MODE, ServerFault.REFUSED, False, 'response_format = "json_object"'),
        (ModelFault.ENDLESS_ERROR, ServerFault.INTERNAL_ERROR, False, "answered 500"),
        (ModelFault.SLOW_ERROR, ServerFault.TIMEOUT, True, "did not answer in full within 0.3 seconds"),
        (ModelFault.BROKEN_OFF, ServerFault.MALFORMED, True, "broke off its answer"),
        (ModelFault.COMPRESSED, ServerFault.MALFORMED, True, "an encoding that was not requested"),
    ],
)
def test_each_server_fault_is_described_in_a_sentence(
    fault: ModelFault, expected_fault: ServerFault, may_be_billed: bool, words: str
) -> None:
    timeout = 0.3 if fault in (ModelFault.STALL, ModelFault.SLOW_ERROR) else 20.0
    error = with_server(request_failing_review, fault, timeout=timeout)
    assert error.server_error
    assert error.server_error.fault is expected_fault
    assert error.may_be_billed is may_be_billed
    assert words in str(error)


def test_an_unreachable_server_is_down() -> None:
    async def work() -> ReviewError:
        async with OpenAiServer() as fake:
            address = ServerAddress(fake.base_url, MODEL)
        async with open_model_server(address) as server:
            return await request_failing_review(fake, server)

    error = asyncio.run(work())
    assert error.server_error
    assert error.server_error.is_down
    assert "does not answer" in str(error)


@pytest.mark.parametrize(
    ("sent_key", "model", "words"),
    [
        ("wrong-key-123", MODEL, "PAPERROUND_REVIEWER_KEY"),
        ("right-key", "qwen-unknown", "no model 'qwen-unknown'"),
    ],
)
def test_a_wrong_key_or_model_gives_advice_without_the_key(sent_key: str, model: str, words: str) -> None:
    error = with_server(request_failing_review, key="right-key", sent_key=sent_key, model=model)
    assert words in str(error)
    assert sent_key not in str(error)


def test_a_server_lists_its_models() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> list[str]:
        return await server.list_models()

    assert with_server(work) == [MODEL]


def test_too_many_requests_for_the_list_of_models_are_a_fault_of_the_server() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> ModelServerError:
        fake.refuses_listing = True
        with pytest.raises(ModelServerError) as raised:
            await server.list_models()
        return raised.value

    assert with_server(work).fault is ServerFault.RATE_LIMITED


def test_the_repr_of_an_address_leaves_out_its_key_and_password() -> None:
    assert "hunter2" not in repr(ServerAddress("http://me:hunter2@127.0.0.1/v1", "m", "hunter2"))


@pytest.mark.parametrize("fault", [ModelFault.ENDLESS_ERROR, ModelFault.HUGE])
def test_of_an_endless_body_no_more_is_read_than_its_limit(fault: ModelFault) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> int:
        await request_failing_review(fake, server)
        return fake.sent_bytes

    # What the sockets hold in between comes on top of the limit. The whole body has 200 MB.
    assert with_server(work, fault) < 50_000_000


def test_a_redirect_is_not_followed_with_a_papers_text() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> tuple[ReviewError, int]:
        async with OpenAiServer() as other:
            fake.redirect_url = f"{other.base_url}/chat/completions?token=hunter2"
            error = await request_failing_review(fake, server)
            assert other.base_url in str(error)
            return error, len(other.requests)

    error, request_count = with_server(work, ModelFault.REDIRECT)
    assert request_count == 0
    assert "a redirect to http://127.0.0.1:" in str(error)
    assert "hunter2" not in str(error)
    assert error.server_error
    assert error.server_error.fault is ServerFault.REFUSED


@pytest.mark.parametrize("target", ["", "http://[", "//", "\u202e"])
def test_a_redirect_to_no_address_is_refused_in_a_sentence(target: str) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> ReviewError:
        fake.redirect_url = target
        return await request_failing_review(fake, server)

    error = with_server(work, ModelFault.REDIRECT)
    assert "answered 307" in str(error)
    assert str(error).isprintable()


def test_a_servers_message_reaches_people_without_control_and_bidi_characters() -> None:
    error = with_server(request_failing_review, ModelFault.CONTROL_CHARACTERS)
    assert "evil" in str(error)
    assert str(error).isprintable()
    assert not any(sign in str(error) for sign in CONTROL_CHARACTERS if not sign.isprintable())


def test_a_servers_message_that_repeats_the_key_reaches_people_without_it() -> None:
    error = with_server(request_failing_review, ModelFault.KEY_IN_MESSAGE, key="sk-1", sent_key="sk-1")
    assert "bad Bearer …" in str(error)
    assert "sk-1" not in str(error)


def test_the_names_of_models_are_shown_without_control_characters() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> list[str]:
        fake.model_names = [f"a{CONTROL_CHARACTERS}", "b" * 10_000]
        return await server.list_models()

    first, second = with_server(work)
    assert first.isprintable()
    assert len(second) == 160


@pytest.mark.parametrize("count", [10**30, 2**63, -1, 12.5, True, float("nan"), float("inf"), "12", [1]])
def test_a_token_count_out_of_range_is_replaced_by_an_upper_bound(count: object) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> TokenUsage:
        fake.token_count = count
        _, usage = await review_paper(
            PAPER,
            ABSTRACT,
            ReviewDepth.FULL,
            read_depth=ReadDepth.ABSTRACT,
            server=server,
            options=ReviewOptions(),
            now=NOW,
            run_reader=asyncio.to_thread,
        )
        assert usage.input_tokens == sum(len(turn["content"]) for turn in fake.requests[0]["messages"])
        return usage

    upper_bound = max_usage_of_review(PAPER, ABSTRACT, ReviewDepth.FULL, ReviewOptions())
    assert 0 < with_server(work).total <= upper_bound.total


def test_nothing_from_the_environment_changes_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable is one that a library for model servers or HTTP, or OpenSSL, reads."""

    async def work(fake: OpenAiServer, server: ModelServer) -> dict[str, str]:
        assert (await request_review(fake, server)).score is not None
        return {name: value for name, value in fake.headers[0].items() if name != "Content-Length"}

    elsewhere = "http://127.0.0.1:9"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, elsewhere)
        monkeypatch.setenv(name.lower(), elsewhere)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "NETRC"):
        monkeypatch.setenv(name, "/nowhere/at/all")
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Extra: hunter2")
    headers = with_server(work, sent_key="sk-1")
    assert headers.pop("Host").startswith("127.0.0.1:")
    assert headers.pop("User-Agent").startswith("python-httpx/")
    assert headers == {
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "keep-alive",
        "Content-Type": "application/json",
        "Authorization": "Bearer sk-1",
    }


def test_a_reply_without_token_counts_is_parsed() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> int:
        messages = [{"role": "system", "content": "x" * 100}, {"role": "user", "content": "y" * 100}]
        reply = await server.request_completion(
            messages,
            {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
            "n",
            50,
        )
        assert reply.input_tokens is None
        return len(reply.text)

    assert with_server(work, ModelFault.NO_USAGE) > 0


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "repeated", "fault"),
    [
        (b"", b"", ServerFault.MALFORMED),
        (b"\x00\xff\xfe\r\n\r\n", b"", ServerFault.MALFORMED),
        (HEAD, b"X-A: " + b"a" * 1000 + b"\r\n", ServerFault.MALFORMED),
        (HEAD + b"X-A: ", b"a" * 65_536, ServerFault.MALFORMED),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", ServerFault.TIMEOUT),
        (CHUNKED, b"1\r\na\r\n", None),
        (CHUNKED + b"1;", b"a" * 65_536, ServerFault.MALFORMED),
        (CHUNKED + b"0\r\n", b"X: " + b"a" * 1000 + b"\r\n", ServerFault.MALFORMED),
        (HEAD + b"Content-Length: -5\r\n\r\n{}", b"", ServerFault.MALFORMED),
        (HEAD + b"Content-Length: 9" + b"9" * 30 + b"\r\n\r\n{}", b"", ServerFault.MALFORMED),
        (b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\n\r\n{}", b"", ServerFault.MALFORMED),
        (b"HTTP/1.1 429 X\r\nRetry-After: 1e400\r\nContent-Length: 0\r\n\r\n", b"", ServerFault.RATE_LIMITED),
    ],
)
def test_whatever_bytes_a_server_sends_are_a_fault_in_a_sentence(
    start: bytes, repeated: bytes, fault: ServerFault | None
) -> None:
    """An endless answer ends by the deadline, or by the limit of bytes, whichever comes first."""

    async def send_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(start + repeated)
                await writer.drain()
                while repeated:
                    writer.write(repeated)
                    await writer.drain()
        finally:
            writer.close()

    async def ask() -> ModelServerError:
        listener = await asyncio.start_server(send_bytes, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        address = ServerAddress(f"http://127.0.0.1:{port}/v1", MODEL, timeout=1)
        async with listener, open_model_server(address) as server:
            with pytest.raises(ModelServerError) as caught:
                await server.request_completion([{"role": "user", "content": "x"}], {}, "review", 5)
        return caught.value

    error = asyncio.run(ask())
    assert error.fault in ((fault,) if fault else (ServerFault.TIMEOUT, ServerFault.MALFORMED))
    assert str(error).isprintable()


def test_a_server_without_a_valid_certificate_is_unreachable() -> None:
    def refuse_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no TLS\r\n")
        writer.close()

    async def ask() -> ModelServerError:
        listener = await asyncio.start_server(refuse_tls, "127.0.0.1", 0)
        address = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
        async with listener, open_model_server(ServerAddress(address, MODEL, timeout=1)) as server:
            with pytest.raises(ModelServerError) as caught:
                await server.list_models()
        return caught.value

    assert asyncio.run(ask()).fault is ServerFault.UNREACHABLE


THOUGHTS = "So, a 3 or a 4? DRAFT No."
TOOL_CALL = {"id": "1", "type": "function", "function": {"name": "review", "arguments": "FORM"}}
SET_UPS: dict[str, dict[str, object]] = {
    "OpenAI": {"content": "FORM", "refusal": None, "annotations": [], "audio": None},
    "a gateway that parses": {"content": None, "parsed": "OBJECT"},
    "a gateway with an object as content": {"content": "OBJECT"},
    "vLLM with a reasoning parser": {"content": "\n\nFORM", "reasoning_content": THOUGHTS},
    "the same, and a model that does not think": {"content": None, "reasoning_content": "FORM"},
    "the same, and a tag there": {"content": "", "reasoning_content": f"<think>{THOUGHTS}</think>FORM"},
    "newer vLLM": {"content": "FORM", "reasoning": THOUGHTS, "tool_calls": []},
    "newer vLLM, and a model that does not think": {"content": None, "reasoning": "FORM", "tool_calls": []},
    "vLLM without a parser": {"content": f"<think>\n{THOUGHTS}\n</think>\n\nFORM"},
    "SGLang, whose template opens the thoughts": {"content": f"{THOUGHTS}\n</think>\n\nFORM"},
    "Ollama": {"content": "FORM", "reasoning": THOUGHTS},
    "Ollama's own fields": {"content": "FORM", "thinking": THOUGHTS},
    "llama.cpp": {"content": "FORM", "reasoning_content": ""},
    "llama.cpp without a grammar": {"content": "Here it is:\n```json\nFORM\n```\nI hope it helps."},
    "llama.cpp with DeepSeek's thoughts": {"content": "FORM", "reasoning_content": THOUGHTS},
    "LM Studio": {"content": f"[THINK]{THOUGHTS}[/THINK]FORM"},
    "gpt-oss without a parser": {
        "content": f"<|channel|>analysis<|message|>{THOUGHTS}<|end|>"
        "<|start|>assistant<|channel|>final<|message|>FORM"
    },
    "a gateway with tools": {"content": None, "tool_calls": [TOOL_CALL]},
    "a gateway with tools and words": {"content": "I call the tool.", "tool_calls": [TOOL_CALL]},
    "the older calls of functions": {"content": "", "function_call": {"name": "review", "arguments": "FORM"}},
    "a call in the text": {"content": '<tool_call>\n{"name": "review", "arguments": FORM}\n</tool_call>'},
    "a gateway with parts": {"content": [{"type": "text", "text": "FORM"}]},
    "Mistral": {
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHTS}]},
            {"type": "text", "text": "FORM"},
        ]
    },
    "Anthropic's gateway": {
        "content": [{"type": "thinking", "thinking": THOUGHTS}, {"type": "text", "text": "FORM"}]
    },
    "OpenRouter": {
        "content": "FORM", "reasoning": THOUGHTS,
        "reasoning_details": [{"type": "reasoning.text", "text": THOUGHTS}],
    },
    "Gemini's gateway": {"content": "<thought>DRAFT</thought>\nFORM", "extra_content": {"google": {}}},
    "a form under a key": {"content": '{"review": FORM}'},
    "a form in a list": {"content": "[FORM]"},
    "a draft, then the form": {"content": "DRAFT\n\nOn reflection:\nFORM"},
}  # fmt: skip
"""Messages by the servers that send them: where each puts the form, and where its thoughts with a draft."""


def test_the_answer_of_every_set_up_is_read_at_once() -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> list[str]:
        unread = []
        for name, message in SET_UPS.items():
            for review_depth in ReviewDepth:
                fake.messages.append(message)
                asked = len(fake.requests)
                review = await request_review(fake, server, review_depth)
                if len(fake.requests) > asked + 1 or not review.tldr.startswith("In short"):
                    unread.append(f"{name}, {review_depth}: {review.tldr}")
        return unread

    assert with_server(work) == []


@needs_shared_data
def test_answers_that_were_once_lost_or_mangled_are_read() -> None:
    """Parts of the records stand for the whole form: what they leave out is filled in."""
    final, draft = a_reply(tldr="The final words of it."), a_reply(tldr="The DRAFT of the words.")
    for record in bugs("model_answers.jsonl"):
        if "quote" in record:
            assert is_quoted(record["quote"], normalize_for_quotes(record["paper"])), record["kind"]
            continue
        message = record.get("message") or {"content": _complete(record["content"])}
        filled = {
            name: value.replace("<the whole form>", final)
            .replace('{"tldr": "DRAFT", ...}', draft)
            .replace('{"tldr": "final", ...}', final)
            for name, value in message.items()
            if isinstance(value, str)
        }
        text, _ = find_answer_text(filled, is_truncated=False)
        answer, reason = check_answer(text, ReviewDepth.FULL, TEXT)
        assert answer, f"{record['kind']}: {reason}"
        assert "DRAFT" not in answer.tldr
        assert answer.tldr == record.get("expected", answer.tldr)
        if record["kind"].startswith("a limitation that is a string"):
            assert len(answer.key_limitations) == 1


def _complete(fields: str) -> str:
    """Return the whole form with these fields, as they are written, in place of its own."""
    form = {name: value for name, value in a_form().items() if f'"{name}"' not in fields}
    for name, words in (
        ("tldr", "A small model."),
        ("point", "English."),
        ("quote", "tested in English only"),
    ):
        fields = fields.replace(f'"{name}": "..."', f'"{name}": "{words}"')
    return f"{json.dumps(form)[:-1]}, {fields.strip()[1:]}"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["content", "type", "text", "thinking", "json", "function", "arguments"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from(["content", "reasoning", "tool_calls", "function_call", "reasoning_details", "parsed"]),
    st.booleans(),
)
def test_no_field_of_a_message_raises_or_hides_a_form_in_the_content(
    value: object, name: str, is_truncated: bool
) -> None:
    find_answer_text({name: value}, is_truncated=is_truncated)
    if name not in ("content", "tool_calls", "function_call"):
        text, field = find_answer_text({name: value, "content": a_reply()}, is_truncated=is_truncated)
        assert (text, field) == (a_reply(), "content")


def test_reviews_of_different_prompts_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(fake: OpenAiServer, server: ModelServer) -> list[str]:
        full = [await request_review(fake, server) for _ in range(2)]
        score = await request_review(fake, server, ReviewDepth.SCORE)
        monkeypatch.setattr(prompt, "_TLDR_RULE", "Begin with the method.")
        changed = await request_review(fake, server)
        return [review.assessment.prompt for review in (*full, score, changed) if review.assessment]

    first, second, score, changed = with_server(work)
    assert first == second
    assert len({first, score, changed}) == 3
