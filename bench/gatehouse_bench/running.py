"""Server processes: started on a free loopback port, waited for by their answer, and always stopped."""
import atexit
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

POLL_SECONDS = 0.02
STOP_SECONDS = 5
LOG_TAIL = 600


class StartFailed(Exception):
    """A server ended, or did not answer as it should, before its time was up."""


def free_port() -> int:
    """A loopback port that the system says is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RunningServer:
    """A process group of ours. `stop` ends all of it; leaving Python ends whatever is left."""

    def __init__(self, command: Sequence[str], directory: Path) -> None:
        self._log = directory / "output.log"
        # Variables meant for a real Tyk or Gatehouse would override the benchmark's configuration.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TYK_GW_")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        atexit.register(self.stop)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until(self, mismatch: Callable[[], str | None], seconds: float) -> None:
        """Returns once `mismatch` finds nothing wrong; raises StartFailed when the time is up or the process ends."""
        deadline = time.monotonic() + seconds
        while problem := mismatch():
            try:
                code = self._process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() < deadline:
                    continue
                raise StartFailed(f"not right within {seconds:g} s: {problem}{self._log_tail()}") from None
            raise StartFailed(f"ended with {code} at its start{self._log_tail()}")
        if self._process.poll() is not None:
            raise StartFailed(f"something else answers on its port{self._log_tail()}")

    def stop(self) -> None:
        """Asks the whole group to end, then ends it; a second call does nothing."""
        atexit.unregister(self.stop)
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass

    def _log_tail(self) -> str:
        text = self._log.read_text(errors="replace").strip()
        return f"; its output ends with: {text[-LOG_TAIL:]}" if text else ""
