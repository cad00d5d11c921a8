"""Runs a job: all its servers are started and checked, then loaded in turn, round after round.

Interleaving (A B C, A B C, ...) spreads what else happens on the machine over all servers alike; the median of the
rounds drops what hit a single one.
"""
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from . import process_tree
from .answer import first_mismatch
from .jobs import Job
from .load import LoadFailed, LoadResult, run_wrk, wrk_script
from .process_tree import ProcessLost
from .running import RunningServer, StartFailed, free_port
from .servers import Server, Site


@dataclass(frozen=True)
class Settings:
    """How much load, and how long."""

    rounds: int
    seconds: int
    connections: int
    warmup: int


@dataclass(frozen=True)
class Figures:
    """One round of one server, or the medians of its rounds."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    rss_mb: float


@dataclass
class Row:
    """What a job says about one server. With a failure, the figures are no result."""

    server: str
    description: str
    rounds: list[Figures] = field(default_factory=list)
    failure: str | None = None
    # For each round, commands to Redis for each request; empty without a Redis.
    redis_commands: list[float] = field(default_factory=list)

    def summary(self) -> str:
        """The last round in a line."""
        if not self.rounds:
            return f"{self.server}: nothing"
        last = self.rounds[-1]
        return f"{self.server}: {last.requests_per_second:,.0f} requests/s, {last.cpu_us:.1f} µs CPU/request"

    def medians(self) -> Figures | None:
        """Each figure's median over the rounds."""
        if not self.rounds:
            return None
        return Figures(**{name: median(vars(r)[name] for r in self.rounds) for name in Figures.__dataclass_fields__})


class Contender:
    """A server taking part in a job, and its row. Used as a context: leaving it stops the server."""

    def __init__(self, server: Server, job: Job, directory: Path, upstream: str) -> None:
        self.row = Row(server.name, server.jobs[job.name])
        self._server, self._job, self._paths = server, job, server.paths(job)
        self._site = Site(directory, free_port(), upstream)
        self._script = directory / "wrk.lua"
        self._running: RunningServer | None = None

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, *_: object) -> None:
        if self._running:
            self._running.stop()

    def start(self) -> None:
        """Starts the server and returns when every path gives the job's answer."""
        self._script.write_text(wrk_script(self._job.request, self._paths))
        command = self._server.command(self._job, self._site)
        self._running = RunningServer(command, self._site.directory)
        self._running.wait_until(lambda: self._server.prepare(self._site), self._server.start_seconds)
        self._running.wait_until(self._mismatch, self._server.start_seconds)

    def load(self, connections: int, seconds: int) -> LoadResult:
        """Loads the server; leaves a failure in the row if anything was not as it should be."""
        result = run_wrk(f"http://127.0.0.1:{self._site.port}{self._paths[0]}", self._script, connections, seconds)
        self.row.failure = self._fault(result)
        return result

    def measure(self, connections: int, seconds: int) -> None:
        """One round: load between two readings of the CPU time, then the memory."""
        assert self._running, "a contender is started before it is measured"
        pid = self._running.pid
        before, commands = process_tree.cpu_seconds(pid), self._server.redis_commands()
        result = self.load(connections, seconds)
        cpu = process_tree.cpu_seconds(pid) - before
        if result.requests == 0:
            return
        if commands is not None:
            sent = (self._server.redis_commands() or 0) - commands
            self.row.redis_commands.append(sent / result.requests)
        self.row.rounds.append(
            Figures(
                result.requests_per_second,
                result.p50_ms,
                result.p99_ms,
                cpu * 1e6 / result.requests,
                process_tree.resident_mb(pid),
            )
        )

    def _mismatch(self) -> str | None:
        return first_mismatch(self._site.port, self._job.request, self._paths, self._job.expected)

    def _fault(self, result: LoadResult) -> str | None:
        """wrk counts errors but looks at no body, so the amount read and one more check stand in for that."""
        if result.errors:
            return "errors under load: " + ", ".join(f"{count} {kind}" for kind, count in result.errors.items())
        if result.requests == 0:
            return "no request was answered"
        if result.bytes_read < result.requests * len(self._job.expected.body):
            return f"{result.bytes_read} bytes in {result.requests} answers: some were not the job's answer"
        if problem := self._mismatch():
            return f"after the load: {problem}"
        return None


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def failing(row: Row) -> Iterator[None]:
    """Turns what can go wrong with one server into its row's failure; the others go on."""
    try:
        yield
    except (StartFailed, LoadFailed, ProcessLost, OSError) as error:
        row.failure = str(error)
    if row.failure:
        progress(f"  {row.server}: FAILED: {row.failure}")


def run_job(job: Job, servers: Sequence[Server], directory: Path, upstream: str, settings: Settings) -> list[Row]:
    """Measures the servers at one job."""
    progress(f"{job.name}: {', '.join(server.name for server in servers)}")
    with ExitStack() as running:
        contenders = []
        for server in servers:
            site = directory / f"{job.name}-{server.name}"
            site.mkdir()
            contenders.append(running.enter_context(Contender(server, job, site, upstream)))
        for contender in contenders:
            with failing(contender.row):
                contender.start()
        if settings.warmup:
            for contender in sound(contenders):
                with failing(contender.row):
                    contender.load(settings.connections, settings.warmup)
        for number in range(1, settings.rounds + 1):
            for contender in sound(contenders):
                with failing(contender.row):
                    contender.measure(settings.connections, settings.seconds)
                    progress(f"  round {number}, {contender.row.summary()}")
        return [contender.row for contender in contenders]


def sound(contenders: Sequence[Contender]) -> list[Contender]:
    """Those without a failure so far."""
    return [contender for contender in contenders if not contender.row.failure]
