"""A fake of OpenAI's chat completions API, with a deterministic model and configurable faults.

By hand: `python -m tests.fakes.openai_server --port 8099 --latency 0.2 --slots 4`,
then base_url = "http://127.0.0.1:8099/v1".
"""

import argparse
import asyncio
import contextlib
import gzip
import hashlib
import json
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from aiohttp import web

from tests.fakes.wire import stop_server

DEFAULT_PORT = 8099


MODEL = "sample-reviewer"
BATCH_WAIT_SECONDS = 30.0
"""Seconds after which an incomplete batch is answered."""


class ModelFault(StrEnum):
    """The way in which an answer is wrong."""

    SCHEMA_IGNORED = "schema ignored"
    HALF_JSON = "half json"
    REFUSAL = "refusal"
    RATE_LIMITED = "429"
    RATE_LIMITED_LONG = "429 for long"
    SERVER_ERROR = "500"
    STALL = "stall"
    WRONG_MODEL = "wrong model"
    THINKING = "thinking"
    ONLY_THINKING = "only thinking"
    HUGE = "huge"
    PROSE = "prose"
    FENCES = "fences"
    OBEDIENT = "obeys"
    INVENTED_QUOTES = "invented quotes"
    GRADES_OUT_OF_RANGE = "grades out of range"
    NO_USAGE = "no usage"
    NOT_JSON = "not json"
    EMPTY = "empty"
    NO_SCHEMA_MODE = "no schema mode"
    ENDLESS_ERROR = "endless error"
    SLOW_ERROR = "slow error"
    COMPRESSED = "compressed"
    REDIRECT = "redirect"
    CONTROL_CHARACTERS = "control characters"
    KEY_IN_MESSAGE = "key in message"
    LONE_SURROGATES = "lone surrogates"
    USAGE_IS_A_LIST = "usage is a list"
    BROKEN_OFF = "broken off"
    FORM_IN_THOUGHTS = "form in thoughts"
    THOUGHTS_APART = "thoughts apart"
    THOUGHTS_CUT_OFF = "thoughts cut off"
    CONTENT_PARTS = "content parts"
    TOOL_CALL = "tool call"
    FUNCTION_CALL = "function call"
    OBJECT_AS_CONTENT = "object as content"
    OLD_COMPLETION = "old completion"
    HARMONY = "harmony"
    DRAFT_IN_UNKNOWN_TAG = "draft in unknown tag"
    DRAFT_THEN_HALF = "draft then half"
    NO_OPENING_TAG = "no opening tag"
    KEY_AROUND = "key around"
    LIST_OF_ONE = "list of one"
    SINGLE_BACKSLASHES = "single backslashes"
    TAG_IN_TEXT = "tag in text"
    NULLS = "nulls"
    TEXT_AS_LIMITATION = "text as limitation"
    GRADES_IN_WORDS = "grades in words"
    TRAILING_COMMA = "trailing comma"
    QUOTES_IN_TEXT = "quotes in text"


CONTROL_CHARACTERS = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202eevil\u2066\u200b\r\nINFO all is well\x00"
"""Message of `ModelFault.CONTROL_CHARACTERS`: a title, a colour, an empty screen, a forged line."""


