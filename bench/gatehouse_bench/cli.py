"""The command line, and a run from beginning to end."""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from .build import GATEHOUSE_ARGUMENTS, HYPER_PEER_ARGUMENTS, PLUGIN_ARGUMENTS, ensure_built
from .install import install_missing
from .jobs import JOBS, Job
from .measure import Settings, progress, run_job
from .places import target_dir
from .report import JobResult, Report
from .running import StartFailed
from .servers import Gatehouse, Hyper, Plugin, Server, all_servers
from .upstream import NO_UPSTREAM, running_upstream


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def variant(text: str) -> tuple[str, dict]:
    """NAME=FILE, where the file is a JSON merge patch for tyk.conf."""
    name, _, file = text.partition("=")
    if not name or not file:
        raise argparse.ArgumentTypeError("expected NAME=FILE")
    try:
        patch = json.loads(Path(file).read_text())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{file}: {error}") from error
    if not isinstance(patch, dict):
        raise argparse.ArgumentTypeError(f"{file}: expected a JSON object")
    return name, patch


def at_least(minimum: int) -> Callable[[str], int]:
    """A whole number with a lower bound, so that no run is empty or endless by mistake."""

    def number(text: str) -> int:
        if (value := int(text)) < minimum:
            raise argparse.ArgumentTypeError(f"expected {minimum} or more")
        return value

    return number


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="bench/run.py", description="Measures Gatehouse against its peers.")
    p.add_argument("--jobs", type=names, metavar="A,B", help="only these jobs")
    p.add_argument("--servers", type=names, metavar="A,B", help="only these servers")
    p.add_argument("--list", action="store_true", help="show the jobs and their servers, and measure nothing")
    p.add_argument("--rounds", type=at_least(1), default=3)
    p.add_argument("--seconds", type=at_least(1), default=3, help="length of one round of one server")
    p.add_argument("--connections", type=at_least(1), default=64)
    p.add_argument("--warmup", type=at_least(0), default=1, metavar="SECONDS", help="load before the first round")
    p.add_argument("--gatehouse", type=Path, metavar="PATH", help="the gateway (default: target/release/gatehouse)")
    p.add_argument("--hyper-peer", type=Path, metavar="PATH", help="bare hyper (default: target/release/hyper-peer)")
    p.add_argument("--build", action="store_true", help="build both of these even if they are there")
    p.add_argument("--install", action="store_true", help="install peers that are missing (apt-get, npm)")
    p.add_argument("--drivers", type=names, default=["quickjs", "boa"], metavar="A,B", help="JavaScript drivers of ours")
    p.add_argument("--plugin", type=Path, metavar="FILE", help="a Rust plugin with the endpoints `plain` and `aggregate`")
    p.add_argument("--variant", type=variant, action="append", default=[], metavar="NAME=FILE",
                   help="also ours with tyk.conf changed by this JSON merge patch; may be repeated")  # fmt: skip
    p.add_argument("--out", type=Path, metavar="DIR", help="write results.json and results.md there")
    p.add_argument("--markdown", type=Path, metavar="FILE", help="write the Markdown there")
    return p


