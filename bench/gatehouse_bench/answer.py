"""What a job demands as its answer, and whether a server gives it.

Nobody may win by answering something else, so every server is checked against the same expectation before and after
each of its runs.
"""
import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Expected:
    """The answer that a job demands. Headers beyond those named are allowed."""

    media_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def mismatch(self, reply: Reply) -> str | None:
        """Says what is wrong with the reply, or None if it is right."""
        if reply.status != 200:
            return f"status {reply.status} instead of 200, body {reply.body[:200]!r}"
        media_type = reply.headers.get("content-type", "").partition(";")[0].strip()
        if media_type != self.media_type:
            return f"content type {media_type!r} instead of {self.media_type!r}"
        for name, value in self.headers.items():
            if reply.headers.get(name) != value:
                return f"header {name} is {reply.headers.get(name)!r} instead of {value!r}"
        if not self._same_body(reply.body):
            return f"body {reply.body[:200]!r} instead of {self.body[:200]!r}"
        return None

    def _same_body(self, body: bytes) -> bool:
        """JSON is compared as a value: engines may order keys and escape characters differently."""
        if self.media_type != "application/json":
            return body == self.body
        try:
            return json.loads(body) == json.loads(self.body)
        except ValueError:
            return False


@dataclass(frozen=True)
class Request:
    """The request that a job sends, over and over."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def first_mismatch(port: int, request: Request, paths: Iterable[str], expected: Expected) -> str | None:
    """Asks for every distinct path once on one connection; says what is wrong with the first wrong answer.

    A server that cannot be reached is a mismatch, not an exception: while it starts, that is the usual case.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        for path in dict.fromkeys(paths):
            connection.request(request.method, path, request.body or None, dict(request.headers))
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            if problem := expected.mismatch(Reply(response.status, headers, response.read())):
                return f"{request.method} {path}: {problem}"
        return None
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
