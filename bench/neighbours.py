#!/usr/bin/env python3
"""How long a short script takes while long ones keep every script thread busy.

    python3 bench/neighbours.py [--gatehouse PATH] [--milliseconds 100] [--long 32] [--seconds 4]

Starts one gateway with two APIs: `short` answers at once, `long` computes for a while. Loads `short` alone, then beside
`--long` connections that keep asking `long`, and prints what the clients of `short` saw. It has to stay quick: calls that
take long move to the script threads, and the others never wait for those.
"""
import argparse
import base64
import sys
import tempfile
import threading
from pathlib import Path

from gatehouse_bench.answer import Request, first_mismatch
from gatehouse_bench.jobs import PLAIN_ANSWER
from gatehouse_bench.load import LoadResult, run_wrk, wrk_script
from gatehouse_bench.places import GATEHOUSE_SCRIPTS, target_dir
from gatehouse_bench.running import RunningServer, free_port
from gatehouse_bench.servers import Site
from gatehouse_bench.servers.definitions import classic, virtual
from gatehouse_bench.servers.gatehouse import Gatehouse

LONG = """function long(request, session, config) {
  var end = Date.now() + config.config_data.milliseconds, turns = 0;
  while (Date.now() < end) { turns++; }
  return TykJsResponse({ Body: String(turns), Code: 200 }, session.meta_data);
}"""
UNUSED_UPSTREAM = "http://127.0.0.1:9"


class Neighbours(Gatehouse):
    """One gateway with both APIs."""

    def __init__(self, binary: Path, milliseconds: int) -> None:
        super().__init__(binary, "neighbours")
        self.milliseconds = milliseconds

    def apis(self, _: object, site: Site) -> list[dict]:
        file = site.directory / "long.js"
        file.write_text(LONG)
        entries = {"short": virtual("/run", "GET", GATEHOUSE_SCRIPTS / "plain.js"), "long": virtual("/run", "GET", file)}
        data = {"milliseconds": self.milliseconds}
        return [
            classic(name, f"/{name}/", UNUSED_UPSTREAM, {"virtual": [entry]}, config_data=data)
            for name, entry in entries.items()
        ]


def line(name: str, result: LoadResult) -> str:
    errors = f", errors {result.errors}" if result.errors else ""
    return (
        f"{name:24}{result.requests_per_second:10,.0f} requests/s   p50 {result.p50_ms:6.2f} ms   "
        f"p99 {result.p99_ms:6.2f} ms{errors}"
    )


def main() -> int:
    p = argparse.ArgumentParser(description="How long a short script takes beside long ones.")
    p.add_argument("--gatehouse", type=Path, default=target_dir() / "release" / "gatehouse")
    p.add_argument("--milliseconds", type=int, default=100, help="processor time of a long call")
    p.add_argument("--long", type=int, default=32, metavar="N", help="connections that ask for long calls")
    p.add_argument("--short", type=int, default=8, metavar="N", help="connections that ask for short calls")
    p.add_argument("--seconds", type=int, default=4)
    arguments = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as temporary:
        site = Site(Path(temporary), free_port(), UNUSED_UPSTREAM)
        server = Neighbours(arguments.gatehouse.absolute(), arguments.milliseconds)
        running = RunningServer(server.command(None, site), site.directory)
        try:
            short = Request("GET", "/short/run")
            running.wait_until(lambda: first_mismatch(site.port, short, [short.path], PLAIN_ANSWER), 15)
            script = site.directory / "wrk.lua"
            script.write_text(wrk_script(short, [short.path]))
            url = f"http://127.0.0.1:{site.port}"

            def load_short() -> LoadResult:
                return run_wrk(url + short.path, script, arguments.short, arguments.seconds)

            load_short()
            print(line("short alone", load_short()))
            beside: list[LoadResult] = []

            def load_long() -> None:
                beside.append(run_wrk(f"{url}/long/run", script, arguments.long, arguments.seconds + 2))

            thread = threading.Thread(target=load_long)
            thread.start()
            print(line("short beside long", load_short()))
            thread.join()
            print(*(line("long", result) for result in beside), sep="\n")
        finally:
            running.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