def chosen(wanted: Sequence[str] | None, known: Sequence[str], what: str) -> list[str]:
    """The wanted names in the known order; an unknown one ends the run, as it would silently measure less."""
    if unknown := set(wanted or []) - set(known):
        raise SystemExit(f"unknown {what} {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return [name for name in known if not wanted or name in wanted]


def list_all(jobs: Sequence[Job], servers: Sequence[Server]) -> None:
    for job in jobs:
        print(f"{job.name}: {job.title} (reference: {job.reference})")
        for server in servers:
            if job.name in server.jobs:
                reason = server.missing()
                print(f"  {server.name}: {server.jobs[job.name]}" + (f" [skipped: {reason}]" if reason else ""))


def machine() -> str:
    """The processor and its load before the run, which says how far to trust the figures."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} cores ({model}), load average {os.getloadavg()[0]:.1f} before the run"


def build_needed(arguments: argparse.Namespace, servers: Sequence[Server], binaries: dict[type, Path]) -> list[str]:
    """Builds what the chosen servers need; a binary named on the command line is its owner's to build."""
    notes = []
    for kind, named, cargo_arguments in (
        (Gatehouse, arguments.gatehouse, GATEHOUSE_ARGUMENTS),
        (Hyper, arguments.hyper_peer, HYPER_PEER_ARGUMENTS),
        (Plugin, arguments.plugin, PLUGIN_ARGUMENTS),
    ):
        if named is None and any(isinstance(server, kind) for server in servers):
            if note := ensure_built(binaries[kind], cargo_arguments, arguments.build):
                notes.append(note)
    return notes


def measure(jobs: Sequence[Job], servers: Sequence[Server], settings: Settings, notes: list[str]) -> Report:
    """Runs the jobs, each with the servers that are there."""
    missing = {server.name: server.missing() for server in servers}
    present = [server for server in servers if not missing[server.name]]
    report = Report(machine(), sorted({server.version() for server in present}), settings, notes, [])
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as temporary:
        directory = Path(temporary)
        with running_upstream(directory / "upstream", any(job.needs_upstream for job in jobs)) as upstream:
            for job in jobs:
                able = [server for server in servers if job.name in server.jobs]
                skipped = {s.name: missing[s.name] for s in able if missing[s.name]}
                if job.needs_upstream and upstream == NO_UPSTREAM:
                    skipped = {s.name: "there is no nginx to be the upstream" for s in able}
                running = [server for server in able if server.name not in skipped]
                rows = run_job(job, running, directory, upstream, settings) if running else []
                report.results.append(JobResult(job, rows, skipped))
    return report


def write(report: Report, arguments: argparse.Namespace) -> None:
    markdown = report.markdown()
    print(markdown, end="")
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "results.json").write_text(report.json())
        (arguments.out / "results.md").write_text(markdown)
    if arguments.markdown:
        arguments.markdown.write_text(markdown)


def main(command_line: Sequence[str]) -> int:
    """0 if every row is a result, 1 if any failed, 2 if nothing could be measured."""
    arguments = parser().parse_args(command_line)
    # An exit, unlike a signal's default end, runs what stops the servers.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    notes = install_missing() if arguments.install else []
    binaries = {
        Gatehouse: (arguments.gatehouse or target_dir() / "release" / "gatehouse").absolute(),
        Hyper: (arguments.hyper_peer or target_dir() / "release" / "hyper-peer").absolute(),
        Plugin: (arguments.plugin or target_dir() / "release" / "libbench_plugin.so").absolute(),
    }
    known = all_servers(
        binaries[Gatehouse], binaries[Hyper], arguments.drivers, binaries[Plugin], dict(arguments.variant)
    )
    job_names = chosen(arguments.jobs, [job.name for job in JOBS], "job")
    jobs = [job for job in JOBS if job.name in job_names]
    server_names = chosen(arguments.servers, [server.name for server in known], "server")
    servers = [s for s in known if s.name in server_names and s.jobs.keys() & set(job_names)]
    jobs = [job for job in jobs if any(job.name in server.jobs for server in servers)]
    if arguments.list:
        list_all(jobs, servers)
        return 0
    if not shutil.which("wrk"):
        print("wrk is not installed (--install)", file=sys.stderr)
        return 2
    notes += build_needed(arguments, servers, binaries)
    for note in notes:
        progress(f"note: {note}")
    settings = Settings(arguments.rounds, arguments.seconds, arguments.connections, arguments.warmup)
    try:
        report = measure(jobs, servers, settings, notes)
    except StartFailed as error:
        print(f"the upstream did not start: {error}", file=sys.stderr)
        return 2
    write(report, arguments)
    return 1 if report.failed() else 0
