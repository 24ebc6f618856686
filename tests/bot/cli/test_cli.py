"""The command line in real processes, over real files."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from datetime import time as hour
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.cli.parser import build_parser
from bot.ingest.importing import import_review_files
from digests.ports.outbox import PlannedPage
from digests.store import open_store
from digests.subscription import Channel, Schedule, Subscription
from tests.builders import NOW, a_store
from tests.fakes.wire import WAIT_SECONDS
from tests.forked import ROOT, run_process
from tests.outbox import confirm_page, save_plan
from tests.shared_data import FOLDER, needs_shared_data
from tests.wall_clock import NOON_ZONE, noon_zone_date

RECORDS = [
    {"arxiv_id": f"2401.0000{n}", "title": f"Paper number {n}", "score": 9 - n,
     "primary_category": "cs.CV" if n % 2 else "cs.CL",
     "tldr": "It works.", "limitations": "Only English is tested."}
    for n in range(6)
]  # fmt: skip


def run_paperround(
    folder: Path, *arguments: str, given: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command, in a new Python if the test sets its encodings."""
    variables = {**os.environ, "COLUMNS": "80", **environment}
    if any(name.startswith("PYTHON") for name in environment):
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**variables, "PYTHONPATH": str(ROOT)},
            check=False,
        )
    return run_process("bot", *arguments, cwd=folder, env=variables, given=given)


def import_records(folder: Path) -> None:
    (folder / "papers.json").write_text(json.dumps(RECORDS))
    done = run_paperround(folder, "import", "papers.json")
    assert (done.returncode, done.stdout) == (0, "6 new, 0 updated, 0 unchanged.\n")


def test_the_bundled_papers_are_imported_without_a_complaint(tmp_path: Path) -> None:
    sample = Path(__file__).parents[3] / "bot" / "sample" / "papers.jsonl"
    done = run_paperround(tmp_path, "import", str(sample))
    assert (done.returncode, done.stdout, done.stderr) == (0, "37 new, 0 updated, 0 unchanged.\n", "")


def test_a_command_closes_the_store_as_its_process_ends(tmp_path: Path) -> None:
    """SQLite's last connection removes the files beside the store."""
    done = run_paperround(tmp_path, "preview", PYTHONUTF8="1")
    assert (done.returncode, [file.name for file in tmp_path.iterdir()]) == (0, ["paperround.db"])


def test_papers_are_imported_once_and_a_digest_of_them_is_previewed(tmp_path: Path) -> None:
    import_records(tmp_path)
    assert run_paperround(tmp_path, "import", "papers.json").stdout == "0 new, 0 updated, 6 unchanged.\n"
    preview = run_paperround(tmp_path, "preview", "--top", "2")
    assert "2 of 6 papers" in preview.stdout
    assert "1. Paper number 0" in preview.stdout
    assert "3. " not in preview.stdout


def test_a_bad_record_is_reported_by_line_and_field_and_the_rest_is_imported(
    tmp_path: Path,
) -> None:
    lines = [json.dumps(RECORDS[0]), '{"arxiv_id": "2401.00009", "score": 3}', json.dumps(RECORDS[1])]
    done = run_paperround(tmp_path, "import", "-", given="\n".join(lines))
    assert done.returncode == 1
    assert done.stderr == "standard input, line 2: title: is missing\n"
    assert done.stdout == "2 new, 0 updated, 0 unchanged, 1 skipped (errors above).\n"


def test_the_version_and_the_help_are_commands(tmp_path: Path) -> None:
    assert run_paperround(tmp_path, "--version").stdout.startswith("paperround ")
    assert run_paperround(tmp_path, "help").stdout == run_paperround(tmp_path, "--help").stdout
    assert run_paperround(tmp_path, "help", "import").stdout.startswith("usage: paperround import")


