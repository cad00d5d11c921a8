#!/usr/bin/env python3
"""Runs the golden corpus against a built gatehouse and holds the outcome against the list of exceptions.

    check.py --gatehouse target/release/gatehouse --golden ../shared/golden [--storage none] [--only GLOB]

A case that fails must be on the list, and a case on the list must fail: so the list can only shrink. A line of the
list is a case's name and, after a `#`, what it waits for. Python standard library only.
"""
import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FAILED = re.compile(r"^FAIL ([\w.-]+) \[")
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$")


def read_exceptions(path: Path) -> set[str]:
    """Names on the list, comments left out."""
    names = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return {name for name in names if name}


def run_golden(options: argparse.Namespace) -> tuple[set[str], int, list[str]]:
    """Names of the cases that failed, how many passed, and all lines of the runner."""
    gatehouse = Path(options.gatehouse).resolve()
    golden = Path(options.golden).resolve()
    command = [
        sys.executable, str(golden / "run.py"), "check", str(golden / "cases"),
        "--cmd", f"{gatehouse} --conf {{conf}}", "--storage", options.storage, "--oas", "file",
    ]
    if options.only:
        command += ["--only", options.only]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    summary = next((found for line in reversed(lines) if (found := SUMMARY.match(line))), None)
    if summary is None:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n")
        sys.exit("golden: the runner did not come to its end")
    failed = {found[1] for line in lines if (found := FAILED.match(line))}
    return failed, int(summary[1]), lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gatehouse", default="target/release/gatehouse", help="the binary")
    parser.add_argument("--golden", default="../shared/golden", help="folder with run.py and cases/")
    parser.add_argument("--exceptions", type=Path, default=HERE / "exceptions.txt")
    parser.add_argument("--storage", choices=["none", "redis"], default="none")
    parser.add_argument("--only", help="glob on the names of cases")
    options = parser.parse_args()
    expected = read_exceptions(options.exceptions)
    failed, passed, lines = run_golden(options)
    surprises = failed - expected
    if not options.only:
        for name in sorted(expected - failed):
            print(f"golden: {name} passes: take it off {options.exceptions.name}")
    for line in lines:
        if (found := FAILED.match(line)) and found[1] in surprises:
            print(line)
    mended = set() if options.only else expected - failed
    print(f"golden: {passed} cases pass, {len(failed & expected)} are known not to, {len(surprises)} fail unexpectedly")
    return 1 if surprises or mended else 0


if __name__ == "__main__":
    sys.exit(main())
