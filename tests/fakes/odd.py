"""What a gateway, a proxy or a broken connection may put in place of an answer."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Odd = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _answers(body: str, status: int = 200, content_type: str = "application/json", **headers: str) -> Odd:
    async def answer(request: web.Request) -> web.StreamResponse:
        kind = {"Content-Type": content_type} if content_type else {}
        return web.Response(body=body.encode(), status=status, headers={**kind, **headers})

    return answer


async def _breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"ok": true')
    if request.transport:
        request.transport.close()
    return response


ODD_ANSWERS: dict[str, Odd] = {
    "nothing": _answers("", content_type=""),
    "nothing, as JSON": _answers(""),
    "an object with nothing in it": _answers("{}"),
    "ok and no more": _answers('{"ok": true}'),
    "a list": _answers('[{"id": "1", "ok": true, "ts": "1.0"}]'),
    "null": _answers("null"),
    "a number": _answers("7"),
    "a text": _answers("ok", content_type="text/plain"),
    "half of it": _answers('{"ok": true, "id"'),
    "it breaks off": _breaks_off,
    "no content": _answers("", 204, content_type=""),
    "not modified": _answers("", 304, content_type=""),
    "a page elsewhere": _answers("", 302, Location="/elsewhere"),
    "a page nowhere": _answers("", 302, Location="http://127.0.0.1:9/"),
    "a time-out on the way": _answers("<html>408", 408, "text/html"),
    "a page that forbids": _answers("<html>403", 403, "text/html"),
    "a refusal in words of its own": _answers('{"message": "no", "code": 0}', 400),
}  # fmt: skip
"""Each after the work was done, so that none may be taken for a refusal."""
