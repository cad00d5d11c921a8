"""CPU time and memory of a server with all its processes, from /proc.

nginx has workers and Gatehouse a supervisor, so the figures of one process alone would flatter them.
"""
import os
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Positions in /proc/PID/stat, counted after the command name, which may hold spaces.
STAT_PARENT, STAT_USER_TICKS, STAT_SYSTEM_TICKS = 1, 11, 12


class ProcessLost(Exception):
    """A process of the server ended while it was watched, and took its CPU time with it."""


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


def cpu_times(root: int) -> dict[int, float]:
    """User and system time in seconds of each process of the tree, threads included."""
    times = {}
    for pid in members(root):
        try:
            stat = _stat(pid)
        except (FileNotFoundError, ProcessLookupError) as error:
            raise ProcessLost(f"process {pid} ended") from error
        times[pid] = (int(stat[STAT_USER_TICKS]) + int(stat[STAT_SYSTEM_TICKS])) / TICKS_PER_SECOND
    return times


def cpu_spent(before: dict[int, float], after: dict[int, float]) -> float:
    """Seconds of CPU between two readings; a process born in between counts from its birth."""
    if lost := before.keys() - after.keys():
        raise ProcessLost(f"process {min(lost)} of the server ended during the run")
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


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
