"""The local upstream of the jobs that call one, running for the whole run."""
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .answer import Expected, Request, first_mismatch
from .jobs import UPSTREAM_ITEM, UPSTREAM_PATH, compact_json
from .running import RunningServer, free_port
from .servers import Site, upstream_command
from .servers.nginx import missing_modules

# Where definitions point in jobs that call nobody: port 9 is `discard`.
NO_UPSTREAM = "http://127.0.0.1:9"


@contextmanager
def running_upstream(directory: Path, needed: bool) -> Iterator[str]:
    """The origin of a running upstream; NO_UPSTREAM if none is needed, or none can be had."""
    if not needed or missing_modules(()):
        yield NO_UPSTREAM
        return
    directory.mkdir()
    site = Site(directory, free_port(), NO_UPSTREAM)
    running = RunningServer(upstream_command(site), directory)
    try:
        expected = Expected("application/json", compact_json(UPSTREAM_ITEM))
        request = Request("GET", UPSTREAM_PATH)
        running.wait_until(lambda: first_mismatch(site.port, request, [request.path], expected), 15)
        yield f"http://127.0.0.1:{site.port}"
    finally:
        running.stop()
