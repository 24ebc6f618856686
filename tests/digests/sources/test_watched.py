"""Watched files and addresses: read again only after a change, independent of one another."""

import asyncio
import gzip
import json
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bot.ingest.fetching import FetchReport, fetch_source
from digests.ports import Store
from digests.ports.library import ImportCounts
from digests.ports.sources import Source, SourceState
from digests.sources.http.client import open_client
from digests.sources.watched import WatchedAddress, WatchedFiles
from tests.builders import NOW, a_store
from tests.fakes.feeds import FakeFeeds, FeedFault


def records(*ids: str, score: float = 7.0) -> bytes:
    lines = [json.dumps({"arxiv_id": one, "title": f"Paper {one}", "score": score}) for one in ids]
    return "\n".join(lines).encode()


def fetch_once(source: Source, store: Store) -> FetchReport:
    return asyncio.run(fetch_source(source, store, lambda: NOW))


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    file, store = tmp_path / "papers.jsonl", a_store()
    file.write_bytes(records("2401.00001"))
    source = WatchedFiles(file)
    assert fetch_once(source, store).counts.new == 1
    assert fetch_once(source, store).counts == ImportCounts()
    file.write_bytes(records("2401.00001", "2401.00002"))
    again = fetch_once(source, store)
    assert (again.counts.new, again.counts.unchanged) == (1, 1)
    assert store.library.get(["2401.00002"])["2401.00002"].review.score == 7.0


def test_only_files_of_papers_in_a_folder_are_read(tmp_path: Path) -> None:
    store, source = a_store(), WatchedFiles(tmp_path)
    assert fetch_once(source, store).to_sentence() == "reviews: 0 new, 0 updated, 0 unchanged."
    (tmp_path / "monday.jsonl").write_bytes(records("2401.00001"))
    (tmp_path / "tuesday.jsonl.gz").write_bytes(gzip.compress(records("2401.00002")))
    (tmp_path / "wednesday.jsonl.part").write_bytes(b"half of a fi")
    (tmp_path / "notes.txt").write_text("not of papers")
    (tmp_path / "folder.json").mkdir()
    assert fetch_once(source, store).counts.new == 2
    (tmp_path / "thursday.json").write_bytes(b"[" + records("2401.00003") + b"]")
    third = fetch_once(source, store)
    assert (third.counts.new, third.counts.unchanged) == (1, 0)


def test_a_damaged_file_does_not_stop_others_and_is_retried_when_it_changed(tmp_path: Path) -> None:
    store, source = a_store(), WatchedFiles(tmp_path)
    (tmp_path / "a.json").write_bytes(b"[" + records("2401.00001"))
    (tmp_path / "b.jsonl").write_bytes(records("2401.00002") + b'\n{"title": "which?"}')
    result = fetch_once(source, store)
    assert (result.counts.new, result.bad_count) == (2, 1)
    assert "a.json" in result.failure
    (tmp_path / "a.json").write_bytes(b"[" + records("2401.00001") + b"]")
    result = fetch_once(source, store)
    assert (result.failure, result.bad_count, result.counts.unchanged) == ("", 0, 1)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    failure = fetch_once(WatchedFiles(tmp_path / "none.jsonl"), a_store()).failure
    assert "none.jsonl: there is no such file or folder. Put it there, or change its path under" in failure


def test_it_is_polled_at_its_interval() -> None:
    source = WatchedFiles(Path("x"), timedelta(minutes=5))
    assert source.next_fetch_at(SourceState(last_try=NOW), NOW) == NOW + timedelta(minutes=5)


def run_scenario(scenario: Callable[[FakeFeeds, Source, Store], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with FakeFeeds(clock=lambda: NOW, files={"papers.jsonl": records("2401.00001")}) as feeds:

            async def pause(seconds: float) -> None:
                pass

            url = f"{feeds.url}/files/papers.jsonl"
            connect = partial(open_client, "", lambda: NOW, trusted_addresses=(url,), pause=pause)
            await scenario(feeds, WatchedAddress(connect, url), a_store())

    asyncio.run(run())


def test_an_unchanged_address_is_not_read_again() -> None:
    async def scenario(feeds: FakeFeeds, source: Source, store: Store) -> None:
        assert (await fetch_source(source, store, lambda: NOW)).counts.new == 1
        unchanged = await fetch_source(source, store, lambda: NOW)
        assert unchanged.to_sentence() == "reviews: 0 new, 0 updated, 0 unchanged."
        assert "If-None-Match" in feeds.requests[1].headers
        feeds.files["papers.jsonl"] = gzip.compress(records("2401.00001", "2401.00002"))
        changed = await fetch_source(source, store, lambda: NOW)
        assert (changed.counts.new, changed.counts.unchanged) == (1, 1)

    run_scenario(scenario)


def test_an_unusable_file_is_requested_again_and_named_by_its_address() -> None:
    async def scenario(feeds: FakeFeeds, source: Source, store: Store) -> None:
        feeds.files["papers.jsonl"] = b"<html>Log in</html>"
        assert (
            "/files/papers.jsonl is XML or HTML" in (await fetch_source(source, store, lambda: NOW)).failure
        )
        feeds.files["papers.jsonl"] = gzip.compress(records("2401.00001") + b"\n" * 80_000_000)
        assert (
            "unpacks to more than 200 times its size"
            in (await fetch_source(source, store, lambda: NOW)).failure
        )
        feeds.fail_next("/files", FeedFault.UNAVAILABLE, times=4)
        assert "answered 503" in (await fetch_source(source, store, lambda: NOW)).failure
        feeds.files["papers.jsonl"] = records("2401.00001")
        assert (await fetch_source(source, store, lambda: NOW)).failure == ""
        assert "If-None-Match" not in feeds.requests[-1].headers

    run_scenario(scenario)


def test_no_sentence_about_an_address_shows_its_query() -> None:
    async def scenario() -> None:
        store = a_store()
        async with FakeFeeds(clock=lambda: NOW) as feeds:
            feeds.files["papers.jsonl"] = b'{"title": "which?"}'
            url = f"{feeds.url}/files/papers.jsonl?token=hunter2hunter2"
            connect = partial(open_client, "", lambda: NOW, trusted_addresses=[url], pause=no_pause)
            source = WatchedAddress(connect, url)
            assert "hunter2" not in repr(source)
            (batch,) = [
                batch
                async for batch in source.fetch("", now=NOW, since=None, progress=lambda done, total: None)
                if batch.bad_records
            ]
            assert str(batch.bad_records[0]).startswith(f"{feeds.url}/files/papers.jsonl, line 1")
            feeds.files["papers.jsonl"] = b"<html>"
            failures = [(await fetch_source(source, store, lambda: NOW)).failure]
            feeds.fail_next("/files", FeedFault.UNAVAILABLE, times=4)
            failures.append((await fetch_source(source, store, lambda: NOW)).failure)
            del feeds.files["papers.jsonl"]
            failures.append((await fetch_source(source, store, lambda: NOW)).failure)
        failures.append((await fetch_source(source, store, lambda: NOW)).failure)
        assert all(f"{feeds.url}/files/papers.jsonl" in failure for failure in failures), failures
        assert "hunter2" not in " ".join(failures)
        assert "hunter2" not in store.sources.load_state("reviews").failure

    async def no_pause(seconds: float) -> None:
        pass

    asyncio.run(scenario())