class OpenAiServer:
    """A server on a local port. Requests that break the API's rules get an error, as from a strict server.

    Each answer uses up one of `faults`. `fault_by_title` holds for every paper whose title contains the key.
    The first answers wait until `batch_size` requests are in flight, at most `BATCH_WAIT_SECONDS`.
    `token_count` takes the place of both counts of every answer, whatever it is. `redirect_url` is the
    target of `ModelFault.REDIRECT`. `headers` are those of each request; `sent_bytes` counts huge bodies.
    Each of `messages` takes the place of one answer's message, with the answer for the word FORM in its
    texts, and another for DRAFT. `passages` are those about which it was asked if they address their
    reviewer, and `passages_answer` is what it says to that. `translated` are the notes that it was to
    translate, and `translation_answer` takes the place of its answer, which has each of them behind the name
    of the language. `questioned` are the notes about which it was to write questions, and
    `questions_answer` takes the place of its answer.
    """

    def __init__(
        self, *, latency: float = 0.0, slots: int = 1000, key: str = "", batch_size: int = 0
    ) -> None:
        self.latency = latency
        self.batch_size = batch_size
        self.key = key
        self.faults: deque[ModelFault | None] = deque()
        self.messages: deque[Mapping[str, object]] = deque()
        self.fault_by_title: dict[str, ModelFault] = {}
        self.token_count: object = None
        self.model_names = [MODEL]
        self.redirect_url = ""
        self.headers: list[dict[str, str]] = []
        self.sent_bytes = 0
        self.requests: list[dict[str, Any]] = []
        self.title_counts: Counter[str] = Counter()
        self.pair_counts: Counter[tuple[str, str]] = Counter()
        self.preference: Callable[[str, str], str] = lambda first, second: (
            "first" if first > second else "second"
        )
        self.passages: list[str] = []
        self.passages_answer = '{"addressing": []}'
        self.translated: list[str] = []
        self.translation_answer = ""
        self.questioned: list[str] = []
        self.questions_answer = ""
        self.refuses_listing = False
        self.peak_concurrency = 0
        self._in_flight = 0
        self._batch_ready = asyncio.Event()
        self._slots = asyncio.Semaphore(slots)
        self._runner: web.AppRunner | None = None
        self.base_url = ""

    async def start(self, port: int = 0) -> "OpenAiServer":
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/v1/chat/completions", self._answer_completion)
        app.router.add_get("/v1/models", self._list_models)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        assert site._server
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def stop(self) -> None:
        if self._runner:
            await stop_server(self._runner)

    async def __aenter__(self) -> "OpenAiServer":
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _list_models(self, request: web.Request) -> web.Response:
        if refusal := self._refuse_wrong_key(request):
            return refusal
        if self.refuses_listing:
            return _error_response(429, "Rate limit reached", {"Retry-After": "1"})
        models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "us"} for name in self.model_names
        ]
        return web.json_response({"object": "list", "data": models})

    def _refuse_wrong_key(self, request: web.Request) -> web.Response | None:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error_response(401, "Incorrect API key provided")
        return None

    async def _answer_completion(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._refuse_wrong_key(request):
            return refusal
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        if body["model"] not in self.model_names:
            return _error_response(404, f"The model `{body['model']}` does not exist")
        if problem := _find_request_problem(body):
            return _error_response(400, problem)
        title, text = _parse_paper(body["messages"])
        pair = _parse_pair(body["messages"])
        if pair:
            self.pair_counts[pair] += 1
        elif not _parse_passages(body["messages"]) and not _parse_notes(body["messages"]):
            self.title_counts[title] += 1
        fault = self._next_fault(title, body)
        if fault in (ModelFault.RATE_LIMITED, ModelFault.RATE_LIMITED_LONG):
            pause = "0.05" if fault is ModelFault.RATE_LIMITED else "3600"
            return _error_response(429, "Rate limit reached", {"Retry-After": pause})
        if fault in _HOSTILE_RESPONSES:
            return await self._send_hostile_response(request, fault)
        if fault is ModelFault.SERVER_ERROR:
            return _error_response(500, "The server had an error")
        if fault is ModelFault.NO_SCHEMA_MODE and "response_format" in body:
            return _error_response(400, "response_format is not supported by this model")
        async with self._slots:
            self._in_flight += 1
            self.peak_concurrency = max(self.peak_concurrency, self._in_flight)
            try:
                await self._wait_for_batch()
                await asyncio.sleep(3600 if fault is ModelFault.STALL else self.latency)
            finally:
                self._in_flight -= 1
        if fault is ModelFault.HUGE:
            return await self._send_huge_body(request, 200)
        if fault is ModelFault.NOT_JSON:
            return web.Response(text="<html>Bad gateway</html>", content_type="text/html")
        choice = (
            json.dumps({"reason": "By rule.", "better": self.preference(*pair)}) if pair and not fault else ""
        )
        if passages := _parse_passages(body["messages"]):
            self.passages += passages
            choice = self.passages_answer
        if notes := _parse_notes(body["messages"]):
            self.translated.append(notes)
            choice = self.translation_answer or _translate(notes, body["messages"])
        if points := _parse_notes(body["messages"], "points"):
            self.questioned.append(points)
            choice = self.questions_answer or _write_questions(points)
        completion = _build_completion(body, title, text, fault, choice)
        if self.messages:
            [chosen] = completion["choices"]
            chosen["message"] = _put_form(self.messages.popleft(), chosen["message"]["content"])
        if self.token_count is not None:
            completion["usage"] = {"prompt_tokens": self.token_count, "completion_tokens": self.token_count}
        response = web.json_response(completion)
        if fault is ModelFault.COMPRESSED:
            response.body = gzip.compress(json.dumps(completion).encode())
            response.headers["Content-Encoding"] = "gzip"
        return response

    async def _send_hostile_response(
        self, request: web.Request, fault: ModelFault | None
    ) -> web.StreamResponse:
        match fault:
            case ModelFault.ENDLESS_ERROR:
                return await self._send_huge_body(request, 500)
            case ModelFault.SLOW_ERROR:
                return await _send_slow_body(request, 500)
            case ModelFault.REDIRECT:
                return web.Response(status=307, headers={"Location": self.redirect_url})
            case ModelFault.BROKEN_OFF:
                assert request.transport
                request.transport.close()
                return web.Response()
            case ModelFault.CONTROL_CHARACTERS:
                return _error_response(400, CONTROL_CHARACTERS)
            case _:
                return _error_response(400, f"bad {request.headers.get('Authorization')}")

    async def _send_huge_body(self, request: web.Request, status: int) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                await response.write(b'{"choices": "' + b"x" * 1_000_000)
                self.sent_bytes += 1_000_000
        return response

    async def _wait_for_batch(self) -> None:
        if self._in_flight >= self.batch_size:
            self._batch_ready.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._batch_ready.wait(), BATCH_WAIT_SECONDS)

    def _next_fault(self, title: str, body: Mapping[str, Any]) -> ModelFault | None:
        is_repair = len(body["messages"]) > 2
        for words, fault in self.fault_by_title.items():
            if words in title and not (is_repair and fault is ModelFault.HALF_JSON):
                return fault
        return self.faults.popleft() if self.faults else None


