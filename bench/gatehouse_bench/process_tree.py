"""CPU time and memory of a server with all its processes, from /proc.

nginx has workers and Gatehouse a supervisor, so the figures of one process alone would flatter them.
"""
import os
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Positions in /proc/PID/stat, counted after the command name, which may hold spaces.
STAT_PARENT = 1
# User and system time of the process itself, then of its children that ended and were waited for, with theirs.
STAT_TICKS = slice(11, 15)
# Readings of a tree from which a process ends meanwhile, before that is an error.
MOST_READINGS = 10


class ProcessLost(Exception):
    """A process of the server ended while it was looked at."""


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def members(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(int(_stat(int(entry.name))[STAT_PARENT]), []).append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended since the listing
    tree, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        tree.append(pid)
        waiting += children.get(pid, [])
    return tree


def cpu_seconds(root: int) -> float:
    """User and system time of the tree, threads included, and processes that have ended since."""
    for _ in range(MOST_READINGS):
        try:
            return sum(_ticks(pid) for pid in members(root)) / TICKS_PER_SECOND
        except (FileNotFoundError, ProcessLookupError):
            _stat(root)  # gone itself: there is nothing to read again
    raise ProcessLost(f"processes below {root} end all the time")


def _ticks(pid: int) -> int:
    return sum(map(int, _stat(pid)[STAT_TICKS]))


def resident_mb(root: int) -> float:
    """VmRSS summed over the tree in MB; pages that processes share count for each of them."""
    kilobytes = 0
    for pid in members(root):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError) as error:
            raise ProcessLost(f"process {pid} ended") from error
        for line in status.splitlines():
            if line.startswith("VmRSS:"):
                kilobytes += int(line.split()[1])
    return kilobytes / 1024
