"""The load generator: one bounded run of wrk, read back as figures."""
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .answer import Request

# `done` runs once after the load, so reading the figures there costs nothing during it.
REPORT_LUA = """
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nBENCH {"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.timeout, e.status))
end
"""
# One request is prepared once by wrk itself; several are prepared by `init` and sent in turn.
IN_TURN_LUA = """
local prepared, turn = {}, 0
function init(args)
  for i, path in ipairs(paths) do prepared[i] = wrk.format(nil, path) end
end
function request()
  turn = turn % #prepared + 1
  return prepared[turn]
end
"""


class LoadFailed(Exception):
    """wrk itself did not do its work."""


@dataclass(frozen=True)
class LoadResult:
    """What the clients saw in one run."""

    requests: int
    seconds: float
    bytes_read: int
    p50_ms: float
    p99_ms: float
    errors: dict[str, int]

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.seconds


def lua_string(text: str | bytes) -> str:
    """A Lua literal for any bytes, by decimal escapes where needed."""
    raw = text.encode() if isinstance(text, str) else text
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03}" for b in raw) + '"'


def wrk_script(request: Request, paths: Sequence[str]) -> str:
    """The Lua script for a job. `paths` are requested in turn, on all connections together."""
    lines = [f"wrk.method = {lua_string(request.method)}"]
    if request.body:
        lines.append(f"wrk.body = {lua_string(request.body)}")
    lines += [f"wrk.headers[{lua_string(name)}] = {lua_string(value)}" for name, value in request.headers.items()]
    if len(paths) > 1:
        lines += ["local paths = {" + ", ".join(map(lua_string, paths)) + "}", IN_TURN_LUA]
    return "\n".join([*lines, REPORT_LUA])


def run_wrk(url: str, script: Path, connections: int, seconds: int) -> LoadResult:
    """One run of wrk with one thread; it ends by itself, and is stopped if it does not."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 15)
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"wrk did not end within {error.timeout} s") from error
    line = next((line for line in run.stdout.splitlines() if line.startswith("BENCH ")), None)
    if run.returncode != 0 or line is None:
        raise LoadFailed(f"wrk ended with {run.returncode}: {(run.stderr or run.stdout).strip()[-300:]}")
    figures = json.loads(line.removeprefix("BENCH "))
    return LoadResult(
        requests=figures["requests"],
        seconds=figures["duration_us"] / 1e6,
        bytes_read=figures["bytes"],
        p50_ms=figures["p50_us"] / 1e3,
        p99_ms=figures["p99_us"] / 1e3,
        errors={kind: count for kind, count in figures["errors"].items() if count},
    )