_HOSTILE_RESPONSES = (
    ModelFault.ENDLESS_ERROR,
    ModelFault.SLOW_ERROR,
    ModelFault.REDIRECT,
    ModelFault.CONTROL_CHARACTERS,
    ModelFault.KEY_IN_MESSAGE,
    ModelFault.BROKEN_OFF,
)


def _error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
    return web.json_response(body, status=status, headers=headers)


_ALLOWED_KEYWORDS = {"type", "properties", "required", "additionalProperties", "items"}


def _find_request_problem(body: Mapping[str, Any]) -> str:
    """Return the error message of a strict server, empty for a valid request."""
    if not isinstance(body.get("max_tokens"), int):
        return "max_tokens is required"
    if [turn["role"] for turn in body["messages"]][:2] != ["system", "user"]:
        return "messages must begin with system and user"
    response_format = body.get("response_format")
    if not response_format or response_format["type"] != "json_schema":
        return ""
    return (
        _find_schema_problem(response_format["json_schema"]["schema"])
        if response_format["json_schema"].get("strict") is True
        else "strict is required"
    )


def _find_schema_problem(schema: Mapping[str, Any]) -> str:
    if unknown := set(schema) - _ALLOWED_KEYWORDS:
        return f"schema: {sorted(unknown)} is not permitted"
    if schema["type"] == "object":
        if schema.get("additionalProperties") is not False or schema["required"] != list(
            schema["properties"]
        ):
            return "schema: additionalProperties must be false and every property required"
        return next(filter(None, map(_find_schema_problem, schema["properties"].values())), "")
    return _find_schema_problem(schema["items"]) if schema["type"] == "array" else ""


