"""Node's own `http`, and Fastify on it. Both are one process, as they are without a cluster in front."""
import json
import shutil

from ..jobs import UPSTREAM_PATH, Job
from ..places import NODE_PEERS
from .base import Server, Site, first_output_line


class Node(Server):
    name = "node"
    jobs = {
        "static": "Node `http`: a handler",
        "work": "Node `http`: a handler",
        "aggregate": "Node `http`: `http.request` with a keep-alive agent",
    }

    def missing(self) -> str | None:
        return None if shutil.which("node") else "node is not installed"

    def command(self, job: Job, site: Site) -> list[str]:
        return ["node", str(NODE_PEERS / "http.js"), str(site.port), site.upstream + UPSTREAM_PATH]

    def version(self) -> str:
        return "Node " + first_output_line(["node", "--version"])


class Fastify(Server):
    name = "fastify"
    jobs = {"static": "Fastify 5: a handler", "work": "Fastify 5: a handler"}
    package = NODE_PEERS / "node_modules" / "fastify" / "package.json"

    def missing(self) -> str | None:
        if not shutil.which("node"):
            return "node is not installed"
        return None if self.package.is_file() else "fastify is not installed (--install, or npm ci in bench/peers/node)"

    def command(self, job: Job, site: Site) -> list[str]:
        return ["node", str(NODE_PEERS / "fastify.js"), str(site.port)]

    def version(self) -> str:
        return "Fastify " + json.loads(self.package.read_text())["version"]
