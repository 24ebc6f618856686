"""What is shipped: the wheel holds all that the product needs, and the service files start it."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.platforms.registry import find_platforms
from config.secrets import REVIEWER_KEY_VARIABLE, TOKEN_KEYS_VARIABLE

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "digests", "config")
NOT_SHIPPED = {"bot/sample/preview.png", "config/slack-manifest.yaml", "config/paperround.service"}
"""Files of the checkout alone, for its README and for those who set it up."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build the wheel from a copy of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."]
    done = subprocess.run(
        [*command, "-w", str(folder)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    yield built
    shutil.rmtree(folder)


def run_from(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command from an unpacked wheel, in another folder."""
    work = folder.parent / "work"
    work.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-P", "-m", "bot", *arguments],
        cwd=work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_wheel_holds_every_file_of_the_product_and_nothing_else(wheel: Path) -> None:
    shipped = {
        name for name in zipfile.ZipFile(wheel).namelist() if not name.split("/")[0].endswith("dist-info")
    }
    expected = {
        file.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for file in (ROOT / name).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".mako"
    }
    assert shipped == expected - NOT_SHIPPED


def test_the_command_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(installed)
    version = run_from(installed, "--version")
    assert version.stdout == f"paperround {wheel.name.split('-')[1]}\n", version.stderr
    demo = run_from(installed, "demo")
    assert demo.returncode == 0, demo.stderr
    assert "1. " in demo.stdout
    written = run_from(installed, "init")
    assert written.returncode == 0, written.stderr
    assert "paperround.toml is written" in written.stdout


def test_nothing_that_only_unix_has_is_imported_before_it_is_needed(tmp_path: Path) -> None:
    """`import x` fails for a module that is None in `sys.modules`, as where the system does not have it."""
    missing = ("fcntl", "grp", "pwd", "resource", "syslog", "termios")
    commands = (["--version"], ["init"], ["preview"], ["doctor"], ["backup", "a.backup"])
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({missing}))\n"
        "from bot.cli.main import main\n"
        f"for command in {commands}:\n"
        "    try:\n"
        "        status = main(command)\n"
        "    except SystemExit as end:\n"
        "        status = end.code or 0\n"
        "    print('status', status, *command)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    ends = [line for line in done.stdout.splitlines() if line.startswith("status ")]
    assert ends == [f"status 0 {' '.join(command)}" for command in commands]


def test_the_composed_services_pass_every_secret_of_the_platforms_on() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"^      ([A-Z_]+):", text, re.M))
    needed = {name for spec in find_platforms().values() for name in spec.secret_variables}
    assert needed | {REVIEWER_KEY_VARIABLE, TOKEN_KEYS_VARIABLE} <= named


def test_the_composed_services_have_the_form_of_the_compose_specification(tmp_path: Path) -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    if not checker.exists():
        pytest.skip("check-jsonschema is not installed")
    whole, misspelt = ROOT / "compose.yaml", tmp_path / "compose.yaml"
    text = whole.read_text(encoding="utf-8")
    misspelt.write_text(text.replace("depends_on:", "depend_on:"), encoding="utf-8")
    command = [str(checker), "--builtin-schema", "vendor.compose-spec", "--output-format", "json", "-v"]
    done = subprocess.run([*command, str(whole), str(misspelt)], capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert (done.returncode, report["parse_errors"], report["successes"]) == (1, [], [str(whole)])
    assert {error["filename"] for error in report["errors"]} == {str(misspelt)}
    assert "depend_on" in done.stdout


def test_the_systemd_unit_is_valid(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not installed")
    text = (ROOT / "config" / "paperround.service").read_text(encoding="utf-8")
    unit = tmp_path / "paperround.service"
    unit.write_text(text.replace("/opt/paperround/bin/paperround", sys.executable), encoding="utf-8")
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
