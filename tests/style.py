"""Measure of the product's language: `python -m tests.style` prints its figures and fails above their aims.

A docstring begins with a verb or a noun, and names in it exist. A function's name is a verb with its object.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("bot", "digests", "config")

MAX_OPENING_SHARE = 0.02
"""Largest share of docstrings that open with a relative or interrogative pronoun."""

MAX_ONE_WORD_SHARE = 0.30
"""Largest share of functions with a name of one word; dunder methods and methods of a port do not count."""

MAX_DEAD_NAME_SHARE = 0.0
"""Largest share of names in the backticks of docstrings that occur nowhere in the code."""

QUOTED_NAME = re.compile(r"`([A-Za-z_]\w*(?:\.\w+)*)(?:\(\))?`")

PRONOUN = re.compile(r"(what|whatever|whether|those|who|whoever|whose|where|when|how|which|why)\b", re.I)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Finding:
    """One docstring or function name that does not follow the rule."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Measure:
    """A share of findings among everything that was looked at."""

    name: str
    total: int
    findings: tuple[Finding, ...]
    aim: float

    @property
    def share(self) -> float:
        return len(self.findings) / self.total if self.total else 0.0

    @property
    def is_met(self) -> bool:
        return self.share <= self.aim

    def __str__(self) -> str:
        found = f"{len(self.findings)} of {self.total}, {self.share:.1%}"
        return f"{self.name}: {found} (aim: at most {self.aim:.0%})"


def measure_docstring_openings(files: dict[str, ast.Module]) -> Measure:
    """Count docstrings of modules, classes, functions and constants that open with a pronoun."""
    docstrings = [(file, *found) for file, tree in files.items() for found in _list_docstrings(tree)]
    findings = tuple(
        Finding(file, line, text.splitlines()[0])
        for file, line, text in docstrings
        if PRONOUN.match(text.strip())
    )
    return Measure("docstrings that open with a pronoun", len(docstrings), findings, MAX_OPENING_SHARE)


def _list_docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for position, statement in enumerate(body):
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                text = statement.value.value
                if isinstance(text, str) and text.strip() and _is_documented(node, body, position):
                    yield statement.lineno, text


def _is_documented(parent: ast.AST, body: list[ast.stmt], position: int) -> bool:
    if position == 0:
        return isinstance(parent, ast.Module | ast.ClassDef | Function)
    return isinstance(body[position - 1], ast.Assign | ast.AnnAssign)


def measure_one_word_names(files: dict[str, ast.Module]) -> Measure:
    """Count functions and methods with a one-word name, without dunder methods and methods of a port."""
    port_methods = {
        method.name
        for tree in files.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)
        for method in node.body
        if isinstance(method, Function)
    }
    functions = [
        (file, node)
        for file, tree in files.items()
        for node in ast.walk(tree)
        if isinstance(node, Function) and not node.name.startswith("__") and node.name not in port_methods
    ]
    findings = tuple(
        Finding(file, node.lineno, node.name) for file, node in functions if "_" not in node.name.strip("_")
    )
    return Measure("functions with a one-word name", len(functions), findings, MAX_ONE_WORD_SHARE)


def measure_dead_names(files: dict[str, ast.Module]) -> Measure:
    """Count names in backticks in docstrings that are neither a name, a module nor a string in the code.

    A dotted name that begins with a room has to be a module or its function, class or constant.
    """
    full_names = {name for file, tree in files.items() for name in _list_full_names(file, tree)}
    known = {name for tree in files.values() for name in _list_used_names(tree)}
    quoted = [
        (file, line, name)
        for file, tree in files.items()
        for line, text in _list_docstrings(tree)
        for name in QUOTED_NAME.findall(text)
    ]

    def exists(name: str) -> bool:
        if name.split(".")[0] in ROOMS and "." in name:
            return name in full_names
        return name in known or name.split(".")[-1] in known

    findings = tuple(Finding(file, line, name) for file, line, name in quoted if not exists(name))
    return Measure("names in docstrings that do not exist", len(quoted), findings, MAX_DEAD_NAME_SHARE)


def _list_full_names(file: str, tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names of a module and of its functions, constants, classes, methods and fields."""
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    yield module
    scopes: list[tuple[str, ast.Module | ast.ClassDef]] = [(module, tree)]
    while scopes:
        prefix, scope = scopes.pop()
        for node in scope.body:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield f"{prefix}.{node.name}"
                case ast.ClassDef():
                    yield f"{prefix}.{node.name}"
                    scopes.append((f"{prefix}.{node.name}", node))
                case ast.Assign() | ast.AnnAssign():
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    yield from (f"{prefix}.{each.id}" for each in targets if isinstance(each, ast.Name))


def _list_used_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that the code defines or uses, and the words of its strings other than docstrings."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Name():
                yield node.id
            case ast.Attribute():
                yield node.attr
            case ast.arg() | ast.keyword() if node.arg:
                yield node.arg
            case ast.alias():
                yield from (node.name, node.name.split(".")[-1])
            case ast.Constant(value=str(text)) if node not in texts:
                yield from re.findall(r"\w+(?:\.\w+)*", text)


@cache
def parse_product() -> dict[str, ast.Module]:
    """Return the syntax trees of the product's files by their path from the root."""
    return {
        file.relative_to(ROOT).as_posix(): ast.parse(file.read_text(encoding="utf-8"))
        for room in ROOMS
        for file in sorted((ROOT / room).rglob("*.py"))
    }


def main(arguments: list[str]) -> int:
    """Print the figures, with `--list` each finding too. Return 1 if an aim is missed."""
    files = parse_product()
    measures = [
        measure_docstring_openings(files),
        measure_one_word_names(files),
        measure_dead_names(files),
    ]
    for measure in measures:
        print(measure)
        if "--list" in arguments:
            print(*measure.findings, sep="\n")
    return 0 if all(measure.is_met for measure in measures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
