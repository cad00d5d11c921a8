"""Gatehouse in the forms that the jobs measure."""
import http.client
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..jobs import LIMITS_KEY, UPSTREAM_PATH, Job
from ..places import GATEHOUSE_SCRIPTS
from . import definitions
from .base import Server, Site, first_output_line
from .redis import Redis

LISTEN_PATH = "/bench/"
ROUTED_REQUESTS = 1000
# More than any machine asks for. The window is short, as Redis keeps every request in it.
LIMITED = {"rate": 10_000_000, "per": 1, "quota_max": 1_000_000_000, "quota_renewal_rate": 3600}
CONF = {
    "listen_address": "127.0.0.1",
    "secret": "bench",
    "app_path": "apps",
    "middleware_path": "middleware",
    "enable_jsvm": True,
    "enable_analytics": False,
    "hash_keys": True,
    "policies": {"policy_source": "file", "policy_record_name": "policies/policies.json"},
    # nginx's upstream keeps 64 connections for each of its two workers.
    "max_idle_connections_per_host": 128,
    "log_level": "error",
}


def merge_patch(value: object, patch: object) -> object:
    """A JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for name, part in patch.items():
        if part is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), part)
    return merged


@dataclass
class Gatehouse(Server):
    """What the forms share: the binary, the configuration, and definitions as files in `app_path`."""

    binary: Path
    name: str
    conf_patch: dict = field(default_factory=dict)

    def missing(self) -> str | None:
        return None if self.binary.is_file() else f"{self.binary.name} is not built (--build, --gatehouse)"

    @abstractmethod
    def apis(self, job: Job, site: Site) -> list[dict]:
        """The definitions that the gateway loads for the job."""

    def command(self, job: Job, site: Site) -> list[str]:
        for folder in ("apps", "middleware", "policies"):
            (site.directory / folder).mkdir()
        (site.directory / "policies" / "policies.json").write_text("{}")
        for api in self.apis(job, site):
            (site.directory / "apps" / f"{api['api_id']}.json").write_text(json.dumps(api, indent=1))
        conf = site.directory / "tyk.conf"
        conf.write_text(json.dumps(merge_patch(CONF | {"listen_port": site.port}, self.conf_patch), indent=1))
        return [str(self.binary), "--conf", str(conf)]

    def paths(self, job: Job) -> Sequence[str]:
        return [LISTEN_PATH.rstrip("/") + job.request.path]

    def version(self) -> str:
        return "Gatehouse: " + first_output_line([str(self.binary), "--version"])

    def variant(self, name: str, conf_patch: dict) -> "Gatehouse":
        """The same form with a changed configuration."""
        return replace(self, name=f"{self.name}+{name}", conf_patch=conf_patch)


@dataclass
class Script(Gatehouse):
    """A JavaScript virtual endpoint under one of the drivers."""

    driver: str = "boa"
    sources = {"static": "plain.js", "work": "work.js", "aggregate": "aggregate.js"}

    @property
    def jobs(self) -> Mapping[str, str]:
        what = f"Gatehouse: a JavaScript virtual endpoint, driver `{self.driver}`"
        return {"static": what, "work": what, "aggregate": f"{what}, `TykMakeHttpRequest`"}

    def apis(self, job: Job, site: Site) -> list[dict]:
        endpoint = definitions.virtual(
            job.request.path, job.request.method, GATEHOUSE_SCRIPTS / self.sources[job.name]
        )
        return [
            definitions.classic(
                "bench",
                LISTEN_PATH,
                site.upstream,
                {"virtual": [endpoint]},
                custom_middleware={"driver": self.driver},
                config_data={"upstream": site.upstream},
            )
        ]


@dataclass
class Mock(Gatehouse):
    """The gateway answers itself: its whole chain, and no script."""

    jobs = {"static": "Gatehouse: `mock_response`, no script"}

    def apis(self, job: Job, site: Site) -> list[dict]:
        mock = definitions.plain_mock(job.request.path)
        return [definitions.classic("bench", LISTEN_PATH, site.upstream, {"mock_response": [mock]})]


@dataclass
class Plugin(Gatehouse):
    """An endpoint plugin in Rust: sync for the plain answer, async for the aggregation."""

    library: Path = Path()
    functions = {"static": "plain", "aggregate": "aggregate"}
    jobs = {
        "static": "Gatehouse: a Rust endpoint plugin",
        "aggregate": "Gatehouse: a Rust endpoint plugin, async",
    }

    def missing(self) -> str | None:
        if not self.library.is_file():
            return f"{self.library.name} is not built (--build, --plugin)"
        return super().missing()

    def apis(self, job: Job, site: Site) -> list[dict]:
        entry = {
            "path": job.request.path,
            "method": job.request.method,
            "plugin_path": str(self.library),
            "func_name": self.functions[job.name],
            "config": {"upstream": site.upstream + UPSTREAM_PATH},
        }
        return [definitions.classic("bench", LISTEN_PATH, site.upstream, {"go_plugin": [entry]})]


@dataclass
class Limits(Plugin):
    """The endpoint plugin for a caller with a key, whose limits never bite."""

    limits: dict = field(default_factory=dict)
    what: str = ""
    on_redis: bool = False
    _redis: Redis | None = None

    @property
    def jobs(self) -> Mapping[str, str]:
        return {"limits": f"Gatehouse: a Rust endpoint plugin, {self.what}"}

    def missing(self) -> str | None:
        if self.on_redis and not Redis.installed():
            return "redis-server is not installed"
        return super().missing()

    def command(self, job: Job, site: Site) -> list[str]:
        if self.on_redis:
            self._redis = Redis.start(site.directory)
            self.conf_patch = merge_patch(self.conf_patch, {"storage": self._redis.storage()})
        return super().command(job, site)

    def redis_commands(self) -> int | None:
        return self._redis.commands() if self._redis else None

    def apis(self, job: Job, site: Site) -> list[dict]:
        entry = {"path": job.request.path, "method": job.request.method, "plugin_path": str(self.library)}
        return [
            definitions.classic(
                "bench",
                LISTEN_PATH,
                site.upstream,
                {"go_plugin": [entry | {"func_name": "plain"}]},
                use_keyless=False,
                use_standard_auth=True,
            )
        ]

    def prepare(self, site: Site) -> str | None:
        """Makes the key."""
        right = {"api_id": "bench", "api_name": "bench", "versions": ["Default"]}
        session = {"org_id": "default", "quota_max": -1, "access_rights": {"bench": right}} | self.limits
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
        try:
            secret = {"x-tyk-authorization": CONF["secret"]}
            connection.request("POST", f"/tyk/keys/{LIMITS_KEY}", json.dumps(session), secret)
            answer = connection.getresponse()
            return None if answer.status == 200 else f"status {answer.status} for a key: {answer.read()[:200]!r}"
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()


@dataclass
class Proxy(Gatehouse):
    """A request passed to the upstream."""

    jobs = {"proxy": "Gatehouse: proxy"}

    def apis(self, job: Job, site: Site) -> list[dict]:
        return [definitions.classic("bench", LISTEN_PATH, site.upstream)]


@dataclass
class Routing(Gatehouse):
    """Many APIs with many endpoints, asked in turn."""

    api_count: int = 1
    start_seconds = 60.0

    @property
    def jobs(self) -> Mapping[str, str]:
        return {"routing": f"Gatehouse: APIs of 20 endpoints each: {self.api_count:,}"}

    def apis(self, job: Job, site: Site) -> list[dict]:
        return [definitions.routing_api(number, site.upstream) for number in range(self.api_count)]

    def paths(self, job: Job) -> Sequence[str]:
        """As many paths whatever the number of APIs, so that the load generator has the same to do."""
        return definitions.routing_paths(self.api_count, ROUTED_REQUESTS)


@dataclass
class Isolation(Gatehouse):
    """Many APIs, each with a script of its own, asked in turn."""

    api_count: int = 1
    start_seconds = 60.0

    @property
    def jobs(self) -> Mapping[str, str]:
        return {"isolation": f"Gatehouse: APIs with a script each: {self.api_count:,}"}

    def apis(self, job: Job, site: Site) -> list[dict]:
        source = GATEHOUSE_SCRIPTS / "plain.js"
        return [definitions.isolation_api(number, site.upstream, source) for number in range(self.api_count)]

    def paths(self, job: Job) -> Sequence[str]:
        """As many paths whatever the number of APIs, as for `Routing`."""
        return definitions.isolation_paths(self.api_count, ROUTED_REQUESTS)


def forms(binary: Path, drivers: Sequence[str], plugin: Path) -> list[Gatehouse]:
    """All forms, in the order of the report."""
    return [
        Mock(binary, "gatehouse-mock"),
        Plugin(binary, "gatehouse-plugin", library=plugin),
        *(Script(binary, f"gatehouse-{driver}", driver=driver) for driver in drivers),
        Proxy(binary, "gatehouse-proxy"),
        Routing(binary, "gatehouse-1-api", api_count=1),
        Routing(binary, "gatehouse-1000-apis", api_count=1000),
        Isolation(binary, "gatehouse-1-script", api_count=1),
        Isolation(binary, "gatehouse-1000-scripts", api_count=1000),
        Limits(binary, "gatehouse-session", library=plugin, what="a key without limits"),
        Limits(binary, "gatehouse-limits", library=plugin, limits=LIMITED, what="rate and quota, embedded store"),
        Limits(
            binary, "gatehouse-limits-redis", library=plugin, limits=LIMITED, what="rate and quota, Redis", on_redis=True
        ),
    ]
