#!/usr/bin/env python3
"""What many scripts cost to load, and whether reloads leave anything behind.

    python3 bench/reloads.py [--gatehouse PATH] [--apis 2000] [--reloads 10000]

Starts a gateway with a script in each of many APIs and prints the time until it answers and its memory. Then changes the
script of one API and reloads, again and again, while another API is under load; prints the memory after each tenth of the
reloads, and ends with 1 if a request was lost or the memory kept growing after the first tenth.
"""
import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from gatehouse_bench import process_tree
from gatehouse_bench.answer import Request, first_mismatch
from gatehouse_bench.jobs import PLAIN_ANSWER
from gatehouse_bench.load import run_wrk, wrk_script
from gatehouse_bench.places import GATEHOUSE_SCRIPTS, target_dir
from gatehouse_bench.running import RunningServer, free_port
from gatehouse_bench.servers import Site
from gatehouse_bench.servers.definitions import classic, isolation_api, routing_listen_path, virtual
from gatehouse_bench.servers.gatehouse import Gatehouse

UNUSED_UPSTREAM = "http://127.0.0.1:9"
GROWTH_MB = 16


class ManyScripts(Gatehouse):
    """APIs with a script each, and one whose script changes."""

    def __init__(self, binary: Path, count: int) -> None:
        super().__init__(binary, "many-scripts")
        self.count = count

    def apis(self, _: object, site: Site) -> list[dict]:
        source = GATEHOUSE_SCRIPTS / "plain.js"
        apis = [isolation_api(number, UNUSED_UPSTREAM, source) for number in range(self.count)]
        return [*apis, changing_api(site.directory, 0)]


def changing_api(directory: Path, number: int) -> dict:
    """An API whose script says which one it is."""
    file = directory / "changing.js"
    file.write_text(
        f"var number = {number}, filler = new Array(5000).join('x');\n"
        "function changing(request, session) { return TykJsResponse({ Body: String(number), Code: 200 }, {}); }\n"
    )
    return classic("changing", "/changing/", UNUSED_UPSTREAM, {"virtual": [virtual("/run", "GET", file)]})


def worker_of(pid: int) -> int:
    """The process that serves: the one that the supervisor started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def said(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/changing/run", timeout=30) as answer:
        return answer.read().decode()


def reload_until(site: Site, pid: int, number: int) -> None:
    """Brings another script, and waits until it answers."""
    definition = changing_api(site.directory, number)
    (site.directory / "apps" / "changing.json").write_text(json.dumps(definition))
    os.kill(pid, signal.SIGHUP)
    deadline = time.monotonic() + 60
    while said(site.port) != str(number):
        if time.monotonic() > deadline:
            raise TimeoutError(f"reload {number} did not happen")


def main() -> int:
    p = argparse.ArgumentParser(description="What many scripts cost to load, and whether reloads leave anything behind.")
    p.add_argument("--gatehouse", type=Path, default=target_dir() / "release" / "gatehouse")
    p.add_argument("--apis", type=int, default=2000)
    p.add_argument("--reloads", type=int, default=10_000)
    arguments = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as temporary:
        site = Site(Path(temporary), free_port(), UNUSED_UPSTREAM)
        server = ManyScripts(arguments.gatehouse.absolute(), arguments.apis)
        command = server.command(None, site)
        started = time.monotonic()
        running = RunningServer(command, site.directory)
        try:
            plain = Request("GET", f"{routing_listen_path(arguments.apis - 1)}plain")
            running.wait_until(lambda: first_mismatch(site.port, plain, [plain.path], PLAIN_ANSWER), 120)
            took, memory = time.monotonic() - started, process_tree.resident_mb(running.pid)
            print(f"{arguments.apis:,} scripts: answering after {took:.2f} s, {memory:.0f} MB", flush=True)

            script = site.directory / "wrk.lua"
            script.write_text(wrk_script(plain, [plain.path]))
            stop, errors = threading.Event(), {}

            def load() -> None:
                while not stop.is_set():
                    result = run_wrk(f"http://127.0.0.1:{site.port}{plain.path}", script, 8, 2)
                    for kind, count in result.errors.items():
                        errors[kind] = errors.get(kind, 0) + count

            thread = threading.Thread(target=load)
            thread.start()
            sizes = []
            try:
                for number in range(1, arguments.reloads + 1):
                    reload_until(site, worker_of(running.pid), number)
                    if number % max(arguments.reloads // 10, 1) == 0:
                        sizes.append(process_tree.resident_mb(running.pid))
                        print(f"after {number:,} reloads: {sizes[-1]:.0f} MB", flush=True)
            finally:
                stop.set()
                thread.join()
        finally:
            running.stop()
    grew = sizes[-1] - sizes[0] if sizes else 0.0
    print(f"requests lost: {errors or 'none'}; memory grew by {grew:.0f} MB after the first tenth")
    return 1 if errors or grew > GROWTH_MB else 0


if __name__ == "__main__":
    sys.exit(main())
