"""Who may import whom (the doors of the house)."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ONLY_IN = {
    "slack_bolt": "bot/platforms/slack",
    "slack_sdk": "bot/platforms/slack",
    "discord": "bot/platforms/discord",
    "sqlalchemy": "digests/store",
    "alembic": "digests/store",
    "tantivy": "digests/search",
    "apscheduler": "bot/delivery/worker.py",
}


def imports() -> Iterator[tuple[str, str]]:
    """Each file of the product with each module it imports."""
    for room in ("bot", "digests", "config"):
        for file in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                for module in modules:
                    yield file.relative_to(ROOT).as_posix(), module


def test_the_domain_and_the_settings_know_neither_each_other_nor_the_bot() -> None:
    shut = {"digests": ("bot", "config"), "config": ("bot", "digests")}
    through = [
        (file, module)
        for file, module in imports()
        if module.split(".")[0] in shut.get(file.split("/")[0], ())
    ]
    assert through == []


def test_each_outside_library_has_one_room() -> None:
    astray = [
        (file, module)
        for file, module in imports()
        if (room := ONLY_IN.get(module.split(".")[0])) and not file.startswith(room)
    ]
    assert astray == []


def test_no_platform_knows_another() -> None:
    astray = [
        (file, module)
        for file, module in imports()
        if file.startswith("bot/platforms/")
        and module.startswith("bot.chat.port.")
        and module.split(".")[2] != file.split("/")[2]
    ]
    assert astray == []


def test_only_the_application_names_the_store_and_the_index() -> None:
    allowed = ("bot/services.py", "digests/")
    astray = [
        (file, module)
        for file, module in imports()
        if module.startswith(("digests.store", "digests.search")) and not file.startswith(allowed)
    ]
    assert astray == []


@pytest.mark.parametrize("heavy", ["alembic", "apscheduler", "httpx", "tantivy", "regex"])
def test_starting_the_command_line_does_not_load(heavy: str) -> None:
    code = f"import sys, bot.cli.main, bot.cli.preview; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_whoever_tests_a_contract_of_the_store_tests_it_over_both_databases() -> None:
    over_one = [
        file.name
        for file in sorted((ROOT / "tests/digests/store").glob("test_*.py"))
        if "a_store()" in (text := file.read_text(encoding="utf-8"))
        and 'usefixtures("over_both")' not in text
    ]
    assert over_one == []
