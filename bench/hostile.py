#!/usr/bin/env python3
"""What a neighbour notices of hostile scripts: its latency while each of them runs, and what is lost.

    bench/hostile.py --gatehouse target/release/gatehouse [--driver quickjs|boa] [--at-once N] [--scripts DIR ...]

Each script is asked for by N clients at the same time (default 2) under `jsvm_timeout` 1. Meanwhile two neighbours are asked,
one request every 5 ms on a kept connection each: a virtual endpoint of the same driver, and a mock without any script.
"""

import argparse
import base64
import http.client
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = [HERE.parent / "tests" / "hostile", HERE.parent.parent / "shared" / "hostile"]
INTERVAL = 0.005
# Time-out of scripts and the time after it within which there must be an answer.
LIMIT, GRACE = 1, 2


def definition(name, driver, lists):
    version = {"name": "Default", "use_extended_paths": True, "extended_paths": lists}
    return {
        "name": name, "api_id": name, "org_id": "default", "active": True, "use_keyless": True,
        "custom_middleware": {"driver": driver},
        "version_data": {"not_versioned": True, "versions": {"Default": version}},
        "proxy": {"listen_path": f"/{name}/", "target_url": "http://127.0.0.1:1/", "strip_listen_path": True},
    }


def virtual(path, function, source):
    return {
        "path": path, "method": "GET", "response_function_name": function, "function_source_type": "blob",
        "function_source_uri": base64.b64encode(source.encode()).decode(),
    }


def write_configuration(folder, driver, scripts):
    (folder / "apps").mkdir()
    (folder / "middleware").mkdir()
    hostile = []
    for path in scripts:
        function = "hostile_" + re.sub(r"\W", "_", path.stem)
        source = path.read_text().replace("function hostile(", f"function {function}(", 1)
        hostile.append(virtual("/" + path.stem, function, source))
    good = "function good() { return TykJsResponse({Body: 'good', Code: 200}, {}); }"
    neighbour = {
        "virtual": [virtual("/script", "good", good)],
        "mock_response": [{"path": "/mock", "method": "GET", "code": 200, "body": "good", "headers": {}}],
    }
    for name, lists in (("hostile", {"virtual": hostile}), ("neighbour", neighbour)):
        (folder / "apps" / f"{name}.json").write_text(json.dumps(definition(name, driver, lists)))
    conf = {
        "listen_address": "127.0.0.1", "listen_port": 0, "log_format": "json", "app_path": "apps",
        "middleware_path": "middleware", "enable_jsvm": True, "jsvm_timeout": LIMIT,
        "gatehouse": {"plugins": {"cache_path": "plugins"}},
    }
    (folder / "tyk.conf").write_text(json.dumps(conf))


class Neighbour(threading.Thread):
    """Asks for one path at a steady pace and keeps the times."""

    def __init__(self, address, path):
        super().__init__(daemon=True)
        self.address, self.path, self.times, self.lost, self.over = address, path, [], 0, threading.Event()

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        due = time.monotonic()
        while not self.over.is_set():
            begun = time.monotonic()
            try:
                connection.request("GET", self.path)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or body != b"good":
                    self.lost += 1
            except OSError:
                self.lost += 1
                connection.close()
            self.times.append(time.monotonic() - begun)
            due = max(due + INTERVAL, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))


def ask(address, path, outcomes):
    begun = time.monotonic()
    try:
        connection = http.client.HTTPConnection(address, timeout=LIMIT + GRACE + 5)
        connection.request("GET", path)
        status = connection.getresponse().status
    except OSError as error:
        status = str(error)
    outcomes.append((status, time.monotonic() - begun))


def percentile(times, part):
    return sorted(times)[min(len(times) - 1, int(len(times) * part))] * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gatehouse", required=True, type=pathlib.Path)
    parser.add_argument("--driver", choices=["quickjs", "boa"], action="append")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--scripts", type=pathlib.Path, action="append")
    arguments = parser.parse_args()
    scripts = sorted(path for folder in arguments.scripts or SCRIPTS for path in folder.glob("*.js"))
    failed = False
    for driver in arguments.driver or ["quickjs", "boa"]:
        failed |= measure(arguments, driver, scripts)
    return 1 if failed else 0


def measure(arguments, driver, scripts):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_configuration(folder, driver, scripts)
        process = subprocess.Popen(
            [arguments.gatehouse.resolve(), "--conf", "tyk.conf"], cwd=folder, stderr=subprocess.PIPE, text=True
        )
        try:
            lines = iter(process.stderr)
            address = next(json.loads(line)["address"] for line in lines if '"listening"' in line)
            threading.Thread(target=lambda: [None for _ in lines], daemon=True).start()
            return run(driver, address, scripts, arguments.at_once)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def run(driver, address, scripts, at_once):
    neighbours = [Neighbour(address, "/neighbour/script"), Neighbour(address, "/neighbour/mock")]
    for neighbour in neighbours:
        neighbour.start()
    late, wrong, worst, moments = [], [], [], []
    for path in scripts:
        before = [len(neighbour.times) for neighbour in neighbours]
        outcomes, clients = [], []
        for _ in range(at_once):
            clients.append(threading.Thread(target=ask, args=(address, "/hostile/" + path.stem, outcomes)))
            clients[-1].start()
        for client in clients:
            client.join()
        wrong += [f"{path.stem}: {status}" for status, _ in outcomes if status not in (200, 500)]
        late += [f"{path.stem}: {took:.1f} s" for _, took in outcomes if took > LIMIT + GRACE]
        meanwhile = neighbours[0].times[before[0]:]
        if len(meanwhile) > 10:
            worst.append((percentile(meanwhile, 0.99), path.stem))
            moments.append((max(meanwhile) * 1000, path.stem))
    for neighbour in neighbours:
        neighbour.over.set()
        neighbour.join()
    print(f"{driver}: {len(scripts)} scripts, {at_once} at once; not answered with 200 or 500: {wrong or 'none'}; late: {late or 'none'}")
    for neighbour in neighbours:
        print(
            f"  {neighbour.path:18} {len(neighbour.times):6} requests, lost {neighbour.lost}; ms: "
            + ", ".join(f"p{int(part * 1000) / 10:g} {percentile(neighbour.times, part):.1f}" for part in (0.5, 0.9, 0.99, 0.999))
            + f", most {max(neighbour.times) * 1000:.1f}"
        )
    for what, times in (("highest p99", worst), ("longest wait", moments)):
        print(f"  {what} of the script beside: " + ", ".join(f"{name} {ms:.1f}" for ms, name in sorted(times)[-8:][::-1]))
    sys.stdout.flush()
    return bool(wrong or late or any(neighbour.lost for neighbour in neighbours))


if __name__ == "__main__":
    sys.exit(main())
