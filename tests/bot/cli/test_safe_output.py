"""Hostile text from records and servers: no control character in it reaches a terminal or a log."""

import io
import json
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from bot.cli.main import main
from bot.cli.run import set_up_logging
from bot.cli.safe_console import SafeConsole
from bot.cli.safe_text import SafeFormatter, escape_controls
from bot.ingest.reporting import show_progress_bars
from digests.model import Trouble
from digests.store import open_store
from tests.builders import NOW

HOSTILE = "\x1b]0;owned\x07\x9b31m\r\u202eevil\u2066\u2028\x85\x7fend"
"""Escape sequences in C0 and C1, a carriage return, bidi controls, and separators of lines."""

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def test_controls_are_escaped_and_other_text_stays() -> None:
    assert escape_controls(HOSTILE) == (
        r"\u001b]0;owned\u0007\u009b31m\u000d\u202eevil\u2066\u2028\u0085\u007fend"
    )
    kept = "Café\t\n“naïve” 👩\u200d🔬 می\u200cخواهم עברית 🏴\U000e0067\U000e007f"
    assert escape_controls(kept) == kept
    assert all(UNSAFE.match(chr(code)) for code in range(0x10000) if escape_controls(chr(code))[1:])
    assert not any(UNSAFE.match(escape_controls(chr(code))) for code in range(0x10000))


def test_json_with_escaped_controls_has_the_same_meaning() -> None:
    text = json.dumps({"author": HOSTILE, HOSTILE: 1}, ensure_ascii=False, indent=2)
    assert json.loads(escape_controls(text)) == json.loads(text)
    assert not UNSAFE.search(escape_controls(text))


def test_a_message_and_an_exception_cannot_forge_a_record_of_the_log() -> None:
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(SafeFormatter("2026-11-29 %(levelname)s %(message)s"))
    logger = logging.Logger("forged")
    logger.addHandler(handler)
    forged = f"{HOSTILE}\n2026-11-29 INFO all is well"
    try:
        raise ValueError(forged)
    except ValueError:
        logger.exception("failed for %s", forged)
    assert not UNSAFE.search(output.getvalue())
    records = [line for line in output.getvalue().splitlines() if line.startswith("2026")]
    assert records == [f"2026-11-29 ERROR failed for {escape_controls(HOSTILE)}"]
    assert output.getvalue().count("all is well") == 2


def test_the_log_of_a_running_bot_escapes_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.Logger("root")
    monkeypatch.setattr(logging, "root", root)
    set_up_logging()
    (handler,) = root.handlers
    record = root.makeRecord("n", logging.INFO, "f", 1, "from %s", (HOSTILE,), None)
    assert escape_controls(HOSTILE) in handler.format(record)


def test_a_terminal_keeps_its_colours_and_links() -> None:
    console = SafeConsole(file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print("[bold link https://arxiv.org/abs/2402.01306]a title[/]")
    assert isinstance(console.file, io.StringIO)
    assert "\x1b[1m" in console.file.getvalue()
    assert "\x1b]8;" in console.file.getvalue()


def test_markup_in_the_name_of_a_file_is_no_markup_on_its_progress_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True)
    with show_progress_bars(console) as add_bar:
        add_bar("[red]papers[/bold].json")(1, 1)
    assert isinstance(console.file, io.StringIO)
    assert "[red]papers[/bold].json" in console.file.getvalue()


class _HostileServer(BaseHTTPRequestHandler):
    """A server that answers every request with an error whose text is hostile."""

    def do_GET(self) -> None:
        body = json.dumps({"error": {"message": HOSTILE, "type": HOSTILE, "code": HOSTILE}}).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serve_hostile_answers() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _HostileServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


GOOD_RECORD = {
    "arxiv_id": "2401.00001", "title": f"Title {HOSTILE}", "authors": [f"Author {HOSTILE}"], "score": 8,
    "abstract": HOSTILE, "primary_category": f"cs.CL{HOSTILE}", "tldr": f"TL;DR {HOSTILE}",
    "limitations": f"Limited {HOSTILE}", "model": HOSTILE, "published": "2026-11-27",
    "flags": [{"category": HOSTILE, "excerpt": HOSTILE}],
}  # fmt: skip
UNSCORED_RECORD = {"arxiv_id": "2401.00003", "title": "t", "abstract": "a", "primary_category": "cs.CL"}
BAD_RECORDS = (
    {"arxiv_id": "2401.00002", "title": "t", "score": HOSTILE},
    {"arxiv_id": HOSTILE, "title": "t"},
    {"url": f"https://host/{HOSTILE}", "title": "t", "published": HOSTILE},
    {"url": HOSTILE, "title": "t"},
    [HOSTILE],
)


def test_no_command_prints_a_control_character_of_a_record_or_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    records = [GOOD_RECORD, UNSCORED_RECORD, *BAD_RECORDS]
    lines = [json.dumps(record, ensure_ascii=escaped) for record in records for escaped in (True, False)]
    (tmp_path / "papers.jsonl").write_text("\n".join([*lines, HOSTILE, '{"title": ' + HOSTILE]))
    strange_name = f"papers{HOSTILE}.json".replace("/", "")
    with serve_hostile_answers() as url:
        (tmp_path / "paperround.toml").write_text(
            f'[digest]\nmax_age_days = 0\npick_flagged = true\n[reviewer]\nbase_url = "{url}/v1"\n'
            'model = "m"\n[[sources]]\nkind = "reviews"\npath = "papers.jsonl"\n'
            '[[subscriptions]]\nplatform = "console"\nchannel = "here"\n'
        )
        open_store(f"sqlite:///{tmp_path / 'paperround.db'}").health.report(
            "reviews", Trouble.OUTAGE, detail=HOSTILE, now=NOW
        )
        outputs = {}
        for command in (
            ("import", "papers.jsonl", strange_name), ("search", "title"), ("search", "--json", "title"),
            ("search", HOSTILE), ("fetch",), ("review",), ("review", "--plan"), ("held",), ("status",),
            ("status", "--json"), ("doctor",),
            ("preview",), ("preview", "--as", "console", "--json"), ("preview", "--as", "html"),
            ("preview", "--as", "slack"), ("preview", "--channel", HOSTILE),
        ):  # fmt: skip
            main(command)
            output = capsys.readouterr()
            outputs[command] = output.out + output.err
    assert {command: found for command, output in outputs.items() if (found := UNSAFE.findall(output))} == {}
    for command in (("import", "papers.jsonl", strange_name), ("search", "title"), ("doctor",)):
        assert "end" in outputs[command], command