def _parse_paper(messages: list[dict[str, str]]) -> tuple[str, str]:
    """Return title and text of the fenced paper."""
    found = re.search(
        r"----- (\w+) begins -----\nTitle: (.*?)\n\n?(.*)\n----- \1 ends -----",
        messages[1]["content"],
        re.DOTALL,
    )
    return (found[2], found[3]) if found else ("", messages[1]["content"])


def _parse_pair(messages: list[dict[str, str]]) -> tuple[str, str] | None:
    """Return both titles of a comparison, None for a review."""
    found = re.findall(r"----- \w+ (?:first|second) begins -----\nTitle: (.*?)\n", messages[1]["content"])
    return (found[0], found[1]) if len(found) == 2 else None


def _parse_passages(messages: list[dict[str, str]]) -> list[str]:
    """Return the passages of a question about whom they address, none for a review."""
    found = re.findall(
        r"----- (\w+) passage (\d+) begins -----\n(.*?)\n----- \1 passage \2 ends -----",
        messages[1]["content"],
        re.DOTALL,
    )
    return [text for _, _, text in found]


def _parse_notes(messages: list[dict[str, str]], kind: str = "notes") -> str:
    """Return the notes that are to be translated, or asked about; empty for another request."""
    found = re.search(
        rf"----- (\w+) {kind} begin -----\n(.*?)\n----- \1 {kind} end -----",
        messages[1]["content"],
        re.DOTALL,
    )
    return found[2] if found else ""


def _write_questions(points: str) -> str:
    """Return a question about each limitation, with its words."""
    limitations = [line.partition(": ")[2] for line in points.splitlines()[1:]]
    questions = [
        {"limitation": number, "question": f"What would change without this: {point}?"}
        for number, point in enumerate(limitations, start=1)
    ]
    return json.dumps({"questions": questions})


def _translate(notes: str, messages: list[dict[str, str]]) -> str:
    language = re.findall(r" into (\w+)", messages[1]["content"])[-1]
    tldr, *points = [f"{language}: {note.partition(': ')[2]}" for note in notes.splitlines()]
    return json.dumps({"tldr": tldr, "limitations": points})


def _build_completion(
    body: Mapping[str, Any], title: str, text: str, fault: ModelFault | None, choice: str = ""
) -> dict[str, Any]:
    content = choice or _build_content(body, title, text, fault)
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if fault is ModelFault.REFUSAL:
        message |= {"content": None, "refusal": "I cannot review this."}
    message |= _place_answer(content, fault)
    if fault is ModelFault.LONE_SURROGATES:
        message["content"] = f"\ud800 {content} \udfff"
    prompt_characters = sum(len(turn["content"]) for turn in body["messages"])
    cut_off = (ModelFault.HALF_JSON, ModelFault.THOUGHTS_CUT_OFF, ModelFault.DRAFT_THEN_HALF)
    choice_fields: dict[str, Any] = {"index": 0, "finish_reason": "length" if fault in cut_off else "stop"}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "another-model" if fault is ModelFault.WRONG_MODEL else body["model"],
        "choices": [
            {**choice_fields, "text": content}
            if fault is ModelFault.OLD_COMPLETION
            else {**choice_fields, "message": message}
        ],
        "usage": _build_usage(fault, prompt_characters // 4, len(content or "") // 4),
    }


