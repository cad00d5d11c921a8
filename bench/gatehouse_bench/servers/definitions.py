"""Tyk Classic API definitions for the jobs, as a Tyk user would write them."""
import base64
from pathlib import Path

from ..jobs import PLAIN_BODY, PLAIN_HEADERS

ENDPOINTS_PER_KIND = 5


def classic(api_id: str, listen_path: str, upstream: str, extended_paths: dict | None = None, **more: object) -> dict:
    """A keyless, unversioned API."""
    version: dict = {"name": "Default"}
    if extended_paths:
        version |= {"use_extended_paths": True, "extended_paths": extended_paths}
    return {
        "name": api_id,
        "api_id": api_id,
        "org_id": "default",
        "active": True,
        "use_keyless": True,
        "definition": {"location": "header", "key": "x-version"},
        "version_data": {"not_versioned": True, "versions": {"Default": version}},
        "proxy": {"listen_path": listen_path, "target_url": f"{upstream}/", "strip_listen_path": True},
    } | more


def virtual(path: str, method: str, source: Path) -> dict:
    """A virtual endpoint entry; the function is named as its file is."""
    return {
        "response_function_name": source.stem,
        "function_source_type": "blob",
        "function_source_uri": base64.b64encode(source.read_bytes()).decode(),
        "path": path,
        "method": method,
        "use_session": False,
        "proxy_on_error": False,
    }


def plain_mock(path: str) -> dict:
    """The plain answer as a mock response entry."""
    return {"path": path, "method": "GET", "code": 200, "body": PLAIN_BODY.decode(), "headers": PLAIN_HEADERS}


def routing_listen_path(number: int) -> str:
    return f"/api-{number:04}/"


def routing_paths(api_count: int, length: int) -> list[str]:
    """`length` request paths through all APIs in turn, by the last literal and the last `{id}` pattern alternately."""
    last = ENDPOINTS_PER_KIND - 1
    endings = [f"mock_response/{last - 1}", f"mock_response/some-id/{last}"]
    return [routing_listen_path(turn % api_count) + endings[turn % 2] for turn in range(length)]


def routing_api(number: int, upstream: str) -> dict:
    """An API with 20 endpoints of four kinds, every other pattern with an `{id}`.

    The kind is part of each path: patterns match anywhere in a path by default, and no entry may shadow another.
    """
    patterns = [f"/{{id}}/{i}" if i % 2 == 0 else f"/{i}" for i in range(ENDPOINTS_PER_KIND)]
    disabled_script = base64.b64encode(b"function unused() {}").decode()
    extended_paths = {
        "ignored": [{"path": f"/ignored{p}", "method": "GET", "ignore_case": False} for p in patterns],
        "virtual": [
            {
                "disabled": True,
                "path": f"/virtual{p}",
                "method": "GET",
                "response_function_name": "unused",
                "function_source_type": "blob",
                "function_source_uri": disabled_script,
            }
            for p in patterns
        ],
        "transform_headers": [
            {"path": f"/transform_headers{p}", "method": "GET", "add_headers": {"x-added": "1"}, "delete_headers": []}
            for p in patterns
        ],
        "mock_response": [plain_mock(f"/mock_response{p}") for p in patterns],
    }
    return classic(f"api-{number:04}", routing_listen_path(number), upstream, extended_paths)


def isolation_paths(api_count: int, length: int) -> list[str]:
    """`length` request paths through the virtual endpoints of all APIs in turn."""
    return [f"{routing_listen_path(turn % api_count)}plain" for turn in range(length)]


def isolation_api(number: int, upstream: str, source: Path) -> dict:
    """An API with one virtual endpoint, whose program is its own since its `config_data` is."""
    extended_paths = {"virtual": [virtual("/plain", "GET", source)]}
    config_data = {"number": number}
    return classic(
        f"api-{number:04}", routing_listen_path(number), upstream, extended_paths, config_data=config_data
    )
