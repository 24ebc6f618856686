"""First byte of the operator's pages over many channels: `python -m tests.benchmarks.web`."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx
from rich.console import Console

from bot.cli.token import create_token
from bot.platforms.registry import find_settings_models
from bot.services import Services, build_services
from bot.web.mcp_http import open_endpoint
from bot.web.server import open_socket, serve_until
from bot.web.site import build_site
from config.settings import build_settings_model
from tests.benchmarks.metrics import NOW, fill_store

PATHS = ("/", "/digests", "/digests?page=150", "/digests?show=trouble", "/digests?find=c99", "/digests/77")
REPEATS = 15

AIM_MS = 50.0
"""Longest time to the first byte, at the median of the slowest page."""


async def measure_pages(services: Services) -> dict[str, list[tuple[float, float]]]:
    """Return the milliseconds from a request to the first byte of its answer, by the path.

    The second of a pair is processor time, of the client too.
    """
    token = create_token("web", "", "", services, now=NOW)[0]
    times: dict[str, list[tuple[float, float]]] = {path: [] for path in PATHS}
    stop = asyncio.Event()
    with open_socket("127.0.0.1", 0) as listening:
        async with open_endpoint(services) as endpoint:
            serving = asyncio.create_task(serve_until(build_site(services, endpoint), listening, stop))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
                await client.post("/login", data={"token": token})
                for _ in range(REPEATS):
                    for path in PATHS:
                        started_at, used = time.perf_counter(), time.process_time()
                        async with client.stream("GET", path) as answer:
                            assert answer.status_code == 200, path
                            waited = time.perf_counter() - started_at
                            times[path].append((waited * 1e3, (time.process_time() - used) * 1e3))
                            await answer.aread()
            stop.set()
            await serving
    return times


def measure_store(folder: Path, channels: int) -> dict[str, list[tuple[float, float]]]:
    """Fill a store in the folder with channels, and return what `measure_pages` does."""
    url = f"sqlite:///{folder / 'web.db'}"
    fill_store(url, channels)
    model = build_settings_model(find_settings_models())
    settings = model.model_validate({"version": 1, "store": {"url": url}})
    services = build_services(settings, Console(), clock=lambda: NOW)
    try:
        return asyncio.run(measure_pages(services))
    finally:
        services.store.close()


def rows(folder: Path, channels: int) -> list[tuple[str, ...]]:
    """Return the row of the benchmarks' table, of the slowest page. The floor is the aim."""
    medians = {
        path: median(waited for waited, _ in found) for path, found in measure_store(folder, channels).items()
    }
    path = max(medians, key=medians.__getitem__)
    what = f"operator's page over {channels:,} channels, first byte of {path}"
    return [(what, f"{medians[path]:,.1f} ms", f"{AIM_MS:,.1f} ms", f"{medians[path] / AIM_MS:.2f}", "<= 1")]


def main() -> None:
    """Print the time to the first byte of each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=10_000)
    channels = parser.parse_args().channels
    with tempfile.TemporaryDirectory() as folder:
        for path, found in measure_store(Path(folder), channels).items():
            waited, used = ([pair[place] for pair in found] for place in (0, 1))
            print(
                f"{channels:,} channels, {path:24} first byte median {median(waited):.0f} ms, longest "
                f"{max(waited):.0f}; processor time median {median(used):.0f}, least {min(used):.0f}"
            )


if __name__ == "__main__":
    main()
