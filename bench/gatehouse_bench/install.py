"""Installs missing peers, on request only: Debian packages, and Fastify from the lock file."""
import os
import shutil
import subprocess

from .places import NODE_PEERS
from .servers.nginx import LUA_MODULES, NJS_MODULES, missing_modules
from .servers.node import Fastify


def missing_packages() -> list[str]:
    """The Debian packages whose part of the benchmark is not here."""
    absent = {
        "wrk": not shutil.which("wrk"),
        "nginx": not shutil.which("nginx"),
        "libnginx-mod-http-js": missing_modules(NJS_MODULES) is not None,
        "libnginx-mod-http-lua": missing_modules(LUA_MODULES) is not None,
    }
    return [package for package, is_absent in absent.items() if is_absent]


def install_missing() -> list[str]:
    """Installs what can be installed; gives a note for each thing that could not."""
    notes = []
    if packages := missing_packages():
        command = ["apt-get", "install", "-y", *packages]
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            notes.append(f"not installed, this needs root and Debian: {' '.join(command)}")
        elif subprocess.run(command).returncode != 0:
            notes.append(f"failed: {' '.join(command)}")
    if not Fastify.package.is_file():
        if not shutil.which("npm"):
            notes.append("Fastify is not installed: there is no npm")
        elif subprocess.run(["npm", "ci"], cwd=NODE_PEERS).returncode != 0:
            notes.append("Fastify is not installed: npm ci failed")
    return notes
