"""One application for the port of `[web]`: the operator's page and, at /mcp, look-ups for programs."""

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.web.guard import LOOPBACK, HostGuard, find_host_name
from bot.web.mcp_http import McpEndpoint, open_endpoint
from bot.web.operator_page import OperatorPage
from bot.web.server import open_socket, serve_until

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from bot.services import Services

log = logging.getLogger(__name__)

MCP_PATH = "/mcp"


async def serve_site(services: "Services", stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises InputError if the port cannot be used."""
    web = services.settings.web
    with open_socket(web.host, web.port) as listening:
        async with open_endpoint(services) as endpoint:
            log.info("web: http://%s:%d, look-ups for programs at %s", web.host, web.port, MCP_PATH)
            await serve_until(build_site(services, endpoint), listening, stop)


def build_site(services: "Services", endpoint: McpEndpoint) -> "ASGIApp":
    """Build the application."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    routes = [Route(MCP_PATH, endpoint=endpoint), *OperatorPage(services, endpoint.gate).list_routes()]
    web = services.settings.web
    names = {find_host_name(f"//{name}") for name in web.names}
    app = Starlette(routes=routes)
    # A redirection would name http, also to a program that came by HTTPS: it would show its token to others.
    app.router.redirect_slashes = False
    return HostGuard(app, (names | LOOPBACK | {web.host.lower()}) - {""})