def _place_answer(content: str, fault: ModelFault | None) -> dict[str, Any]:
    """Return the fields of a message that hold an answer elsewhere than as the text of its content."""
    thoughts = f"Let me think about the draft {_draft_of(content)}"
    match fault:
        case ModelFault.FORM_IN_THOUGHTS:
            # vLLM with a reasoning parser, for a model that does not think.
            return {"content": None, "reasoning_content": content, "reasoning": content}
        case ModelFault.THOUGHTS_APART:
            return {"reasoning_content": thoughts, "reasoning": thoughts}
        case ModelFault.THOUGHTS_CUT_OFF:
            return {"content": None, "reasoning_content": f"{thoughts} or rather"}
        case ModelFault.CONTENT_PARTS:
            thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}
            half = len(content) // 2
            parts = [{"type": "text", "text": part} for part in (content[:half], content[half:])]
            return {"content": [thinking, *parts]}
        case ModelFault.TOOL_CALL:
            function = {"name": "review", "arguments": content}
            return {"content": None, "tool_calls": [{"id": "1", "type": "function", "function": function}]}
        case ModelFault.FUNCTION_CALL:
            return {"content": "", "function_call": {"name": "review", "arguments": content}}
        case ModelFault.OBJECT_AS_CONTENT:
            return {"content": json.loads(content)}
        case _:
            return {}


def _put_form(value: Any, form: str) -> Any:
    """Return a message with the form in place of the word FORM, and a draft of it in place of DRAFT."""
    if isinstance(value, dict):
        return {key: _put_form(part, form) for key, part in value.items()}
    if isinstance(value, list):
        return [_put_form(part, form) for part in value]
    if value == "OBJECT":
        return json.loads(form)
    return value.replace("FORM", form).replace("DRAFT", _draft_of(form)) if isinstance(value, str) else value


def _draft_of(answer: str) -> str:
    """Return an answer with other contents, as a model drafts it."""
    return re.sub(r'"tldr": "[^"]*"', '"tldr": "A DRAFT, to be thrown away."', answer)


def _build_usage(fault: ModelFault | None, prompt_tokens: int, completion_tokens: int) -> object:
    match fault:
        case ModelFault.NO_USAGE | ModelFault.LONE_SURROGATES:
            return None
        case ModelFault.USAGE_IS_A_LIST:
            return [prompt_tokens, completion_tokens]
        case _:
            return {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": 0,
            }


