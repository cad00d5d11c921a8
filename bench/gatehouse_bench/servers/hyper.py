"""Bare hyper: the floor for anything built on it."""
from pathlib import Path

from ..jobs import UPSTREAM_PATH, Job
from ..places import HYPER_PEER
from .base import Server, Site


class Hyper(Server):
    name = "hyper"
    jobs = {
        "static": "bare hyper 1.x, tokio multi-thread: a Rust closure",
        "aggregate": "bare hyper 1.x with hyper-util's pooled client, serde_json",
    }

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    def missing(self) -> str | None:
        return None if self._binary.is_file() else f"{self._binary.name} is not built (--build, --hyper-peer)"

    def command(self, job: Job, site: Site) -> list[str]:
        upstream = site.upstream + UPSTREAM_PATH
        return [str(self._binary), "--listen", f"127.0.0.1:{site.port}", "--upstream", upstream]

    def version(self) -> str:
        """The version of hyper in the lock file that the build used."""
        for lock in (HYPER_PEER.parent.parent / "Cargo.lock", HYPER_PEER / "Cargo.lock"):
            if lock.is_file() and '\nname = "hyper"\nversion = "' in (text := lock.read_text()):
                return "hyper " + text.split('\nname = "hyper"\nversion = "')[1].partition('"')[0]
        return "hyper 1.x"
