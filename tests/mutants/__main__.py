"""`make mutants`: apply each mutant to a copy of the tree and run its tests there.

The exit status is 1 unless all are caught.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree

from tests.mutants.mutants import MUTANTS, Mutant
from tests.postgres import URL_VARIABLE, start_server

ROOT = Path(__file__).parents[2]
LEFT_OUT = (".venv", ".git", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache", "build", "dist")
TIMEOUT_SECONDS = 120.0
"""One run of a mutant's tests. A hang is no catch: it does not say what is wrong."""
BASELINE_SECONDS = 600.0
ENDING_SECONDS = 15.0
"""Time that an interrupted run has to take its servers down."""

NO_CATCH = (
    "ImportError",
    "ModuleNotFoundError",
    "NameError",
    "SyntaxError",
    "UnboundLocalError",
    "AttributeError",
)
"""Errors of code that does not fit together. They say nothing of the mutant's fault."""


class Verdict(StrEnum):
    """Result of a mutant."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict on a mutant, with the reason where it is not `CAUGHT`."""

    mutant: Mutant
    verdict: Verdict
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One test case of a run. `failed` begins its failure, `error` begins a fault of its set-up."""

    test: str
    failed: str = ""
    error: str = ""
    skipped: bool = False

    def belongs_to(self, node: str) -> bool:
        """Say whether a node id names this case, or the function of it."""
        return self.test == node or self.test.startswith(f"{node}[")


@dataclass(frozen=True, slots=True)
class Run:
    """The cases of one run of pytest. `fault` says why it is no run at all."""

    cases: tuple[Case, ...] = ()
    fault: str = ""

    def of(self, node: str) -> list[Case]:
        return [case for case in self.cases if case.belongs_to(node)]


def main() -> int:
    asked = _parse_arguments()
    chosen = [one for one in MUTANTS if not asked.names or any(name in one.name for name in asked.names)]
    if not chosen:
        print("no mutant has such a name")
        return 1
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="paperround-mutants-") as folder,
        _environment(chosen) as variables,
    ):
        results = _judge_all(chosen, Path(folder), variables, asked.jobs)
    counts = {verdict: sum(one.verdict is verdict for one in results) for verdict in Verdict}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    print(f"{len(results)} mutants: {told}; {time.monotonic() - began:.0f} seconds")
    return int(counts[Verdict.CAUGHT] != len(results))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name-fragment", help="only mutants whose name has one of these"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time")
    return parser.parse_args()


@contextmanager
def _environment(chosen: Sequence[Mutant]) -> Iterator[Mapping[str, str]]:
    """Variables for every run, with one PostgreSQL for those that need it."""
    if not any("postgres" in test or "leadership" in test for one in chosen for test in one.tests):
        yield {}
        return
    with start_server() as server:
        yield {URL_VARIABLE: server.url}


def _judge_all(
    chosen: Sequence[Mutant], folder: Path, variables: Mapping[str, str], jobs: int
) -> list[Result]:
    """Judge every mutant, and print each result as it comes."""
    original = folder / "original"
    shutil.copytree(ROOT, original, ignore=shutil.ignore_patterns(*LEFT_OUT))
    results = list[Result]()

    def report(result: Result) -> None:
        results.append(result)
        print(f"{result.verdict:8} {result.seconds:5.1f} s  {result.mutant.name}", flush=True)
        if result.reason:
            print(f"         {result.reason}", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        whole = [one for one in chosen if (original / one.file).is_file() and _count(one, original) == 1]
        for one in chosen:
            if one not in whole:
                report(Result(one, Verdict.BROKEN, reason=f"`before` does not stand once in {one.file}"))
        baseline = _run_baseline(whole, original, variables, pool, jobs)
        judging = [pool.submit(_judge, one, original, baseline, variables) for one in whole]
        for judged in as_completed(judging):
            report(judged.result())
    return results


def _count(mutant: Mutant, tree: Path) -> int:
    return (tree / mutant.file).read_text(encoding="utf-8").count(mutant.before)


def _run_baseline(
    mutants: Sequence[Mutant], tree: Path, variables: Mapping[str, str], pool: ThreadPoolExecutor, jobs: int
) -> Run:
    """Run every named test once without a mutant, a share of the test files in each job."""
    tests = sorted({test for one in mutants for test in one.tests})
    files = sorted({test.partition("::")[0] for test in tests})
    shares = [[test for test in tests if test.partition("::")[0] in files[job::jobs]] for job in range(jobs)]
    _check_imports(tree, variables)
    print(f"{len(tests)} tests without a mutant first ...", flush=True)
    runs = list(pool.map(lambda share: _run_unmutated(share, tree, variables), filter(None, shares)))
    return Run(tuple(case for run in runs for case in run.cases), " ".join(run.fault for run in runs).strip())


def _run_unmutated(tests: Sequence[str], tree: Path, variables: Mapping[str, str]) -> Run:
    """Run tests together, or one by one where that is no run: a test that is gone takes no other along."""
    run = _run(tests, tree, variables, BASELINE_SECONDS)
    if not run.fault or len(tests) == 1:
        return run
    alone = [_run([test], tree, variables, TIMEOUT_SECONDS) for test in tests]
    return Run(tuple(case for each in alone for case in each.cases), run.fault)


def _check_imports(tree: Path, variables: Mapping[str, str]) -> None:
    """Make sure that the copy's code is imported, not that of an installed package."""
    code = "import bot, digests, config; print(bot.__file__, digests.__file__, config.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tree,
        env=_variables(tree, variables),
        capture_output=True,
        text=True,
        check=True,
    )
    astray = [file for file in found.stdout.split() if not Path(file).is_relative_to(tree)]
    if astray:
        raise SystemExit(f"the copy's code is not imported, but {astray}")


