"""The list of mutants does not rot: each can be applied, and names tests that exist."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.mutants.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@cache
def functions_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_can_be_applied_and_its_tests_exist(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert source.count(mutant.before) == 1, f"{mutant.file} has not once: {mutant.before}"
    compile(source.replace(mutant.before, mutant.after), mutant.file, "exec")
    assert mutant.before != mutant.after
    assert mutant.tests
    for test in mutant.tests:
        file, _, function = test.partition("[")[0].partition("::")
        assert function in functions_in(file), f"{test} does not exist"


def test_every_mutant_has_a_name_of_its_own() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names)