def test_a_damaged_search_index_is_built_anew(tmp_path: Path) -> None:
    import_records(tmp_path)
    built = run_paperround(tmp_path, "db", "reindex")
    assert (built.returncode, built.stdout.startswith("6 papers indexed in ")) == (0, True)
    directory = tmp_path / built.stdout.removeprefix("6 papers indexed in ").strip().removesuffix(".")
    for file in directory.iterdir():
        file.write_bytes(b"damaged")
    assert run_paperround(tmp_path, "db", "reindex").stdout == built.stdout
    (first, *_) = json.loads(run_paperround(tmp_path, "search", "--json", "number 3").stdout)
    assert first["id"] == "2401.00003"


TWO_DIGESTS = """
[[subscriptions]]
platform = "console"
channel = "papers"

[[subscriptions]]
platform = "console"
channel = "papers"
name = "every second week"
every_weeks = 2
"""


def test_doctor_names_each_digest_of_a_channel_and_its_first_day(tmp_path: Path) -> None:
    (tmp_path / "paperround.toml").write_text(TWO_DIGESTS)
    output = run_paperround(tmp_path, "doctor").stdout
    main = next(line for line in output.splitlines() if "digest of console:papers:" in line)
    named = next(line for line in output.splitlines() if "console:papers#every second week:" in line)
    assert main.partition(": ")[2] == named.partition(": ")[2], "neither rhythm has begun: both begin alike"


def test_doctor_says_which_settings_and_which_store_it_looked_at(tmp_path: Path) -> None:
    first = run_paperround(tmp_path, "doctor").stdout.splitlines()[0]
    assert first == "✓ settings: No file: the defaults hold. The store is sqlite:///paperround.db."
    (tmp_path / "own.toml").write_text("version = 1\n")
    first = run_paperround(tmp_path, "--config", "own.toml", "doctor").stdout.splitlines()[0]
    assert first.startswith("✓ settings: From own.toml. The store is ")


