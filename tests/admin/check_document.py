#!/usr/bin/env python3
"""Plays the admin API's own document against it: whatever schemathesis thinks of, the answers are the documented ones.

    check_document.py --gatehouse target/debug/gatehouse [--examples 30] [--command schemathesis]

Starts the gateway on a free port of 127.0.0.1 in a folder of its own, runs schemathesis over /tyk/schema/admin with a
fixed seed, and looks afterwards whether the gateway is still well. Python standard library only, besides schemathesis.
"""
import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

SECRET = "schemathesis"
API = {
    "name": "shop", "api_id": "shop", "org_id": "default", "active": True, "use_keyless": True,
    "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
    "proxy": {"listen_path": "/shop/", "target_url": "http://127.0.0.1:1/", "strip_listen_path": True},
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_folder(folder: Path, port: int) -> None:
    for name in ("apps", "middleware", "policies"):
        (folder / name).mkdir()
    (folder / "apps" / "shop.json").write_text(json.dumps(API))
    (folder / "policies" / "policies.json").write_text("{}")
    conf = {
        "listen_address": "127.0.0.1", "listen_port": port, "secret": SECRET, "app_path": "apps",
        "middleware_path": "middleware", "enable_jsvm": True, "hash_keys": True, "enable_hashed_keys_listing": True,
        "policies": {"policy_source": "file", "policy_record_name": "policies/policies.json"}, "log_level": "warn",
    }
    (folder / "tyk.conf").write_text(json.dumps(conf))


def is_well(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello", timeout=10) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def wait_until_well(port: int, gateway: subprocess.Popen) -> None:
    end = time.monotonic() + 30
    while not is_well(port):
        if gateway.poll() is not None or time.monotonic() > end:
            sys.exit("the gateway does not answer /hello")
        time.sleep(0.05)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gatehouse", default="target/debug/gatehouse", help="the binary")
    parser.add_argument("--command", default="schemathesis", help="how schemathesis is called")
    parser.add_argument("--examples", type=int, default=30, help="requests tried for each operation and phase")
    options = parser.parse_args()
    binary = Path(options.gatehouse).resolve()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="gatehouse-schemathesis-") as temporary:
        folder = Path(temporary)
        write_folder(folder, port)
        log = folder / "gateway.log"
        with open(log, "wb") as output:
            gateway = subprocess.Popen([binary, "--conf", "tyk.conf"], cwd=folder, stdout=output, stderr=output)
        try:
            wait_until_well(port, gateway)
            done = subprocess.run(
                [
                    options.command, "run", f"http://127.0.0.1:{port}/tyk/schema/admin",
                    "--header", f"x-tyk-authorization: {SECRET}", "--max-examples", str(options.examples),
                    "--seed", "1", "--workers", "1", "--no-color", "--phases", "examples,coverage,fuzzing",
                    "--suppress-health-check", "all", "--generation-database", "none",
                    # A definition that is right by its schema may still have a listen path that another API has.
                    "--checks", "all", "--exclude-checks", "positive_data_acceptance",
                ],
                cwd=folder, check=False,
            )
            well = is_well(port)
        finally:
            gateway.send_signal(signal.SIGTERM)
            try:
                gateway.wait(20)
            except subprocess.TimeoutExpired:
                gateway.kill()
                gateway.wait()
        text = log.read_text(errors="replace")
        panics = [line for line in text.splitlines() if "panicked" in line or "crashed" in line]
        for line in panics:
            print(line)
        if not well or gateway.returncode != 0:
            print(text[-4000:])
            print(f"schemathesis: the gateway is not well afterwards (exit code {gateway.returncode})")
        return 1 if panics or not well or gateway.returncode != 0 else done.returncode


if __name__ == "__main__":
    sys.exit(main())
