"""README and docs: their commands run, and every path, link, command and flag in them exists."""

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from bot.cli.main import main

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")))

BLOCK = re.compile(r"(?P<mark><!-- (?:run|install) -->\n)?^ *```sh\n(?P<text>.*?)^ *```$", re.M | re.S)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"(?:bot|digests|config|tests|docs)/[\w./*-]*")
MODULE = re.compile(r"python -m (tests(?:\.\w+)+)")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


@dataclass(frozen=True)
class ShellBlock:
    """A shell block of a page. A block marked `<!-- run -->` is run; the others are read."""

    page: str
    lines: tuple[str, ...]
    is_runnable: bool


def list_blocks() -> Iterator[ShellBlock]:
    for page in PAGES:
        for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
            lines = tuple(line.strip() for line in found["text"].splitlines() if line.strip())
            yield ShellBlock(page.name, lines, "run" in (found["mark"] or ""))


def make_checkout(folder: Path) -> Path:
    """Make a folder that looks like a checkout after its installation."""
    for name in ("bot", "config", "digests"):
        (folder / name).symlink_to(ROOT / name)
    command = folder / ".venv" / "bin" / "paperround"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m bot "$@"\n')
    command.chmod(0o755)
    return folder


def run_line(line: str, folder: Path) -> str:
    """Run one line of a page in a shell and return its output. Fails the test if the line fails."""
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_marked_commands_run_as_written_and_show_a_digest_on_any_day(tmp_path: Path) -> None:
    """All marked blocks run in one folder, README's first: the pages build on its store."""
    folder = make_checkout(tmp_path)
    outputs = {
        line: run_line(line, folder) for block in list_blocks() if block.is_runnable for line in block.lines
    }
    (preview,) = (line for line in outputs if re.search(r"paperround preview +#", line))
    (post,) = (line for line in outputs if "paperround digest papers --now" in line)
    assert "1. Attention Is All You Need" in outputs[preview]
    assert "1. Attention Is All You Need" in outputs[post]
    assert "Attention Is All You Need" in (folder / "day.html").read_text(encoding="utf-8")


@cache
def read_help(*command: str) -> str:
    with redirect_stdout(io.StringIO()) as output, pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert not ended.value.code, f"paperround {' '.join(command)}"
    return output.getvalue()


def list_command_lines(text: str) -> Iterator[str]:
    """Yield what a page writes after `paperround` or `make`, in code spans and shell blocks."""
    snippets = [line for block in BLOCK.finditer(text) for line in block["text"].splitlines()]
    snippets += CODE.findall(BLOCK.sub("", text))
    for snippet in snippets:
        for part in re.split(r"&&|\|\||;", snippet.split(" #")[0]):
            words = part.strip().removeprefix("$ ").replace("\\|", "|")
            if re.match(r"(\S*/)?(paperround|make) ", words):
                yield re.sub(r"^\S*/", "", words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_and_flag_of_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for line in list_command_lines(page.read_text(encoding="utf-8")):
        program, command, *rest = line.split()
        if program == "make":
            assert command in targets, line
        else:
            inner = rest[:1] if command in ("db", "token") else []
            known_flags = set(FLAG.findall(read_help(command, *inner)))
            assert set(FLAG.findall(line)) <= known_flags, line


def test_each_command_of_the_product_is_in_the_docs() -> None:
    commands = re.findall(r"^    ([a-z]+)  ", read_help(), re.M)
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [command for command in commands if f"| `paperround {command}" not in table] == []
    assert len(commands) > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_path_module_and_link_of_a_page_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    paths = {path for code in CODE.findall(text) for path in PATH.findall(code) if path == code}
    assert [path for path in sorted(paths) if not list(ROOT.glob(path.rstrip("/")))] == []
    modules = {name.replace(".", "/") for name in MODULE.findall(text)}
    assert [
        name for name in modules if not (ROOT / f"{name}.py").is_file() and not (ROOT / name).is_dir()
    ] == []
    for link in LINK.findall(text):
        if not link.startswith("http"):
            file, _, anchor = link.partition("#")
            target = page.parent / file if file else page
            assert target.exists(), link
            assert not anchor or anchor in list_anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_named_without_its_folder_is_beside_a_file_of_its_line(page: Path) -> None:
    """A line names `forms.py` after a path in the same folder, or of some platform."""
    platforms = [folder for folder in (ROOT / "bot" / "platforms").iterdir() if folder.is_dir()]
    for line in page.read_text(encoding="utf-8").splitlines():
        spans = CODE.findall(line)
        folders = [
            ROOT / path if path.endswith("/") else (ROOT / path).parent for path in spans if "/" in path
        ]
        for name in (span for span in spans if re.fullmatch(r"\w+\.(?:py|html|toml)", span)):
            candidates = [ROOT, *folders, *platforms]
            known_output = name == "paperround.toml"
            assert known_output or any((folder / name).is_file() for folder in candidates), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_constant_and_variable_of_a_page_exists(page: Path) -> None:
    spans = CODE.findall(BLOCK.sub("", page.read_text(encoding="utf-8")))
    names = {span for span in spans if re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", span)}
    assert sorted(names - list_words_of_sources()) == []


@cache
def list_words_of_sources() -> frozenset[str]:
    rooms = ("bot", "digests", "config", "tests")
    paths = (path for room in rooms for path in (ROOT / room).rglob("*.py") if path != Path(__file__))
    return frozenset(word for path in paths for word in re.findall(r"\w+", path.read_text(encoding="utf-8")))


def list_anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