def test_doctor_goes_on_after_packages_that_are_not_installed_and_a_wrong_secret(tmp_path: Path) -> None:
    (tmp_path / "paperround.toml").write_text(
        '[reviewer]\nbase_url = "http://127.0.0.1:1/v1"\nmodel = "m"\n'
        '[[subscriptions]]\nplatform = "console"\nchannel = "papers"\n'
    )
    code = (
        "import sys; sys.modules |= dict.fromkeys(('discord', 'pypdf')); from bot.cli.main import main; "
        "sys.exit(main(['doctor']))"
    )
    secrets = {"DISCORD_TOKEN": "MTIz.abc.def", "SLACK_BOT_TOKEN": "not a token"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, **secrets, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    faults = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert [fault.split(":")[0] for fault in faults] == ["✗ discord", "✗ slack", "✗ reviewer"]
    assert "pip install '.[discord]'" in faults[0]
    assert "SLACK_BOT_TOKEN" in faults[1]
    assert "pip install '.[reviewer]'" in faults[2]
    assert "digest of console:papers: The next comes on " in done.stdout


def test_doctor_counts_the_papers(tmp_path: Path) -> None:
    record = '{"id": "2401.00001", "title": "Owls", "score": 8}'
    (tmp_path / "papers.jsonl").write_text(f"{record}\n{record.replace('0001', '0002')}\n")
    run_paperround(tmp_path, "import", "papers.jsonl")
    assert "papers: 2 papers; the newest came in on " in run_paperround(tmp_path, "doctor").stdout


def test_faults_of_one_kind_are_told_once_and_unknown_keys_are_named_once(tmp_path: Path) -> None:
    records = [{"titel": "a", "id": f"2401.{number:05}", "foo": 1} for number in range(532)]
    records[7] |= {"title": "a", "score": "8,3"}
    (tmp_path / "papers.json").write_text(json.dumps(records))
    done = run_paperround(tmp_path, "import", "papers.json")
    assert done.stderr.splitlines() == [
        "papers.json: 531 records: title: is missing (did you mean it by 'titel'?); first at record 1",
        'papers.json, record 8: score: must be a number from 0 to 10, or null, not "8,3": did you mean 8.3?',
        "papers.json: unknown keys are ignored: “titel” (532 records, did you mean “title”?), "
        "“foo” (532 records).",
    ]
    assert done.stdout == "0 new, 0 updated, 0 unchanged, 532 skipped (errors above).\n"


def test_many_kinds_of_faults_are_limited(tmp_path: Path) -> None:
    flags = [{"title": "a", "id": "2401.00001", "flags": [{"x": 1}] * number} for number in range(1, 9)]
    kinds = [
        {"title": "a", "id": "2401.00001", chr(97 + number) * 3: 1, "abstract": number}
        for number in range(26)
    ]
    (tmp_path / "papers.json").write_text(json.dumps(flags + kinds))
    assert len(run_paperround(tmp_path, "import", "papers.json").stderr.splitlines()) <= 23


def test_an_unreadable_file_does_not_stop_the_import_of_others(tmp_path: Path) -> None:
    (tmp_path / "papers.json").write_text(json.dumps(RECORDS))
    done = run_paperround(tmp_path, "import", "none.json", "papers.json")
    assert done.returncode == 1
    assert done.stderr == "paperround: none.json: there is no such file.\n"
    assert done.stdout.startswith("6 new")


def test_truncated_json_imports_the_records_before_the_cut(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text(json.dumps(RECORDS)[:-20])
    done = run_paperround(tmp_path, "import", "cut.json")
    assert done.returncode == 1
    assert "in the middle of a record" in done.stderr
    assert done.stdout.startswith("5 new")


@needs_shared_data
def test_the_reviewed_papers_give_a_digest_ordered_by_rank(tmp_path: Path) -> None:
    assert run_paperround(tmp_path, "import", str(FOLDER / "reviews_24.jsonl")).returncode == 0
    pages = json.loads(run_paperround(tmp_path, "preview", "--as", "slack", "--json").stdout)
    assert [page["text"].split(" ")[0] for page in pages[1:]] == ["1.", "2.", "3.", "4.", "5."]


@pytest.mark.parametrize("platform", ["slack", "discord"])
@pytest.mark.parametrize("style", ["cards", "compact", "thread"])
def test_a_json_preview_has_the_request_bodies_of_the_platform(
    tmp_path: Path, platform: str, style: str
) -> None:
    import_records(tmp_path)
    pages = json.loads(
        run_paperround(tmp_path, "preview", "--as", platform, "--json", "--style", style).stdout
    )
    assert len(pages) == (1 if style == "compact" else 6)
    for page in pages:
        assert (
            ("blocks" in page and "channel" in page)
            if platform == "slack"
            else page["allowed_mentions"] == {"parse": []}
        )
    if platform == "slack":
        assert sum("thread_ts" in page for page in pages) == (5 if style == "thread" else 0)


def test_a_preview_uses_the_channel_of_the_settings(tmp_path: Path) -> None:
    import_records(tmp_path)
    (tmp_path / "paperround.toml").write_text(
        '[[subscriptions]]\nplatform = "slack"\nchannel = "C0456"\n'
        'domains = ["vision"]\ntop = 2\nstyle = "compact"\n'
    )
    (page,) = json.loads(run_paperround(tmp_path, "preview", "--as", "slack", "--json").stdout)
    assert page["channel"] == "C0456"
    assert "Vision" in page["text"]
    assert "2 of 6" in page["text"]


def test_words_ids_and_addresses_find_papers(tmp_path: Path) -> None:
    import_records(tmp_path)
    for query in ("number 3", "2401.00003", "https://arxiv.org/abs/2401.00003v2"):
        (first, *_) = json.loads(run_paperround(tmp_path, "search", "--json", query).stdout)
        assert first["title"] == "Paper number 3"
    missed = run_paperround(tmp_path, "search", "zebra")
    assert missed.returncode == 1
    assert "Nothing found for “zebra”" in missed.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["preview", "--domain", "visoin"], 1, "did you mean 'vision'"),
        (["preview", "--top", "0"], 2, "is not a number from 1 to 50"),
        (["preview", "--day", "tomorrow"], 2, "is not a date such as"),
        (["--config", "none.toml", "preview"], 1, "none.toml"),
        (["preview", "--channel", "C9"], 1, "name no channel: leave out --channel"),
        (["digest", "C9", "--now"], 1, "No channel gets a digest yet: name one in a [[subscriptions]] table"),
        (["search", "in:vision"], 1, "The store has no papers yet"),
        (["preview", "--as", "html", "--json"], 1, "leave out --json"),
        (["run"], 1, "[[subscriptions]]"),
        (["import", "."], 1, "is a folder"),
        ([], 2, "COMMAND"),
    ],
)
def test_a_wrong_command_is_answered_with_a_sentence(
    tmp_path: Path, arguments: list[str], status: int, sentence: str
) -> None:
    done = run_paperround(tmp_path, *arguments)
    assert done.returncode == status
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("version = 99", "newer Paperround"),
        ("[store]\nurll = 1", "urll"),
        ('[store]\nurl = "sqlite:////no/such/folder/p.db"', "its folder must exist"),
        ("[delivery]\nlease_seconds = 30", "delivery.lease_seconds is no longer a setting; remove it"),
        ("[[subscriptions]]", "platform"),
        (
            '[[subscriptions]]\nplatform = "console"\nchannel = "c"\ndomains = ["visoin"]',
            "did you mean 'vision'",
        ),
    ],
)
def test_wrong_settings_are_answered_with_a_sentence(tmp_path: Path, settings: str, sentence: str) -> None:
    (tmp_path / "paperround.toml").write_text(settings)
    done = run_paperround(tmp_path, "preview")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_is_something_else_is_answered_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "paperround.db").write_text("a letter to my aunt " * 200)
    done = run_paperround(tmp_path, "preview")
    assert done.returncode == 1
    assert "is not a Paperround store" in done.stderr


