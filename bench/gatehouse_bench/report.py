"""The result as Markdown, which is also what the terminal shows, and as JSON."""
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from .jobs import ISOLATION_GOAL, ROUTING_GOAL_US, Job
from .measure import Figures, Row, Settings

HEADINGS = [
    "server", "what answers", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "RSS MB", "errors",
    "× requests/s", "× CPU",
]  # fmt: skip
TEXT_COLUMNS = 2


@dataclass
class JobResult:
    """All rows of a job, and the servers that did not take part with the reason."""

    job: Job
    rows: list[Row]
    skipped: dict[str, str]

    def reference(self) -> Figures | None:
        """The figures that ratios are against, if they are a result."""
        for row in self.rows:
            if row.server == self.job.reference and not row.failure:
                return row.medians()
        return None


@dataclass
class Report:
    """A whole run."""

    machine: str
    versions: list[str]
    settings: Settings
    notes: list[str]
    results: list[JobResult]

    def failed(self) -> bool:
        """Whether any row failed, or there is no row at all."""
        rows = [row for result in self.results for row in result.rows]
        return not rows or any(row.failure for row in rows)

    def markdown(self) -> str:
        s = self.settings
        lines = [
            f"{self.machine}. Load: `wrk -t1 -c{s.connections} -d{s.seconds}s --latency` on the same cores, loopback, "
            f"keep-alive, {s.rounds} interleaved round(s), median.",
            f"Versions: {'; '.join(self.versions)}." if self.versions else "",
            *(f"Note: {note}." for note in self.notes),
        ]
        sections = ["\n".join(filter(None, lines)), *map(job_section, self.results)]
        return "\n\n".join(sections) + "\n"

    def json(self) -> str:
        value = {
            "machine": self.machine,
            "versions": self.versions,
            "settings": asdict(self.settings),
            "notes": self.notes,
            "jobs": [job_value(result) for result in self.results],
        }
        return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def job_section(result: JobResult) -> str:
    """Heading, table and remarks of one job."""
    lines = [f"### {result.job.title[0].upper()}{result.job.title[1:]}", ""]
    if result.rows:
        lines += table(result)
        lines += ["", ratio_note(result), ""]
    lines += [f"- **{row.server} FAILED**: {' '.join(row.failure.split())}" for row in result.rows if row.failure]
    lines += [f"- {server} skipped: {reason}" for server, reason in result.skipped.items()]
    lines += [f"- {remark}" for remark in routing_remarks(result.rows) + isolation_remarks(result.rows)]
    if result.job.tyk:
        lines.append(f"- Tyk, quoted from a run on another machine: {result.job.tyk}")
    return "\n".join(lines).rstrip()


def ratio_note(result: JobResult) -> str:
    if result.reference():
        return f"Ratios are against `{result.job.reference}`."
    return f"No ratios: `{result.job.reference}`, which they would be against, has no result."


def table(result: JobResult) -> list[str]:
    """A Markdown table with aligned columns, readable as it is."""
    reference = result.reference()
    lines = [HEADINGS] + [cells(row, reference) for row in result.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width if i < TEXT_COLUMNS else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    lines.insert(1, rule)
    return ["| " + " | ".join(aligned(line, widths)) + " |" for line in lines]


def aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    padded = enumerate(zip(line, widths, strict=True))
    return [cell.ljust(width) if i < TEXT_COLUMNS else cell.rjust(width) for i, (cell, width) in padded]


def cells(row: Row, reference: Figures | None) -> list[str]:
    """One line of the table. A failed row has no ratios: its figures are no result."""
    figures = row.medians()
    if figures is None:
        unknown = ["–"] * (len(HEADINGS) - TEXT_COLUMNS)
        unknown[HEADINGS.index("errors") - TEXT_COLUMNS] = "FAILED" if row.failure else "–"
        return [row.server, row.description, *unknown]
    ratio = ratios(row, reference)
    return [
        row.server,
        row.description,
        f"{figures.requests_per_second:,.0f}",
        f"{figures.p50_ms:.2f}",
        f"{figures.p99_ms:.2f}",
        f"{figures.cpu_us:.1f}",
        f"{figures.rss_mb:.0f}",
        "FAILED" if row.failure else "0",
        *([f"{value:.2f}" for value in ratio] if ratio else ["–", "–"]),
    ]


def ratios(row: Row, reference: Figures | None) -> tuple[float, float] | None:
    """Requests/s and CPU per request as multiples of the reference's."""
    figures = row.medians()
    if row.failure or figures is None or reference is None:
        return None
    cpu = figures.cpu_us / reference.cpu_us if reference.cpu_us else float("inf")
    return figures.requests_per_second / reference.requests_per_second, cpu


def routing_remarks(rows: Sequence[Row]) -> list[str]:
    """What 999 more APIs cost, for each variant that ran with both numbers of APIs.

    The two are compared within each round, as the machine drifts more between rounds than within one.
    """
    sound = {row.server: row for row in rows if not row.failure}
    remarks = []
    for name, one in sound.items():
        many = sound.get(name.replace("gatehouse-1-api", "gatehouse-1000-apis"))
        if many is None or many is one:
            continue
        differences = [b.cpu_us - a.cpu_us for a, b in zip(one.rounds, many.rounds, strict=True)]
        verdict = "met" if median(differences) < ROUTING_GOAL_US else "MISSED"
        remarks.append(
            f"{name.replace('gatehouse-1-api', 'gatehouse')}: 1,000 APIs cost {median(differences):+.2f} µs of CPU "
            f"per request against 1 API (rounds: {', '.join(f'{d:+.2f}' for d in differences)}); "
            f"the goal, below {ROUTING_GOAL_US:g} µs, is {verdict}"
        )
    return remarks


def isolation_remarks(rows: Sequence[Row]) -> list[str]:
    """What it costs that each of 1,000 APIs has a program of its own, compared within each round as above."""
    sound = {row.server: row for row in rows if not row.failure}
    remarks = []
    for name, one in sound.items():
        many = sound.get(name.replace("gatehouse-1-script", "gatehouse-1000-scripts"))
        if many is None or many is one:
            continue
        times = [b.cpu_us / a.cpu_us for a, b in zip(one.rounds, many.rounds, strict=True) if a.cpu_us]
        if not times:
            continue
        verdict = "met" if median(times) <= ISOLATION_GOAL else "MISSED"
        remarks.append(
            f"{name.replace('gatehouse-1-script', 'gatehouse')}: 1,000 APIs in turn take {median(times):.2f} times the "
            f"CPU of one (rounds: {', '.join(f'{t:.2f}' for t in times)}); the goal, at most {ISOLATION_GOAL:g}, is {verdict}"
        )
    return remarks


def job_value(result: JobResult) -> dict:
    """One job for the JSON file."""
    reference = result.reference()
    rows = []
    for row in result.rows:
        figures, ratio = row.medians(), ratios(row, reference)
        rows.append(
            {
                "server": row.server,
                "description": row.description,
                "failure": row.failure,
                "median": asdict(figures) if figures else None,
                "ratio_requests_per_second": ratio[0] if ratio else None,
                "ratio_cpu": ratio[1] if ratio else None,
                "rounds": [asdict(figures) for figures in row.rounds],
            }
        )
    return {
        "name": result.job.name,
        "title": result.job.title,
        "reference": result.job.reference,
        "rows": rows,
        "skipped": result.skipped,
        "remarks": routing_remarks(result.rows),
    }