def _build_content(body: Mapping[str, Any], title: str, text: str, fault: ModelFault | None) -> str:
    # Other models than ours grade in their own way.
    seed = title if body["model"] == MODEL else f"{title}{body['model']}"
    form = _fill_form(seed, text, full="key_limitations" in body["messages"][0]["content"])
    if fault is ModelFault.OBEDIENT:
        form |= {name: {**form[name], "grade": 5} for name in form if isinstance(form[name], dict)}
        form["tldr"] = "Everything about this paper is outstanding, see https://evil.example @everyone."
    if fault is ModelFault.INVENTED_QUOTES:
        form["tldr_quote"] = "a passage that stands nowhere in it"
        for point in form.get("key_limitations", []):
            point["quote"] = "another passage that stands nowhere in it"
    if fault is ModelFault.GRADES_OUT_OF_RANGE:
        form["impact"]["grade"] = 11
    if fault is ModelFault.NULLS:
        form |= {"tldr_quote": None, "key_limitations": None}
    if fault is ModelFault.TEXT_AS_LIMITATION and "key_limitations" in form:
        form["key_limitations"].insert(0, "Only small models")
    if fault is ModelFault.GRADES_IN_WORDS:
        form["impact"]["grade"] = f"{form['impact']['grade']}/5"
        form["methodology"]["grade"] = form["methodology"]["grade"] * 1.0
        form["experiments"]["grade"] = f"{form['experiments']['grade']} out of 5"
    if fault is ModelFault.TAG_IN_TEXT:
        form["tldr"] = "The model is stopped by writing </think> early. " + form["tldr"]
    if fault in _WRITTEN_IN_TLDR:
        form["tldr"] = "TLDR"
    answer = json.dumps(form).replace("TLDR", _WRITTEN_IN_TLDR.get(fault, ""))
    match fault:
        case ModelFault.SCHEMA_IGNORED:
            return json.dumps({"score": 9, "summary": "Great."})
        case ModelFault.HALF_JSON:
            return answer[: len(answer) // 2]
        case ModelFault.THINKING:
            return f'<think>Is {{"grade": 5}} right? {{"methodology": 1}}</think>\n{answer}'
        case ModelFault.ONLY_THINKING:
            return "<think>Let me see, the paper"
        case ModelFault.PROSE:
            return f"Here is my review of {{the paper}}:\n\n{answer}\n\nI hope it helps!"
        case ModelFault.FENCES:
            return f"```json\n{json.dumps(form, indent=2)}\n```"
        case ModelFault.EMPTY:
            return ""
        case ModelFault.HARMONY:
            final = f"<|start|>assistant<|channel|>final<|message|>{answer}"
            return f"<|channel|>analysis<|message|>{_draft_of(answer)}<|end|>{final}"
        case ModelFault.DRAFT_IN_UNKNOWN_TAG:
            return f"<thought>{_draft_of(answer)}</thought>\n{answer}"
        case ModelFault.DRAFT_THEN_HALF:
            return f"<musing>{_draft_of(answer)}</musing>\n{answer[: len(answer) // 2]}"
        case ModelFault.NO_OPENING_TAG:
            return f"{_draft_of(answer)}\n</think>\n\n{answer}"
        case ModelFault.KEY_AROUND:
            return json.dumps({"review": form})
        case ModelFault.LIST_OF_ONE:
            return json.dumps([form])
        case ModelFault.TRAILING_COMMA:
            return f"{answer[:-1]},\n}}"
        case _:
            return answer


_WRITTEN_IN_TLDR: dict[ModelFault | None, str] = {
    ModelFault.SINGLE_BACKSLASHES: r"A rate of $\frac{1}{n}$ for a $\beta$-VAE, in the $\alpha$-divergence.",
    ModelFault.QUOTES_IN_TEXT: 'The so-called "best" model, as they say, is small.',
}
"""Texts that stand in the JSON as they are, without escapes."""


def _fill_form(seed: str, text: str, *, full: bool) -> dict[str, Any]:
    """Return an answer that depends only on the seed and the text. Its quotes are sentences of the text."""
    digest = hashlib.blake2b(seed.encode(), digest_size=8).digest()
    spans = [span.strip() for span in re.split(r"(?<=[.!?])\s+|\n", text) if len(span.split()) >= 4] or [seed]
    names = ("methodology", "experiments", "reproducibility", "limitations", "impact")
    form: dict[str, Any] = {}
    for number, name in enumerate(names):
        span = spans[digest[number] % len(spans)]
        assessed = (
            {"assessment": f"On {name}: the text says “{span[:120]}”, which is weighed by rule."}
            if full
            else {}
        )
        form[name] = {**assessed, "evidence": span[:150], "grade": 1 + digest[number] % 5}
    if full:
        form["key_limitations"] = [
            {"point": f"Rests on one claim: {span[:60]}", "quote": " ".join(span.split()[:20])}
            for span in spans[-2:]
        ]
    return form | {"tldr": f"In short: {spans[0][:200]}", "tldr_quote": " ".join(spans[0].split()[:20])}


async def _send_slow_body(request: web.Request, status: int) -> web.StreamResponse:
    """Send a byte every 20 ms, for a minute."""
    response = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        for _ in range(3000):
            await response.write(b" ")
            await asyncio.sleep(0.02)
    return response


@contextlib.contextmanager
def serve_in_thread(**options: Any) -> Iterator[OpenAiServer]:
    """Run a server in a thread, for tests that start processes."""
    loop, server = asyncio.new_event_loop(), OpenAiServer(**options)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(20)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


async def _serve_by_hand(arguments: argparse.Namespace) -> None:
    server = OpenAiServer(latency=arguments.latency, slots=arguments.slots, key=arguments.key)
    if arguments.fault:
        server.fault_by_title[""] = ModelFault(arguments.fault)
    await server.start(arguments.port)
    print(f"model {MODEL} at {server.base_url}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds an answer takes")
    parser.add_argument("--slots", type=int, default=1000, help="answers at the same time")
    parser.add_argument("--key", default="", help="the key that is required")
    parser.add_argument("--fault", choices=[str(fault) for fault in ModelFault], help="of every answer")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve_by_hand(parser.parse_args()))


if __name__ == "__main__":
    main()
