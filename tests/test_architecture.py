"""Imports go one way, each outside library has one room, and platforms stand alone."""

import ast
import io
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from digests.ports import Store
from digests.store import open_store
from tests import conftest, style
from tests.linear_text import REGISTERED

ROOT = Path(__file__).parents[1]
PLATFORMS_ROOM = "bot/platforms/"
PLATFORM_NAMES = tuple(
    folder.name for folder in sorted((ROOT / PLATFORMS_ROOM).iterdir()) if (folder / "__init__.py").is_file()
)

FLOORS = (
    ("chat", "storage", "periodic", "log_fields", "sample", "token_cipher"),
    ("present", "leadership"),
    ("conversation", "delivery", "ingest", "retention"),
    ("platforms",),
    ("services",),
    ("web",),
    ("cli",),
    ("__main__",),
)
"""Rooms of bot/ from the ground up. A room imports from lower floors and from itself."""

ONLY_IN: dict[str, str | tuple[str, ...]] = {
    "sqlalchemy": "digests/store",
    "alembic": "digests/store",
    "tantivy": "digests/search",
    "apscheduler": "bot/delivery/worker.py",
    "pypdf": "digests/reviewers/pdf.py",
    "matplotlib": ("bot/cli/", "bot/present/recap_picture.py"),
    "icalendar": "bot/present/meeting_calendar.py",
    "cryptography": "bot/token_cipher.py",
}

COMMON_WORDS = {"console"}
"""Names of platforms that are also words of the product: rich's Console, the operator's console."""

TERMINAL = "bot.platforms.console"
"""Commands of the terminal print with the renderer of the terminal's platform."""


@dataclass(frozen=True)
class Import:
    """One import statement of the product."""

    file: str
    module: str
    is_top_level: bool

    @property
    def root(self) -> str:
        return self.module.split(".")[0]

    def __str__(self) -> str:
        return f"{self.file} imports {self.module}"


@cache
def list_imports() -> tuple[Import, ...]:
    return tuple(
        found for file, tree in style.parse_product().items() for found in _walk_imports(file, tree, True)
    )


def _walk_imports(file: str, node: ast.AST, is_top_level: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(file, alias.name, is_top_level) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            names = {f"{base}.{alias.name}" for alias in child.names} & _list_modules()
            yield from (Import(file, name, is_top_level) for name in names or {base})
        else:
            is_inner = isinstance(child, style.Function)
            yield from _walk_imports(file, child, is_top_level and not is_inner)


@cache
def _list_modules() -> frozenset[str]:
    return frozenset(_name_module(file) for file in style.parse_product())


def _name_module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def test_the_domain_and_the_settings_import_neither_each_other_nor_the_bot() -> None:
    closed = {"digests": ("bot", "config"), "config": ("bot", "digests")}
    assert [each for each in list_imports() if each.root in closed.get(each.file.split("/")[0], ())] == []


def test_each_room_of_the_bot_imports_from_lower_floors_alone() -> None:
    floor_of = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
    upward = []
    for each in list_imports():
        if each.file.startswith("bot/") and each.file != "bot/__init__.py" and each.root == "bot":
            room, imported = each.file.split("/")[1].removesuffix(".py"), each.module.split(".")[1]
            if room != imported and floor_of[imported] >= floor_of[room]:
                upward.append(str(each))
    assert upward == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports for types count too; an import inside a function does not."""
    graph: dict[str, set[str]] = {module: set() for module in _list_modules()}
    for each in list_imports():
        module = _name_module(each.file)
        if each.is_top_level and each.module in graph and each.module != module:
            graph[module].add(each.module)
    assert [circle for circle in _find_circles(graph) if len(circle) > 1] == []


def _find_circles(graph: dict[str, set[str]]) -> Iterator[set[str]]:
    """Yield the strongly connected components of a graph."""
    reachable = {start: _reach(start, graph) for start in graph}
    seen: set[str] = set()
    for start in sorted(graph):
        circle = {other for other in reachable[start] if start in reachable[other]} | {start}
        if start not in seen:
            yield circle
        seen |= circle


def _reach(start: str, graph: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    pending = [start]
    while pending:
        for following in graph[pending.pop()] - reached:
            reached.add(following)
            pending.append(following)
    return reached


def test_each_outside_library_has_one_room() -> None:
    rooms = _find_rooms_of_platform_libraries() | ONLY_IN
    astray = [
        str(each)
        for each in list_imports()
        if (room := rooms.get(each.root)) and not each.file.startswith(room)
    ]
    assert astray == []


def test_libraries_of_platforms_are_found() -> None:
    assert {"slack_bolt", "slack_sdk", "discord"} <= set(_find_rooms_of_platform_libraries())


def _find_rooms_of_platform_libraries() -> dict[str, str]:
    """Return the folder of each library that only one platform's extra in pyproject.toml installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    libraries = {
        platform: {
            _normalize_name(re.split(r"[^\w.-]", requirement)[0])
            for requirement in project["optional-dependencies"].get(platform, ())
        }
        for platform in PLATFORM_NAMES
    }
    rooms: dict[str, str] = {}
    for module, distributions in packages_distributions().items():
        names = {_normalize_name(name) for name in distributions}
        owners = [platform for platform, installed in libraries.items() if installed & names]
        if len(owners) == 1:
            rooms[module] = PLATFORMS_ROOM + owners[0]
    return rooms


