"""The servers that are measured: Gatehouse and its peers."""
from collections.abc import Mapping, Sequence
from pathlib import Path

from .base import Server, Site
from .gatehouse import Gatehouse, Plugin, forms
from .hyper import Hyper
from .nginx import Lua, Nginx, Njs, NjsSubrequest, upstream_command
from .node import Fastify, Node

__all__ = ["Gatehouse", "Hyper", "Plugin", "Server", "Site", "all_servers", "upstream_command"]


def all_servers(
    gatehouse: Path,
    hyper_peer: Path,
    drivers: Sequence[str],
    plugin: Path,
    variants: Mapping[str, dict],
) -> list[Server]:
    """Every server, in the order of the report; each variant adds a changed copy of every form of Gatehouse."""
    ours = forms(gatehouse, drivers, plugin)
    return [
        Hyper(hyper_peer),
        Nginx(),
        Lua(),
        Njs(),
        NjsSubrequest(),
        Node(),
        Fastify(),
        *ours,
        *(form.variant(name, patch) for name, patch in variants.items() for form in ours),
    ]
