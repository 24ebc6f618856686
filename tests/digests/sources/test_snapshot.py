"""The snapshot of arXiv's metadata: parsing a line, and resuming an interrupted fetch."""

import asyncio
import gzip
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.ingest.fetching import FetchReport, fetch_source
from digests.model import Paper
from digests.ports.sources import BadRecord, SourceState
from digests.sources import snapshot
from digests.sources.snapshot import SnapshotSource, parse_snapshot_line
from tests.builders import NOW, a_store
from tests.shared_data import FOLDER, needs_shared_data


def a_line(number: int = 1, **more: Any) -> str:
    return json.dumps(
        {
            "id": f"0704.{number:04}",
            "submitter": None,
            "authors": "C. Bal\\'azs",
            "title": "A title\n  in two lines",
            "comments": None,
            "categories": "cs.LG hep-ph",
            "abstract": "  Text.\n",
            "versions": [
                {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
                {"version": "v2", "created": "x"},
            ],
            "update_date": "2008-11-26",
            "authors_parsed": [["Balázs", "C.", ""], ["Berger", "E. L.", "Jr."]],
            **more,
        }
    )


def read(**more: Any) -> Paper | BadRecord:
    return parse_snapshot_line(a_line(**more).encode(), "s", 7)


def test_a_line_becomes_a_paper() -> None:
    assert read() == Paper(
        "0704.0001",
        "A title in two lines",
        "https://arxiv.org/abs/0704.0001",
        2,
        ("C. Balázs", "E. L. Berger Jr."),
        "Text.",
        "cs.LG",
        ("cs.LG", "hep-ph"),
        published=date(2007, 4, 2),
        updated=date(2008, 11, 26),
    )


def test_a_withdrawal_is_detected_and_empty_fields_are_accepted() -> None:
    gone = read(comments="This paper has been withdrawn by the authors")
    assert isinstance(gone, Paper)
    assert gone.withdrawn == date(2008, 11, 26)
    bare = read(categories=None, abstract=None, versions=None, update_date=None, authors_parsed=None)
    assert isinstance(bare, Paper)
    assert (bare.version, bare.authors, bare.published) == (None, (), None)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("nonsense", "s, line 7: is not JSON"),
        ("[1]", "s, line 7: must be an object with an id and a title"),
        ('{"id": "0704.0001"}', "s, line 7: must be an object with an id and a title"),
        (a_line(id="x"), "s, line 7: id: 'x' is not an arXiv id, or there is no title"),
        (
            a_line(versions=[{"version": "v1", "created": "long ago"}]),
            "s, line 7: has a field that is missing or invalid",
        ),
    ],
)
def test_a_bad_line_is_reported_with_its_number(raw: str, said: str) -> None:
    assert str(parse_snapshot_line(raw.encode(), "s", 7)) == said


@needs_shared_data
def test_real_records_are_parsed_without_an_error() -> None:
    lines = (FOLDER / "arxiv" / "snapshot_500.jsonl").read_bytes().splitlines()
    papers = [parse_snapshot_line(line, "s", number) for number, line in enumerate(lines)]
    assert len(papers) == 500
    assert all(isinstance(one, Paper) and one.published and one.authors and one.abstract for one in papers)


def plain(path: Path, text: str) -> None:
    path.write_text(text)


def gzipped(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode()))


def zipped(path: Path, text: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arxiv-metadata-oai-snapshot.json", text)


@pytest.mark.parametrize("write", [plain, gzipped, zipped])
def test_an_interrupted_fetch_resumes_in_every_compression(
    tmp_path: Path, write: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "BATCH_LINES", 10)
    file = tmp_path / "snapshot"
    write(file, "\n".join([a_line(number) for number in range(1, 36)]) + "\n\nbad\n")
    store, source = a_store(), SnapshotSource(file)

    async def interrupt_fetch() -> None:
        taken = 0
        async for batch in source.fetch("", now=NOW, since=None, progress=lambda done, size: None):
            store.library.add(batch.records, now=NOW, announce=batch.announce)
            store.sources.save_state("snapshot", SourceState(batch.position))
            taken += 1
            if taken == 2:
                return

    asyncio.run(interrupt_fetch())
    assert store.library.latest_sequence() == 20
    fetched = asyncio.run(fetch_source(source, store, lambda: NOW))
    assert (fetched.counts.new, fetched.counts.unchanged, fetched.bad_count) == (15, 0, 1)
    assert source.next_fetch_at(store.sources.load_state("snapshot"), NOW) is None
    again = asyncio.run(fetch_source(source, store, lambda: NOW))
    assert again.to_sentence() == "snapshot: 0 new, 0 updated, 0 unchanged."


def fetch_snapshot(file: Path, categories: frozenset[str] = frozenset()) -> FetchReport:
    return asyncio.run(fetch_source(SnapshotSource(file, categories), a_store(), lambda: NOW))


def test_only_wanted_categories_are_kept_and_none_is_announced(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_text("\n".join((a_line(1), a_line(2, categories="math.OC"))))
    store = a_store()
    asyncio.run(fetch_source(SnapshotSource(file, frozenset(("cs",))), store, lambda: NOW))
    assert set(store.library.get(["0704.0001", "0704.0002"])) == {"0704.0001"}
    assert store.library.candidates(0, 99, with_text=False) == []


def test_a_replaced_file_is_read_from_its_start(tmp_path: Path) -> None:
    file, store = tmp_path / "s.json", a_store()
    file.write_text(a_line(1))
    asyncio.run(fetch_source(SnapshotSource(file), store, lambda: NOW))
    file.write_text(f"{a_line(1)}\n{a_line(2)}")
    assert SnapshotSource(file).next_fetch_at(store.sources.load_state("snapshot"), NOW) == NOW
    assert asyncio.run(fetch_source(SnapshotSource(file), store, lambda: NOW)).counts.new == 1


def test_an_unreadable_snapshot_is_an_input_error(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in fetch_snapshot(tmp_path / "none").failure
    cut = tmp_path / "cut.gz"
    whole = gzip.compress("\n".join(a_line(number) for number in range(1, 400)).encode(), 1)
    cut.write_bytes(whole[: len(whole) // 2])
    assert "is damaged or cut off" in fetch_snapshot(cut).failure
    two = tmp_path / "two.zip"
    with zipfile.ZipFile(two, "w") as archive:
        archive.writestr("a", "x")
        archive.writestr("b", "x")
    assert "holds 2 files" in fetch_snapshot(two).failure
    endless = tmp_path / "endless"
    endless.write_bytes(b"x" * (snapshot.MAX_LINE_BYTES + 1))
    assert "longer than 4 MB" in fetch_snapshot(endless).failure
