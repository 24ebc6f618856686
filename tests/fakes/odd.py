"""Responses that a gateway, a proxy or a broken connection may send instead of the API's answer."""

from collections.abc import Awaitable, Callable

from aiohttp import web

OddAnswer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _answer_with(
    body: str, status: int = 200, content_type: str = "application/json", **headers: str
) -> OddAnswer:
    async def send_answer(request: web.Request) -> web.StreamResponse:
        type_header = {"Content-Type": content_type} if content_type else {}
        return web.Response(body=body.encode(), status=status, headers={**type_header, **headers})

    return send_answer


async def _break_off_answer(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"ok": true')
    if request.transport:
        request.transport.close()
    return response


ODD_ANSWERS: dict[str, OddAnswer] = {
    "nothing": _answer_with("", content_type=""),
    "nothing, as JSON": _answer_with(""),
    "an object with nothing in it": _answer_with("{}"),
    "ok and no more": _answer_with('{"ok": true}'),
    "a list": _answer_with('[{"id": "1", "ok": true, "ts": "1.0"}]'),
    "null": _answer_with("null"),
    "a number": _answer_with("7"),
    "a text": _answer_with("ok", content_type="text/plain"),
    "half of it": _answer_with('{"ok": true, "id"'),
    "it breaks off": _break_off_answer,
    "no content": _answer_with("", 204, content_type=""),
    "not modified": _answer_with("", 304, content_type=""),
    "a page elsewhere": _answer_with("", 302, Location="/elsewhere"),
    "a page nowhere": _answer_with("", 302, Location="http://127.0.0.1:9/"),
    "a time-out on the way": _answer_with("<html>408", 408, "text/html"),
    "a page that forbids": _answer_with("<html>403", 403, "text/html"),
    "a refusal in words of its own": _answer_with('{"message": "no", "code": 0}', 400),
}  # fmt: skip
"""Responses by name. Each is sent after the request took effect, so none may count as a refusal."""
