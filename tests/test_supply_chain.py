"""Promises about what is built and installed: bill of materials, audit, base images, reports of holes."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker

from tests import audit

ROOT = Path(__file__).parents[1]
DIGEST_BASE = "python:3.12-slim-bookworm@sha256:" + "0" * 64

ADVISORY = {
    "id": "GHSA-0000-0000-0000",
    "aliases": ["CVE-2026-0001"],
    "summary": "A hole.",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "aiohttp", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


@contextmanager
def serve_advisories(
    advisories: Mapping[str, Any], asked: set[tuple[str, str]] | None = None
) -> Iterator[str]:
    """Serve an OSV API that knows one advisory for each named package; yield its URL.

    `asked` collects the names and versions of the queries.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if asked is not None:
                asked.add((query["package"]["name"], query["version"]))
            advisory = advisories.get(query["package"]["name"])
            body = json.dumps({"vulns": [advisory]} if advisory else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def find_dead_address() -> Iterator[str]:
    """Yield the URL of a server that has just been closed."""
    with serve_advisories({}) as url:
        pass
    yield url


def make(target: str, *variables: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a target of the Makefile with this interpreter, without making an environment of its own."""
    environment = folder / "environment"
    (environment / "bin").mkdir(parents=True, exist_ok=True)
    python = environment / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    ready = environment / ".ready"
    ready.touch()
    newest = max((ROOT / name).stat().st_mtime for name in ("requirements/dev.txt", "pyproject.toml"))
    os.utime(ready, (newest + 1, newest + 1))
    return subprocess.run(
        ["make", "-s", target, f"VENV={environment}", *variables],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )


needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make on this machine")


def list_locked(lock: str, *, here: bool = False) -> set[tuple[str, str]]:
    """Return the names and versions of a lock; with `here`, of those alone that this system installs."""
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)(?: ; ([^\\]+))?", text, re.M)
    return {
        (name, version)
        for name, version, marker in found
        if not here or not marker or Marker(marker).evaluate()
    }


@needs_make
def test_the_bill_of_materials_lists_every_locked_requirement_with_its_hashes(tmp_path: Path) -> None:
    done = make("sbom", f"SBOM={tmp_path}/sbom.json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    bill = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "paperround"
    assert {(each["name"], each["version"]) for each in bill["components"]} == list_locked("run.txt")
    assert len(bill["components"]) > 30
    for component in bill["components"]:
        hashes = [each for reference in component["externalReferences"] for each in reference["hashes"]]
        assert {each["alg"] for each in hashes} == {"SHA-256"}, component["name"]
    assert str(ROOT) not in json.dumps(bill)


@needs_make
def test_an_audit_without_a_source_of_advisories_says_so_and_succeeds(tmp_path: Path) -> None:
    with find_dead_address() as url:
        done = make("audit", f"OSV_URL={url}", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("NOT CHECKED: no source of advisories could be asked from here (")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


@needs_make
def test_an_audit_that_finds_a_vulnerable_version_fails_and_names_it(tmp_path: Path) -> None:
    with serve_advisories({"aiohttp": ADVISORY}) as url:
        done = make("audit", f"OSV_URL={url}", folder=tmp_path)
    assert done.returncode != 0
    version = dict(list_locked("run.txt"))["aiohttp"]
    assert f"aiohttp {version}: CVE-2026-0001, GHSA-0000-0000-0000; fixed in 99.0" in done.stdout


def test_an_audit_asks_about_every_locked_version_that_this_system_installs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: set[tuple[str, str]] = set()
    with serve_advisories({}, asked) as url:
        assert audit.main(["--osv-url", url]) == 0
    assert asked == list_locked("dev.txt", here=True)
    assert capsys.readouterr().out == (
        f"No known vulnerability in {len(asked)} locked packages that this system installs.\n"
    )


def test_the_audited_lock_contains_every_other_one() -> None:
    assert audit.LOCK == ROOT / "requirements" / "dev.txt"
    for lock in ("run.txt", "core.txt", "build.txt"):
        assert list_locked(lock) <= list_locked("dev.txt")


def test_an_audit_of_a_lock_without_hashes_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("aiohttp==3.0\n", encoding="utf-8")
    with find_dead_address() as url:
        assert audit.main(["--lock", str(lock), "--osv-url", url]) == 1
    assert "cannot be checked" in capsys.readouterr().out


def test_a_package_that_was_left_out_is_named() -> None:
    report = {"dependencies": [{"name": "odd", "skip_reason": "no version"}, {"name": "good", "vulns": []}]}
    assert list(audit.describe_findings(report)) == ["odd: not checked (no version)"]


def test_the_locks_have_hashes_and_name_no_index() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock.name
        assert "index" not in re.findall(r"^--?([a-z]+)", text, re.M), lock.name
        assert text.count("==") - text.count(" == ") <= text.count("--hash=sha256:"), lock.name


def test_every_base_image_comes_from_the_build_argument() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = re.findall(r"^FROM (\S+)", text, re.M)
    assert stages == ["${BASE}", "${BASE}"]
    assert re.search(r"^ARG BASE=\S+:\S+$", text.split("FROM")[0], re.M)


def test_a_base_image_with_a_digest_passes_the_linter(tmp_path: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint is not installed")
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    pinned = tmp_path / "Dockerfile"
    pinned.write_text(re.sub(r"^ARG BASE=.*$", f"ARG BASE={DIGEST_BASE}", text, flags=re.M), encoding="utf-8")
    for file in (ROOT / "Dockerfile", pinned):
        done = subprocess.run([hadolint, str(file)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")


def test_there_is_a_way_to_report_holes() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for heading in ("Report a hole", "What to expect", "What is supported", "What counts"):
        assert f"## {heading}" in text
    assert "(SECURITY.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
