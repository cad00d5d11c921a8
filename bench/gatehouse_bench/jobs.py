"""The jobs: what is asked, what must be answered, and whom a job's figures are compared with."""
import json
from dataclasses import dataclass

from .answer import Expected, Request

PLAIN_BODY = b"This is a virtual endpoint!"
PLAIN_HEADERS = {"foo-header": "bar", "foo-header-2": "baz"}
PLAIN_ANSWER = Expected("text/plain", PLAIN_BODY, PLAIN_HEADERS)
UPSTREAM_PATH = "/item"
UPSTREAM_ITEM = {"id": 7, "name": "Ada"}
ROUTING_GOAL_US = 2.0
ISOLATION_GOAL = 1.5
# What Tyk (July 2026) needed of its machine for the same job, server by server: requests/s and µs of CPU per request.
# It cannot be built here, so these are quoted, not measured; compare ratios to Node's or nginx's figures of that run.
TYK_STATIC = ("virtual endpoint, driver `javascript`: 8,100 requests/s and 205 µs of CPU per request; driver `otto`, its "
              "default: 510 and 2,800; per-endpoint Go plugin: 21,000 to 23,500 and 66 to 74; Node `http` there: 65,000 and 15.8")  # fmt: skip
TYK_WORK = ("virtual endpoint, driver `javascript`: 2,900 requests/s and 641 µs of CPU per request; driver `otto`: 475 and "
            "4,040; Node `http` there: 19,400 and 51, nginx with njs: 18,400 and 91")  # fmt: skip
TYK_AGGREGATE = "virtual endpoint, driver `javascript`: 3,750 requests/s and 399 µs of CPU per request"
TYK_PROXY = "10,000 requests/s and 149 µs of CPU per request; nginx there: 52,000 and 25"
LIMITS_GOAL_US = 1.0
LIMITS_KEY = "bench-key"


def compact_json(value: object) -> bytes:
    """JSON without white space, as JavaScript's JSON.stringify writes it."""
    return json.dumps(value, separators=(",", ":")).encode()


def work_order() -> dict:
    """The body of the `work` job."""
    return {"customer": "ada", "items": [{"id": i, "q": (i * 7) % 13} for i in range(1, 101)]}


def work_result(order: dict) -> dict:
    """What the `work` job computes: the sum of one field, and the items over 6."""
    items = order["items"]
    big = [{"id": item["id"], "double": item["q"] * 2} for item in items if item["q"] > 6]
    return {"customer": order["customer"], "total": sum(item["q"] for item in items), "big": big}


@dataclass(frozen=True)
class Job:
    """One job. `reference` is the server whose figures the ratios are against."""

    name: str
    title: str
    request: Request
    expected: Expected
    reference: str
    needs_upstream: bool = False
    # What Tyk reached at it, quoted.
    tyk: str | None = None


def work_job() -> Job:
    """The title names the true sizes."""
    order, result = compact_json(work_order()), compact_json(work_result(work_order()))
    return Job(
        "work",
        f"work: POST {len(order) / 1000:.1f} KB of JSON (100 items), sum one field, collect the items over 6, "
        f"answer {len(result) / 1000:.1f} KB of JSON",
        Request("POST", "/work", {"Content-Type": "application/json"}, order),
        Expected("application/json", result),
        reference="node",
        tyk=TYK_WORK,
    )


JOBS = [
    Job(
        "static",
        "plain answer: GET one path, 200, a 27-byte text and two headers",
        Request("GET", "/plain"),
        PLAIN_ANSWER,
        reference="hyper",
        tyk=TYK_STATIC,
    ),
    Job(
        "proxy",
        "proxy: pass a GET to a local nginx that answers 21 bytes of JSON",
        Request("GET", UPSTREAM_PATH),
        Expected("application/json", compact_json(UPSTREAM_ITEM)),
        reference="nginx",
        needs_upstream=True,
        tyk=TYK_PROXY,
    ),
    work_job(),
    Job(
        "aggregate",
        "aggregation: one outbound call to a local nginx, parse its JSON, add a field, answer JSON",
        Request("GET", "/aggregate"),
        Expected("application/json", compact_json(UPSTREAM_ITEM | {"greeting": "Hello Ada"})),
        reference="hyper",
        needs_upstream=True,
        tyk=TYK_AGGREGATE,
    ),
    Job(
        "routing",
        "routing: the plain answer as a mock response; 1 API against 1,000 APIs, each with 20 endpoints",
        # The servers of this job have paths of their own: one per API.
        Request("GET", ""),
        PLAIN_ANSWER,
        reference="gatehouse-1-api",
    ),
    Job(
        "isolation",
        "isolation: the plain answer by a JavaScript virtual endpoint; 1 API against 1,000 APIs in turn",
        # As above.
        Request("GET", ""),
        PLAIN_ANSWER,
        reference="gatehouse-1-script",
    ),
    Job(
        "limits",
        "limits: the plain answer for a caller with a key; without limits, with rate and quota, and with both on Redis",
        Request("GET", "/plain", {"Authorization": LIMITS_KEY}),
        PLAIN_ANSWER,
        reference="gatehouse-session",
    ),
]
