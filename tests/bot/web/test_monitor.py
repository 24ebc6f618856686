"""The port for monitors, asked by a real HTTP client."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bot.services import find_budget_limit
from bot.web import metrics
from bot.web import monitor as monitors
from bot.web.metrics import collect_metrics
from bot.web.monitor import Monitor
from bot.web.server import open_socket
from digests.errors import InputError, StoreError
from digests.ports import Store
from digests.ports.budget import BudgetLimit
from digests.ports.sources import SourceState
from digests.store import open_store
from tests.bot.cli.test_workspaces import settings_with
from tests.builders import NOW, a_store, a_subscription, save_subscription
from tests.outbox import a_page, claim_edition, save_plan, start_page
from tests.postgres import StorePool


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, postgres_stores: StorePool) -> Iterator[Store]:
    url = "sqlite://" if request.param == "sqlite" else postgres_stores.create_database()
    with closing(open_store(url)) as store:
        yield store


def values_of(store: Store, now: datetime, sources: tuple[str, ...] = ()) -> dict[str, float]:
    lines = collect_metrics(store, sources, now).splitlines()
    samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in samples}


def ask(store: Store, talk: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        server = await Monitor(store, lambda: NOW).start_listening("127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            await talk(client)

    asyncio.run(run())


def test_a_client_gets_health_readiness_and_metrics() -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        assert (await client.get("/health")).text == "ok\n"
        assert (await client.get("/ready?x=1")).status_code == 200
        answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert 'paperround_channels{state="running"} 0\n' in answer.text
        assert "\nprocess_cpu_seconds_total " in answer.text
        assert (await client.head("/health")).content == b""
        assert (await client.post("/metrics")).status_code == 405
        assert (await client.get("/etc/passwd")).status_code == 404
        assert (await client.get("/health", headers={"x": "y" * 9000})).status_code == 400

    ask(a_store(), talk)


def test_without_a_store_the_process_is_healthy_and_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store()

    def fail(name: str) -> str:
        raise StoreError("postgresql://db.example is away")

    monkeypatch.setattr(type(store.notes), "read", lambda self, name: fail(name))

    async def talk(client: httpx.AsyncClient) -> None:
        assert (await client.get("/health")).status_code == 200
        answer = await client.get("/ready")
        assert answer.status_code == 503
        assert "db.example" not in answer.text

    ask(store, talk)


def test_connections_that_say_nothing_end_and_do_not_keep_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "REQUEST_SECONDS", 0.2)

    async def run() -> None:
        server = await Monitor(a_store(), lambda: NOW).start_listening("127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
            assert [await reader.read() for reader, _ in silent] == [b""] * 40
            for _, writer in silent:
                writer.close()
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"http://127.0.0.1:{port}/health")).status_code == 200

    asyncio.run(run())


def test_a_port_in_use_is_one_sentence_with_its_table_of_the_settings() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        problem = (
            rf"Port {port} of 127\.0\.0\.1 cannot be used \(Address already in use\): .* under \[{{}}\]\."
        )
        with pytest.raises(InputError, match=problem.format("monitoring")):
            asyncio.run(Monitor(a_store(), lambda: NOW).serve_until("127.0.0.1", port, asyncio.Event()))
        with pytest.raises(InputError, match=problem.format("web")):
            open_socket("127.0.0.1", port)


def test_a_connection_that_is_open_at_the_end_is_no_fault_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> socket.socket:
        server = await Monitor(a_store(), lambda: NOW).start_listening("127.0.0.1", 0)
        silent = socket.create_connection(server.sockets[0].getsockname())
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /health HTTP/1.1\r\n\r\n")
        assert await reader.read()  # The silent one was accepted before.
        writer.close()
        server.close()
        return silent

    with asyncio.run(run()) as silent:
        assert silent.recv(1) == b""
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_editions_that_do_not_begin_or_end_are_late(store: Store) -> None:
    subscription = save_subscription(store, a_subscription(), NOW - timedelta(minutes=1))
    assert values_of(store, NOW)["paperround_late_editions"] == 0
    assert values_of(store, NOW + timedelta(minutes=6))["paperround_late_editions"] == 1
    (claim,) = store.outbox.claim_due(owner="p", now=NOW, lease=timedelta(minutes=5), limit=1)
    assert claim.subscription.id == subscription.id
    assert values_of(store, NOW)["paperround_late_editions"] == 0
    assert values_of(store, NOW + timedelta(minutes=6))["paperround_late_editions"] == 1


def test_pages_are_pending_or_in_doubt_by_the_outbox(store: Store) -> None:
    subscription = save_subscription(store, a_subscription(), NOW - timedelta(minutes=1))
    claim = save_plan(store, claim_edition(store, subscription), pages=[a_page(0), a_page(1)], watermark=1)
    start_page(store, claim, 0)
    values = values_of(store, NOW)
    assert (values["paperround_pages_pending"], values["paperround_pages_in_doubt"]) == (1, 0)
    values = values_of(store, NOW + timedelta(hours=1))
    assert (values["paperround_pages_pending"], values["paperround_pages_in_doubt"]) == (1, 1)
    assert values['paperround_unfinished_editions{state="posting"}'] == 1


def test_no_label_names_a_channel_and_sources_are_escaped(store: Store) -> None:
    save_subscription(store, a_subscription("secret-project"))
    store.sources.save_state('odd "name"\n', SourceState("", NOW, NOW, "broken"))
    text = collect_metrics(store, ['odd "name"\n'], NOW)
    assert "secret-project" not in text
    assert 'paperround_source_failing{source="odd \\"name\\"\\n"} 1\n' in text


def test_replicas_report_the_same(postgres_stores: StorePool) -> None:
    url = postgres_stores.create_database()
    with closing(open_store(url)) as one, closing(open_store(url)) as other:
        save_subscription(one, a_subscription())
        texts = [collect_metrics(store, (), NOW).partition("# HELP process_")[0] for store in (one, other)]
        assert texts[0] == texts[1]
        assert 'paperround_channels{state="running"} 1\n' in texts[0]


def test_the_limits_of_a_day_are_told_where_there_are_any() -> None:
    store = a_store()
    text = collect_metrics(store, (), NOW, BudgetLimit(5000, 2_500_000))
    assert "\npaperround_review_tokens_limit 5000\n" in text
    assert "\npaperround_review_cost_limit 2.5\n" in text
    assert "_limit" not in collect_metrics(store, (), NOW)


def test_the_limits_are_those_of_the_settings_if_a_reviewer_is_set_up() -> None:
    limits = {"tokens_per_day": 5000, "cost_per_day": 2.5}
    assert find_budget_limit(settings_with(reviewer=limits)) is None
    server = {"base_url": "http://localhost:8000/v1", "model": "qwen3"}
    assert find_budget_limit(settings_with(reviewer=server | limits)) == BudgetLimit(5000, 2_500_000)
    without = {"tokens_per_day": 0, "cost_per_day": 0}
    assert find_budget_limit(settings_with(reviewer=server | without)) == BudgetLimit()


def test_memory_is_told_in_bytes_and_left_out_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = a_store()
    (tmp_path / "statm").write_text("2000 500 1 1 0 1 0\n")
    monkeypatch.setattr(metrics, "MEMORY_FILE", tmp_path / "statm")
    values = values_of(store, NOW)
    page = values["process_resident_memory_bytes"] / 500
    assert page >= 4096
    assert values["process_virtual_memory_bytes"] == 2000 * page
    monkeypatch.setattr(metrics, "MEMORY_FILE", tmp_path / "none")
    assert not any("memory" in name for name in values_of(store, NOW))
