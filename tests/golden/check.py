#!/usr/bin/env python3
"""Runs the golden corpus against a built gatehouse; every case has to pass.

    check.py --gatehouse target/release/gatehouse --golden ../shared/golden [--storage none|redis] [--only GLOB]

With `--storage redis` a redis-server of its own is started for the run, on a port that is free. Python standard library
only.
"""
import argparse
import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

FAILED = re.compile(r"^FAIL ([\w.-]+) \[")
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$")


def free_port() -> int:
    """A port that the system gives."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def redis(wanted: bool) -> Iterator[list[str]]:
    """Arguments for the runner that name a running Redis; none without one."""
    if not wanted:
        yield []
        return
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(server, port)
            yield ["--redis-host", "127.0.0.1", "--redis-port", str(port)]
        finally:
            server.terminate()


def wait_for(server: subprocess.Popen, port: int) -> None:
    """Waits until the server takes connections, or leaves."""
    while server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    sys.exit(f"golden: redis-server left with code {server.returncode}")


def run_golden(options: argparse.Namespace) -> tuple[int, list[str]]:
    """How many cases passed, and the lines of those that did not."""
    gatehouse = Path(options.gatehouse).resolve()
    golden = Path(options.golden).resolve()
    command = [
        sys.executable, str(golden / "run.py"), "check", str(golden / "cases"),
        "--cmd", f"{gatehouse} --conf {{conf}}", "--storage", options.storage, "--oas", "file",
    ]
    if options.only:
        command += ["--only", options.only]
    with redis(options.storage == "redis") as arguments:
        done = subprocess.run(command + arguments, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    summary = next((found for line in reversed(lines) if (found := SUMMARY.match(line))), None)
    if summary is None:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n")
        sys.exit("golden: the runner did not come to its end")
    return int(summary[1]), [line for line in lines if FAILED.match(line)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gatehouse", default="target/release/gatehouse", help="the binary")
    parser.add_argument("--golden", default="../shared/golden", help="folder with run.py and cases/")
    parser.add_argument("--storage", choices=["none", "redis"], default="none")
    parser.add_argument("--only", help="glob on the names of cases")
    options = parser.parse_args()
    passed, failures = run_golden(options)
    print(*failures, sep="\n", end="\n" if failures else "")
    failed = {FAILED.match(line)[1] for line in failures}
    print(f"golden: {passed} cases pass, {len(failed)} fail")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
