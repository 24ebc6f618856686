"""A real browser without a screen, driven over its debugging protocol."""

import asyncio
import base64
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

STARTED = re.compile(r"DevTools listening on ws://([^/]+)/")


@dataclass
class Browser:
    """One page of the browser. `errors` are what the page's console said, such as a refusal by its policy."""

    connection: aiohttp.ClientWebSocketResponse
    errors: list[str] = field(default_factory=list)
    _number: int = 0

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and return its result."""
        self._number += 1
        await self.connection.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = json.loads((await self.connection.receive()).data)
            if message.get("method") == "Log.entryAdded":
                self.errors.append(message["params"]["entry"]["text"])
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page. The page's policy does not hold for it."""
        result = await self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def open(self, url: str) -> None:
        await self.command("Page.navigate", url=url)
        await self.wait_for(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    async def wait_for(self, expression: str) -> None:
        """Wait until an expression of the page is true."""
        while True:
            try:
                if await self.evaluate(expression):
                    return
            except AssertionError:  # Between two pages there is none.
                pass
            await asyncio.sleep(0.02)

    async def look_like(self, width: int, *, dark: bool = False) -> None:
        """Take the width of a screen, in pixels, and the colours that the person prefers."""
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.command("Emulation.setEmulatedMedia", features=[scheme])

    async def take_picture(self) -> bytes:
        """Return a picture of the whole page, as PNG."""
        shot = await self.command("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])


@asynccontextmanager
async def open_browser(folder: Path) -> AsyncIterator[Browser]:
    """Start the browser with a profile of its own, and end it after the block."""
    assert CHROMIUM
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
        "--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}", "about:blank",
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr
        async for line in process.stderr:
            if found := STARTED.search(line.decode()):
                break
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{found[1]}/json/list") as answer:  # type: ignore[index]
                pages = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as connection:
                browser = Browser(connection)
                await browser.command("Page.enable")
                await browser.command("Log.enable")
                yield browser
    finally:
        process.kill()
        await process.communicate()