def _normalize_name(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_no_platform_imports_another() -> None:
    astray = [
        str(each)
        for each in list_imports()
        if (platform := _platform_of_module(each.module))
        and (importer := _platform_of_file(each.file))
        and platform != importer
    ]
    assert astray == []


def test_nothing_imports_a_platform_by_its_name() -> None:
    astray = [
        str(each)
        for each in list_imports()
        if (platform := _platform_of_module(each.module))
        and _platform_of_file(each.file) != platform
        and not (each.file.startswith("bot/cli/") and each.module.startswith(TERMINAL))
    ]
    assert astray == []


def test_no_code_outside_its_folder_names_a_platform() -> None:
    """Names and strings count; a comment or docstring may name a platform as a reason."""
    names = [name for name in PLATFORM_NAMES if name not in COMMON_WORDS]
    pattern = re.compile(rf"(?<![a-z])({'|'.join(names)})(?![a-z])", re.IGNORECASE)
    astray = [
        f"{file}:{line}: {text}"
        for file in style.parse_product()
        if not _platform_of_file(file)
        for line, text in _list_code_words(file)
        if pattern.search(text)
    ]
    assert astray == []


def test_the_template_of_the_preview_page_names_no_platform() -> None:
    templates = sorted((ROOT / "bot").rglob("*.html"))
    assert templates != []
    for template in templates:
        assert [name for name in PLATFORM_NAMES if name in template.read_text(encoding="utf-8")] == []


def _platform_of_module(module: str) -> str | None:
    steps = module.split(".")
    is_platform = len(steps) > 2 and module.startswith("bot.platforms.") and steps[2] in PLATFORM_NAMES
    return steps[2] if is_platform else None


def _platform_of_file(file: str) -> str | None:
    steps = file.split("/")
    return steps[2] if file.startswith(PLATFORMS_ROOM) and steps[2] in PLATFORM_NAMES else None


def _list_code_words(file: str) -> Iterator[tuple[int, str]]:
    """Yield names and strings of a file with their lines, without docstrings."""
    text = (ROOT / file).read_text(encoding="utf-8")
    docstring_lines = {
        line
        for node in ast.walk(style.parse_product()[file])
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT and token.start[0] not in docstring_lines:
            yield token.start[0], token.string


def test_only_the_composition_root_names_the_store_and_the_index() -> None:
    allowed = ("bot/services.py", "digests/")
    astray = [
        str(each)
        for each in list_imports()
        if each.module.startswith(("digests.store", "digests.search")) and not each.file.startswith(allowed)
    ]
    assert astray == []


def test_only_the_terminal_prints() -> None:
    """`bot/cli/terminal.py` escapes control characters, and `bot/cli/main.py` those of an error."""
    printing = {
        file
        for file, tree in style.parse_product().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert printing == {"bot/cli/terminal.py", "bot/cli/main.py"}


def test_only_registered_modules_use_regular_expressions() -> None:
    """Each registered function is measured on hostile text (`tests/digests/test_linear_text.py`)."""
    users = {each.file for each in list_imports() if each.root in ("re", "regex")}
    assert sorted(users - REGISTERED.keys()) == []


def test_each_registered_module_names_functions_that_it_has() -> None:
    missing = [
        f"{file}: {probe.name}"
        for file, probes in REGISTERED.items()
        for probe in probes
        if not re.search(rf"^(?:def |class )?{probe.name}\b", (ROOT / file).read_text("utf-8"), re.MULTILINE)
    ]
    assert missing == []
    assert [file for file, probes in REGISTERED.items() if not probes] == []


def test_tests_mirror_the_rooms_of_the_code() -> None:
    astray = [
        folder.as_posix()
        for room in style.ROOMS
        for path in sorted((ROOT / "tests" / room).rglob("__init__.py"))
        if not (ROOT / (folder := path.parent.relative_to(ROOT / "tests"))).is_dir()
    ]
    assert astray == []


def test_starting_the_command_line_loads_no_heavy_library() -> None:
    code = "import sys, bot.cli.main, bot.cli.preview; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert {"alembic", "apscheduler", "httpx", "tantivy", "regex"} & set(loaded.split()) == set()


def test_a_preview_loads_neither_the_search_nor_contracts_that_it_does_not_use(tmp_path: Path) -> None:
    code = (
        "import sys, bot.cli.main; status = bot.cli.main.main(['preview']); "
        "print('loaded', status, *(name for name in sys.modules if name.startswith('digests.')))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment)
    _, status, *loaded = done.stdout.splitlines()[-1].split()
    unused = ("claims", "review_queue", "budget", "moderation", "people", "copying", "carry_over")
    assert (status, "digests.store.library" in loaded) == ("0", True)
    assert [
        name for name in loaded if name.startswith("digests.search") or name.rpartition(".")[2] in unused
    ] == []


def test_each_contract_of_the_store_is_loaded_by_its_name() -> None:
    """One that is missing would only be seen by the command that needs it."""
    store = open_store("sqlite://")
    assert [field.name for field in fields(Store) if not getattr(store, field.name)] == []
    assert store.worker_locks.leadership is store.leadership  # type: ignore[attr-defined]
    store.close()


def test_each_contract_of_the_store_is_tested_over_both_databases() -> None:
    over_one = [
        file.name
        for file in sorted((ROOT / "tests/digests/store").rglob("test_*.py"))
        if "a_store()" in (text := file.read_text(encoding="utf-8"))
        and 'usefixtures("over_both")' not in text
    ]
    assert over_one == []


def test_the_files_and_modules_that_are_marked_exist() -> None:
    modules = conftest.PROCESS_MODULES | conftest.SLOW_MODULES
    files = [*conftest.PROCESS_FILES, *(f"{name.replace('.', '/')}.py" for name in modules)]
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_an_explained_command_imports_neither_the_settings_nor_the_store() -> None:
    code = "import sys, bot.cli.main; bot.cli.main.build_parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    imported = set(done.stdout.split())
    assert not imported & {"pydantic", "sqlalchemy", "asyncio", "rich", "config.settings", "digests.model"}
