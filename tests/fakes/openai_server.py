"""A server that speaks OpenAI's chat completions, with a model that reviews by rule, and with every fault we could think of.

By hand: `python -m tests.fakes.openai_server --port 8099 --latency 0.2 --slots 4`, then base_url = "http://127.0.0.1:8099/v1".
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from aiohttp import web

MODEL = "sample-reviewer"
GATHERING = 30.0


class Fault(StrEnum):
    """How the next answer goes wrong."""

    SCHEMA_IGNORED = "schema ignored"
    HALF_JSON = "half json"
    REFUSAL = "refusal"
    TOO_MANY = "429"
    TOO_MANY_FOR_LONG = "429 for long"
    BROKEN = "500"
    STALL = "stall"
    WRONG_MODEL = "wrong model"
    THINKING = "thinking"
    ONLY_THINKING = "only thinking"
    HUGE = "huge"
    PROSE = "prose"
    FENCES = "fences"
    OBEYS = "obeys"
    INVENTED_QUOTES = "invented quotes"
    GRADES_OUT_OF_RANGE = "grades out of range"
    NO_USAGE = "no usage"
    NOT_JSON = "not json"
    EMPTY = "empty"
    NO_SCHEMA_MODE = "no schema mode"


class OpenAiServer:
    """The server. `faults` are used up one an answer; `fault_of` holds for papers whose title has the words.

    Nobody is answered before `gather` have asked at once, or after `GATHERING` seconds.
    """

    def __init__(self, *, latency: float = 0.0, slots: int = 1000, key: str = "", gather: int = 0) -> None:
        self.latency = latency
        self.gather = gather
        self.key = key
        self.faults: deque[Fault | None] = deque()
        self.fault_of: dict[str, Fault] = {}
        self.asked: list[dict[str, Any]] = []
        self.titles: Counter[str] = Counter()
        self.compared: Counter[tuple[str, str]] = Counter()
        self.prefers: Callable[[str, str], str] = lambda first, second: (
            "first" if first > second else "second"
        )
        self.most_at_once = 0
        self._under_way = 0
        self._gathered = asyncio.Event()
        self._slots = asyncio.Semaphore(slots)
        self._runner: web.AppRunner | None = None
        self.base_url = ""

    async def start(self, port: int = 0) -> "OpenAiServer":
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        assert site._server
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> "OpenAiServer":
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _models(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        return web.json_response(
            {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "us"}]}
        )

    def _refused(self, request: web.Request) -> web.Response | None:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, "Incorrect API key provided")
        return None

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        if refused := self._refused(request):
            return refused
        asked = await request.json()
        self.asked.append(asked)
        if asked["model"] != MODEL:
            return _error(404, f"The model `{asked['model']}` does not exist")
        if problem := _form_problem(asked):
            return _error(400, problem)
        title, text = _paper(asked["messages"])
        pair = _pair(asked["messages"])
        if pair:
            self.compared[pair] += 1
        else:
            self.titles[title] += 1
        fault = self._fault(title, asked)
        if fault in (Fault.TOO_MANY, Fault.TOO_MANY_FOR_LONG):
            pause = "0.05" if fault is Fault.TOO_MANY else "3600"
            return _error(429, "Rate limit reached", {"Retry-After": pause})
        if fault is Fault.BROKEN:
            return _error(500, "The server had an error")
        if fault is Fault.NO_SCHEMA_MODE and "response_format" in asked:
            return _error(400, "response_format is not supported by this model")
        async with self._slots:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            try:
                await self._gather()
                await asyncio.sleep(3600 if fault is Fault.STALL else self.latency)
            finally:
                self._under_way -= 1
        if fault is Fault.HUGE:
            return await _huge(request)
        if fault is Fault.NOT_JSON:
            return web.Response(text="<html>Bad gateway</html>", content_type="text/html")
        choice = (
            json.dumps({"reason": "By rule.", "better": self.prefers(*pair)}) if pair and not fault else ""
        )
        return web.json_response(_completion(asked, title, text, fault, choice))

    async def _gather(self) -> None:
        if self._under_way >= self.gather:
            self._gathered.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gathered.wait(), GATHERING)

    def _fault(self, title: str, asked: Mapping[str, Any]) -> Fault | None:
        repaired = len(asked["messages"]) > 2
        for words, fault in self.fault_of.items():
            if words in title and not (repaired and fault is Fault.HALF_JSON):
                return fault
        return self.faults.popleft() if self.faults else None


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
    return web.json_response(body, status=status, headers=headers)


_ALLOWED_WORDS = {"type", "properties", "required", "additionalProperties", "items"}


def _form_problem(asked: Mapping[str, Any]) -> str:
    """What a strict server says of a request; the empty string for a good one."""
    if not isinstance(asked.get("max_tokens"), int):
        return "max_tokens is required"
    if [turn["role"] for turn in asked["messages"]][:2] != ["system", "user"]:
        return "messages must begin with system and user"
    form = asked.get("response_format")
    if not form or form["type"] != "json_schema":
        return ""
    return (
        _schema_problem(form["json_schema"]["schema"])
        if form["json_schema"].get("strict") is True
        else "strict is required"
    )


def _schema_problem(schema: Mapping[str, Any]) -> str:
    if unknown := set(schema) - _ALLOWED_WORDS:
        return f"schema: {sorted(unknown)} is not permitted"
    if schema["type"] == "object":
        if schema.get("additionalProperties") is not False or schema["required"] != list(
            schema["properties"]
        ):
            return "schema: additionalProperties must be false and every property required"
        return next(filter(None, map(_schema_problem, schema["properties"].values())), "")
    return _schema_problem(schema["items"]) if schema["type"] == "array" else ""


def _paper(messages: list[dict[str, str]]) -> tuple[str, str]:
    """Title and text out of the fence."""
    found = re.search(
        r"----- (\w+) begins -----\nTitle: (.*?)\n\n?(.*)\n----- \1 ends -----",
        messages[1]["content"],
        re.DOTALL,
    )
    return (found[2], found[3]) if found else ("", messages[1]["content"])


def _pair(messages: list[dict[str, str]]) -> tuple[str, str] | None:
    """Both titles, where two papers are to be compared."""
    found = re.findall(r"----- \w+ (?:first|second) begins -----\nTitle: (.*?)\n", messages[1]["content"])
    return (found[0], found[1]) if len(found) == 2 else None


def _completion(
    asked: Mapping[str, Any], title: str, text: str, fault: Fault | None, choice: str = ""
) -> dict[str, Any]:
    content = choice or _content(asked, title, text, fault)
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if fault is Fault.REFUSAL:
        message |= {"content": None, "refusal": "I cannot review this."}
    sent = sum(len(turn["content"]) for turn in asked["messages"])
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "another-model" if fault is Fault.WRONG_MODEL else asked["model"],
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "length" if fault is Fault.HALF_JSON else "stop",
            }
        ],
        "usage": None
        if fault is Fault.NO_USAGE
        else {
            "prompt_tokens": sent // 4,
            "completion_tokens": len(message["content"] or "") // 4,
            "total_tokens": 0,
        },
    }


def _content(asked: Mapping[str, Any], title: str, text: str, fault: Fault | None) -> str:
    filled = _filled(title, text, full="key_limitations" in asked["messages"][0]["content"])
    if fault is Fault.OBEYS:
        filled |= {name: {**filled[name], "grade": 5} for name in filled if isinstance(filled[name], dict)}
        filled["tldr"] = "Everything about this paper is outstanding, see https://evil.example @everyone."
    if fault is Fault.INVENTED_QUOTES:
        filled["tldr_quote"] = "a passage that stands nowhere in it"
        for point in filled.get("key_limitations", []):
            point["quote"] = "another passage that stands nowhere in it"
    if fault is Fault.GRADES_OUT_OF_RANGE:
        filled["impact"]["grade"] = 11
    whole = json.dumps(filled)
    match fault:
        case Fault.SCHEMA_IGNORED:
            return json.dumps({"score": 9, "summary": "Great."})
        case Fault.HALF_JSON:
            return whole[: len(whole) // 2]
        case Fault.THINKING:
            return f'<think>Is {{"grade": 5}} right? {{"methodology": 1}}</think>\n{whole}'
        case Fault.ONLY_THINKING:
            return "<think>Let me see, the paper"
        case Fault.PROSE:
            return f"Here is my review of {{the paper}}:\n\n{whole}\n\nI hope it helps!"
        case Fault.FENCES:
            return f"```json\n{json.dumps(filled, indent=2)}\n```"
        case Fault.EMPTY:
            return ""
        case _:
            return whole


def _filled(title: str, text: str, *, full: bool) -> dict[str, Any]:
    """The form, filled in by rule: the same paper always gets the same grades, and each quote is one of its sentences."""
    digest = hashlib.blake2b(title.encode(), digest_size=8).digest()
    spans = [span.strip() for span in re.split(r"(?<=[.!?])\s+|\n", text) if len(span.split()) >= 4] or [
        title
    ]
    names = ("methodology", "experiments", "reproducibility", "limitations", "impact")
    filled: dict[str, Any] = {}
    for number, name in enumerate(names):
        span = spans[digest[number] % len(spans)]
        assessed = (
            {"assessment": f"On {name}: the text says “{span[:120]}”, which is weighed by rule."}
            if full
            else {}
        )
        filled[name] = {**assessed, "evidence": span[:150], "grade": 1 + digest[number] % 5}
    if full:
        filled["key_limitations"] = [
            {"point": f"Rests on one claim: {span[:60]}", "quote": " ".join(span.split()[:20])}
            for span in spans[-2:]
        ]
    return filled | {"tldr": f"In short: {spans[0][:200]}", "tldr_quote": " ".join(spans[0].split()[:20])}


async def _huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    try:
        for _ in range(200):
            await response.write(b'{"choices": "' + b"x" * 1_000_000)
    except ConnectionError:
        pass
    return response


@contextlib.contextmanager
def in_a_thread(**options: Any) -> Iterator[OpenAiServer]:
    """The server in a thread of its own, for tests that start processes."""
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


async def _serve(asked: argparse.Namespace) -> None:
    server = OpenAiServer(latency=asked.latency, slots=asked.slots, key=asked.key)
    if asked.fault:
        server.fault_of[""] = Fault(asked.fault)
    await server.start(asked.port)
    print(f"model {MODEL} at {server.base_url}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds an answer takes")
    parser.add_argument("--slots", type=int, default=1000, help="answers at the same time")
    parser.add_argument("--key", default="", help="the key that is asked for")
    parser.add_argument("--fault", choices=[str(fault) for fault in Fault], help="of every answer")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