def test_a_closed_output_pipe_is_no_failure(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m bot schema | head -1",
        cwd=tmp_path,
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def test_the_demo_sends_todays_digest_and_ends() -> None:
    done = run_paperround(Path.cwd(), "demo")
    assert done.returncode == 0, done.stderr
    assert " of " in done.stdout.splitlines()[0]
    assert done.stdout.count("https://arxiv.org/abs/") == 5
    assert "⚠" in done.stdout
    assert done.stderr == ""


def test_an_ascii_terminal_gets_replacements_and_json_stays_json(
    tmp_path: Path,
) -> None:
    (tmp_path / "papers.json").write_text(json.dumps({"arxiv_id": "2401.00001", "title": "Gaußian 😀"}))
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    assert run_paperround(tmp_path, "import", "papers.json", **ascii_only).returncode == 0
    found = run_paperround(tmp_path, "search", "--json", "2401.00001", **ascii_only)
    assert json.loads(found.stdout)[0]["title"] == "Gaußian 😀"
    assert "Gau?ian ?" in run_paperround(tmp_path, "preview", **ascii_only).stdout
    assert run_paperround(tmp_path, "demo", **ascii_only).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this machine")
def test_output_that_cannot_be_written_is_answered_with_a_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bot", "schema"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("paperround: The output could not be written: No space left on device.")
    assert "Traceback" not in done.stderr


def test_on_a_terminal_the_demo_takes_commands() -> None:
    terminal, bot_end = os.openpty()
    demo = subprocess.Popen(
        [sys.executable, "-m", "bot", "demo"], stdin=bot_end, stdout=bot_end, stderr=bot_end, close_fds=True
    )
    os.close(bot_end)
    os.write(terminal, b"/paper kto\nreact 2\nquit\n")
    text = b""
    with suppress(OSError):  # The terminal is gone once the demo has ended.
        while piece := os.read(terminal, 65536):
            text += piece
    assert demo.wait(WAIT_SECONDS) == 0
    os.close(terminal)
    assert b"Prospect Theoretic" in text
    assert b"1 wants to discuss" in b" ".join(text.split())


def test_an_import_on_a_terminal_shows_a_progress_bar(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    records = "\n".join(json.dumps({"arxiv_id": f"2401.{n:05}", "title": "x" * 500}) for n in range(2000))
    (tmp_path / "papers.jsonl").write_text(records)
    report = import_review_files(
        [str(tmp_path / "papers.jsonl")], a_store(), now=NOW, standard_input=io.BytesIO(), console=console
    )
    assert report.counts.new == 2000
    assert isinstance(console.file, io.StringIO)
    assert "papers.jsonl" in console.file.getvalue()
    assert "100%" in console.file.getvalue()


SETTINGS = """
[platforms.console]
transcript = "transcript.jsonl"
[[subscriptions]]
platform = "console"
channel = "here"
at = "00:00"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
"""
"""Settings of one channel, to which a time zone may be added."""


def write_settings(folder: Path, time_zone: str = "") -> None:
    """Write the settings; without a time zone the next midnight of the channel is far."""
    (folder / "paperround.toml").write_text(
        f'{SETTINGS}time_zone = "{time_zone or NOON_ZONE}"\n', encoding="utf-8"
    )


def list_posted_keys(folder: Path) -> list[str]:
    transcript = folder / "transcript.jsonl"
    lines: list[dict[str, Any]] = (
        [json.loads(line) for line in transcript.read_text().splitlines()] if transcript.exists() else []
    )
    return [line["key"] for line in lines]


def start_bot(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "run"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_pages(folder: Path, pages: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while len(list_posted_keys(folder)) < pages and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    assert len(list_posted_keys(folder)) >= pages, (
        process.stderr.read() if process.poll() is not None and process.stderr else "too slow"
    )


def make_due(folder: Path) -> None:
    """Make the channel's edition due, as if its hour had passed while no bot ran."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder / "paperround.db")) as connection:
        connection.execute(
            "UPDATE subscriptions SET next_edition = ?, next_due_at = '2020-01-01 00:00:00.000000'",
            (f"{noon_zone_date()}",),
        )
        connection.commit()


def stop_bot(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    status = process.wait(WAIT_SECONDS)
    assert process.stderr
    process.stderr.close()
    return status


def test_a_running_bot_posts_due_digests_and_a_second_run_repeats_none(tmp_path: Path) -> None:
    import_records(tmp_path)
    write_settings(tmp_path)
    first = start_bot(tmp_path)
    assert first.stderr
    while "gets its digest at" not in first.stderr.readline():
        assert first.poll() is None
    assert stop_bot(first) == 0
    make_due(tmp_path)
    second = start_bot(tmp_path)
    wait_for_pages(tmp_path, 6, second)
    assert stop_bot(second) == 0
    third = start_bot(tmp_path)
    assert third.stderr
    while "gets its digest at" not in third.stderr.readline():
        assert third.poll() is None
    assert stop_bot(third) == 0
    assert len(list_posted_keys(tmp_path)) == len(set(list_posted_keys(tmp_path))) == 6


def test_a_dry_run_writes_nothing_and_the_edition_is_then_posted_once(
    tmp_path: Path,
) -> None:
    import_records(tmp_path)
    write_settings(tmp_path)
    shown = run_paperround(tmp_path, "digest", "here", "--now", "--dry-run")
    assert "1. Paper number 0" in shown.stdout
    assert list_posted_keys(tmp_path) == []
    before = run_paperround(tmp_path, "status").stdout
    assert "these begin when “paperround run” next starts: console:here." in " ".join(before.split())
    first = run_paperround(tmp_path, "digest", "here", "--now")
    assert (first.returncode, first.stdout.splitlines()[-1].split(" is ")[1]) == (0, "posted, in 6 messages.")
    again = run_paperround(tmp_path, "digest", "console:here", "--now")
    assert (again.returncode, "was posted before; nothing was sent." in again.stdout) == (0, True)
    dry = run_paperround(tmp_path, "digest", "here", "--now", "--dry-run")
    assert (dry.returncode, dry.stdout.endswith("was posted before; nothing would be sent.\n")) == (0, True)
    assert len(set(list_posted_keys(tmp_path))) == len(list_posted_keys(tmp_path)) == 6
    (channel,) = json.loads(run_paperround(tmp_path, "status", "--json", "--channel", "here").stdout)[
        "channels"
    ]
    assert (channel["last"]["state"], channel["last"]["posted"], channel["trouble"]) == ("posted", 6, "")
    unknown = run_paperround(tmp_path, "digest", "there", "--now")
    assert (unknown.returncode, unknown.stderr) == (
        1,
        "paperround: No channel 'there' gets a digest; these do: console:here.\n",
    )


def test_a_partly_posted_edition_is_finished_before_todays(tmp_path: Path) -> None:
    import_records(tmp_path)
    write_settings(tmp_path)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    store = open_store(f"sqlite:///{tmp_path / 'paperround.db'}")
    schedule = Schedule(hour(0), frozenset(range(7)), NOON_ZONE)
    here = Subscription(Channel("console", "here"), schedule=schedule)
    store.subscriptions.sync_from_settings([here], now=yesterday)
    (here,) = store.subscriptions.list_active()
    claim = store.outbox.claim(
        here, noon_zone_date() - timedelta(days=1), owner="dead", now=yesterday, lease=timedelta(minutes=5)
    )
    assert claim
    pages = [PlannedPage(number, f"old {number}", {"blocks": []}, (), in_thread=False) for number in range(2)]
    claim = save_plan(store, claim, pages, watermark=0)
    confirm_page(store, claim, 0, "there", now=yesterday)
    store.close()
    done = run_paperround(tmp_path, "digest", "here", "--now")
    assert "posted, in 6 messages." in done.stdout
    assert (list_posted_keys(tmp_path)[0], len(list_posted_keys(tmp_path))) == ("old 1", 7)


def test_time_zones_come_from_the_tzdata_package_and_not_from_the_machine(tmp_path: Path) -> None:
    """The machine's file for Berlin says UTC all year, and is ignored."""
    from importlib.resources import files

    (tmp_path / "zones" / "Europe").mkdir(parents=True)
    (tmp_path / "zones" / "Europe" / "Berlin").write_bytes(
        files("tzdata").joinpath("zoneinfo", "UTC").read_bytes()
    )
    write_settings(tmp_path, "Europe/Berlin")
    wrong = {"PYTHONTZPATH": str(tmp_path / "zones")}
    assert run_paperround(tmp_path, "digest", "here", "--now", **wrong).returncode == 0
    (channel,) = json.loads(run_paperround(tmp_path, "status", "--json", **wrong).stdout)["channels"]
    assert channel["next"]["at"][11:16] in ("22:00", "23:00")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["imprt", "papers.json"], "paperround: 'imprt' is no command (did you mean 'import'?); "),
        (["preview", "--style", "list"], "invalid choice: 'list' (choose from 'cards', 'compact', 'thread')"),
        (["search", "attention", "--limit", "99"], "'99' is not a number from 1 to 50"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as exit_status:
        build_parser().parse_args(arguments)
    printed = capsys.readouterr().err
    assert exit_status.value.code == 2
    assert printed.count("\n") == 1
    # Python 3.12 and newer print choices without quotes.
    assert sentence.replace("'cards', 'compact', 'thread'", "cards, compact, thread") in printed.replace(
        "'cards', 'compact', 'thread'", "cards, compact, thread"
    )
