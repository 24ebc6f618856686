"""Check of the locked requirements against published advisories: `make audit`.

The exit status is 1 for a known vulnerability or an unusable lock. It is 0 with a sentence if the source of
advisories cannot be asked, so that a machine without a network is no reason to fail.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements" / "dev.txt"
"""Lock that contains every other one."""

EXIT_OK, EXIT_FOUND = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the lock, print the result, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__)
    parser.add_argument("--lock", type=Path, default=LOCK, help="locked requirements with hashes")
    parser.add_argument("--osv-url", default="", help="a mirror of the advisories, which speaks OSV's API")
    options = parser.parse_args(arguments)
    report, reason = request_report(options.lock, options.osv_url)
    if report is None and (problem := find_lock_problem(options.lock)):
        print(f"{options.lock} cannot be checked: {problem}. Renew it with “make lock”.")
        return EXIT_FOUND
    if report is None:
        print(
            f"NOT CHECKED: no source of advisories could be asked from here ({reason}). "
            "Run “make audit” again on a machine that reaches one, or name a mirror: make audit OSV_URL=..."
        )
        return EXIT_OK
    findings = list(describe_findings(report))
    print(*findings, sep="\n", end="\n" if findings else "")
    total = len(report["dependencies"])
    if findings:
        print(f"Found in {total} locked packages that this system installs: upgrade these in the lock.")
        return EXIT_FOUND
    print(f"No known vulnerability in {total} locked packages that this system installs.")
    return EXIT_OK


def find_lock_problem(lock: Path) -> str:
    """Return the reason why a lock cannot be read, else an empty string. Sends no request."""
    done = _run_pip_audit(lock, "--dry-run")
    return "" if done.returncode == 0 else _find_last_line(done.stderr)


def request_report(lock: Path, osv_url: str) -> tuple[dict[str, Any] | None, str]:
    """Ask the source of advisories for every locked version. Return the report, or None and the reason."""
    done = _run_pip_audit(lock, *(("--osv-url", osv_url) if osv_url else ()))
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return None, _find_last_line(done.stderr)
    return report, ""


def _run_pip_audit(lock: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes"]
    command += ["--disable-pip", "--vulnerability-service", "osv", "--progress-spinner", "off"]
    command += ["--format", "json", "--desc", "off", *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _find_last_line(text: str) -> str:
    return next(
        (line.strip().split(" (Caused by")[0][:160] for line in reversed(text.splitlines()) if line.strip()),
        "no reason",
    )


def describe_findings(report: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each known vulnerability, and for each package that was left out."""
    for package in report["dependencies"]:
        if "skip_reason" in package:
            yield f"{package['name']}: not checked ({package['skip_reason']})"
        for each in package.get("vulns", ()):
            names = ", ".join([each["id"], *each.get("aliases", ())])
            fixed = ", ".join(each["fix_versions"]) or "no version yet"
            yield f"{package['name']} {package['version']}: {names}; fixed in {fixed}"


if __name__ == "__main__":
    sys.exit(main())
