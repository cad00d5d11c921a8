"""What a server is to the benchmark."""
import re
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..jobs import Job


@dataclass(frozen=True)
class Site:
    """What a server is given for one job: a directory of its own, its port, and the origin of the local upstream."""

    directory: Path
    port: int
    upstream: str


class Server(ABC):
    """One way to do some of the jobs. Each job gets a process of its own, configured for that job alone."""

    name: str
    # What answers, for each job that it can do.
    jobs: Mapping[str, str]
    start_seconds = 15.0

    @abstractmethod
    def missing(self) -> str | None:
        """Why it cannot be measured on this machine, or None."""

    @abstractmethod
    def command(self, job: Job, site: Site) -> list[str]:
        """Writes what the server needs into the site's directory and gives the command that starts it."""

    @abstractmethod
    def version(self) -> str:
        """What was measured, for the report."""

    def prepare(self, site: Site) -> str | None:
        """Does what can only be done once the server answers; says why it is not done yet, or None."""
        return None

    def redis_commands(self) -> int | None:
        """Commands that its Redis has had by now; None without one."""
        return None

    def paths(self, job: Job) -> Sequence[str]:
        """The paths that are requested in turn."""
        return [job.request.path]


def first_output_line(command: Sequence[str]) -> str:
    """The first line that a version command prints, wherever it prints it."""
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = run.stdout.strip().splitlines()
    return re.sub(r"\s+", " ", lines[0]) if lines else "unknown"