def _judge(mutant: Mutant, original: Path, baseline: Run, variables: Mapping[str, str]) -> Result:
    """Apply one mutant to a copy of its own, and run its tests there."""
    if reason := _fault_of_baseline(mutant, baseline):
        return Result(mutant, Verdict.BROKEN, reason=reason)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=original.parent) as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(original, tree)
        file = tree / mutant.file
        file.write_text(
            file.read_text(encoding="utf-8").replace(mutant.before, mutant.after), encoding="utf-8"
        )
        run = _run(mutant.tests, tree, variables, TIMEOUT_SECONDS)
    verdict, reason = _verdict(mutant, run)
    return Result(mutant, verdict, time.monotonic() - began, reason)


def _fault_of_baseline(mutant: Mutant, baseline: Run) -> str:
    for test in mutant.tests:
        cases = baseline.of(test)
        if not cases:
            return f"{test} was not run without the mutant. {baseline.fault}"
        for case in cases:
            if case.failed or case.error or case.skipped:
                return (
                    f"{case.test} does not pass without the mutant: {case.failed or case.error or 'skipped'}"
                )
    return ""


def _verdict(mutant: Mutant, run: Run) -> tuple[Verdict, str]:
    """Judge a run: each named test must fail, in its own body, and not by code that does not fit together."""
    errors = [f"{case.test}: {case.error}" for case in run.cases if case.error]
    if run.fault or errors:
        return Verdict.BROKEN, run.fault or errors[0]
    odd = [f"{case.test}: {case.failed}" for case in run.cases if case.failed.startswith(NO_CATCH)]
    if odd:
        return Verdict.BROKEN, odd[0]
    passed = [test for test in mutant.tests if not any(case.failed for case in run.of(test))]
    return (Verdict.SURVIVED, f"passed: {', '.join(passed)}") if passed else (Verdict.CAUGHT, "")


def _variables(tree: Path, more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(tree), **more}


def _run(tests: Collection[str], tree: Path, variables: Mapping[str, str], seconds: float) -> Run:
    """Run tests in a tree. A run that is over time is interrupted, so that it takes down what it started."""
    report = tree.parent / f"{tree.name}-{abs(hash(tuple(tests)))}.xml"
    options = ("-q", "-p", "no:cacheprovider", "--tb=short", "--hypothesis-seed=0", f"--junitxml={report}")
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=tree,
        env=_variables(tree, variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            return Run(fault=f"no end within {seconds:.0f} seconds")
    if process.returncode not in (0, 1) or not report.is_file():
        return Run(fault=f"pytest ended with {process.returncode}: {output.strip()[-1000:]}")
    return Run(tuple(_cases(report)))


def _cases(report: Path) -> Iterator[Case]:
    """Read the cases of a run from pytest's JUnit report, which is our own file."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        file = case.get("classname", "").replace(".", "/") + ".py"
        yield Case(
            f"{file}::{case.get('name', '')}",
            failed=_first_line(case, "failure"),
            error=_first_line(case, "error"),
            skipped=case.find("skipped") is not None,
        )


def _first_line(case: ElementTree.Element, kind: str) -> str:
    found = case.find(kind)
    return "" if found is None else (found.get("message", "").strip() or kind).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
