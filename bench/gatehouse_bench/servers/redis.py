"""A Redis for one form of Gatehouse: a process of its own, so its time is nobody's."""
import shutil
import socket
from pathlib import Path

from ..running import RunningServer, free_port

BINARY = "redis-server"


class Redis:
    """A running redis-server without persistence."""

    def __init__(self, port: int, process: RunningServer) -> None:
        self._port, self._process = port, process

    @staticmethod
    def installed() -> bool:
        return shutil.which(BINARY) is not None

    @classmethod
    def start(cls, directory: Path) -> "Redis":
        """Starts one, and waits until it answers. It ends with the benchmark."""
        folder, port = directory / "redis", free_port()
        folder.mkdir()
        command = [BINARY, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        redis = cls(port, RunningServer(command, folder))
        redis._process.wait_until(redis._mismatch, 10)
        return redis

    def storage(self) -> dict:
        """The `storage` of a tyk.conf."""
        return {"type": "redis", "host": "127.0.0.1", "port": self._port}

    def commands(self) -> int:
        """Commands that clients have sent, those of scripts not counted: `INFO commandstats`."""
        inside_scripts = {"time", "zremrangebyscore", "zcard", "zadd", "pexpire", "get", "set", "incr", "pttl"}
        total = 0
        for line in self._ask("INFO commandstats").splitlines():
            name, _, figures = line.partition(":calls=")
            if figures and name.removeprefix("cmdstat_") not in inside_scripts | {"info"}:
                total += int(figures.split(",")[0])
        return total

    def _mismatch(self) -> str | None:
        try:
            return None if self._ask("PING") == "PONG" else "it does not answer PING"
        except OSError as error:
            return str(error)

    def _ask(self, command: str) -> str:
        with socket.create_connection(("127.0.0.1", self._port), timeout=5) as stream:
            stream.sendall(command.encode() + b"\r\n")
            with stream.makefile("rb") as answer:
                first = answer.readline().decode().rstrip()
                return answer.read(int(first[1:])).decode() if first.startswith("$") else first[1:]
