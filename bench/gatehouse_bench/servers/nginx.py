"""nginx in its forms: alone, with njs, with Lua; and the upstream that the proxying servers call."""
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ..jobs import PLAIN_BODY, PLAIN_HEADERS, UPSTREAM_ITEM, UPSTREAM_PATH, Job, compact_json
from ..places import NGINX_PEERS
from .base import Server, Site, first_output_line

DEBIAN_MODULES = Path("/usr/lib/nginx/modules")
NJS_MODULES = ("ngx_http_js_module.so",)
LUA_MODULES = ("ndk_http_module.so", "ngx_http_lua_module.so")
PROXY_LOCATION = """
      proxy_pass http://upstream;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
"""


@cache
def modules_dir() -> Path:
    """Where nginx looks for its modules, as it was configured when it was built."""
    output = subprocess.run(["nginx", "-V"], stderr=subprocess.PIPE, text=True).stderr
    found = re.search(r"--modules-path=(\S+)", output)
    return Path(found[1]) if found else DEBIAN_MODULES


def missing_modules(modules: Sequence[str]) -> str | None:
    """Why nginx with these modules cannot run here, or None."""
    if not shutil.which("nginx"):
        return "nginx is not installed (--install)"
    absent = [module for module in modules if not (modules_dir() / module).is_file()]
    return f"nginx has no {' and no '.join(absent)} (--install)" if absent else None


def write_conf(site: Site, locations: str, modules: Sequence[str] = (), http: str = "") -> list[str]:
    """Writes a whole nginx.conf around the locations, with every path inside the site; gives the start command."""
    # Started by root, workers would become `nobody` and could not enter the site's private directory.
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    load = "\n".join(f"load_module {modules_dir() / module};" for module in modules)
    (site.directory / "nginx.conf").write_text(f"""{load}
{user}
daemon off;
worker_processes 2;
pid {site.directory}/nginx.pid;
error_log {site.directory}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  default_type text/plain;
  keepalive_requests 1000000000;
  client_body_temp_path {site.directory}/body;
  proxy_temp_path {site.directory}/proxy;
  fastcgi_temp_path {site.directory}/fastcgi;
  uwsgi_temp_path {site.directory}/uwsgi;
  scgi_temp_path {site.directory}/scgi;
  upstream upstream {{
    server {site.upstream.removeprefix("http://")};
    keepalive 64;
    keepalive_requests 1000000000;
  }}
  {http}
  server {{
    listen 127.0.0.1:{site.port} backlog=1024;
{locations}
  }}
}}
""")
    return ["nginx", "-e", "stderr", "-p", str(site.directory), "-c", "nginx.conf"]


def plain_headers() -> str:
    return "\n".join(f"      add_header {name} {value};" for name, value in PLAIN_HEADERS.items())


class NginxForm(Server):
    """nginx with some modules and one location for each job."""

    modules: Sequence[str] = ()
    http = ""
    locations: Mapping[str, str]

    def missing(self) -> str | None:
        return missing_modules(self.modules)

    def command(self, job: Job, site: Site) -> list[str]:
        location = f"    location = {job.request.path} {{\n{self.locations[job.name]}\n    }}"
        return write_conf(site, location.replace("UPSTREAM", site.upstream), self.modules, self.http)

    def version(self) -> str:
        return first_output_line(["nginx", "-v"]).removeprefix("nginx version: ")


class Nginx(NginxForm):
    name = "nginx"
    jobs = {
        "static": "nginx, 2 workers: `return 200`",
        "proxy": "nginx, 2 workers: `proxy_pass`, upstream keep-alive 64",
    }
    locations = {
        "static": f'{plain_headers()}\n      return 200 "{PLAIN_BODY.decode()}";',
        "proxy": PROXY_LOCATION,
    }


class Njs(NginxForm):
    name = "njs"
    jobs = {
        "static": "nginx + njs: `js_content`, a VM for each request",
        "work": "nginx + njs: `js_content`, a VM for each request",
        "aggregate": "nginx + njs: `ngx.fetch`, a connection for each call",
    }
    modules = NJS_MODULES
    http = f"js_path {NGINX_PEERS};\n  js_import jobs from jobs.js;"
    locations = {
        "static": "      js_content jobs.plain;",
        "work": "      js_content jobs.work;",
        "aggregate": f"      set $upstream_item UPSTREAM{UPSTREAM_PATH};\n      js_content jobs.aggregateFetch;",
    }

    def version(self) -> str:
        return "njs " + first_output_line(["dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-http-js"])


class NjsSubrequest(Njs):
    name = "njs-subrequest"
    jobs = {"aggregate": "nginx + njs: a subrequest, upstream keep-alive 64"}

    def command(self, job: Job, site: Site) -> list[str]:
        locations = f"""
    location = {job.request.path} {{ js_content jobs.aggregateSubrequest; }}
    location = /upstream-item {{
      internal;
      {PROXY_LOCATION.replace("http://upstream;", f"http://upstream{UPSTREAM_PATH};")}
    }}"""
        return write_conf(site, locations, self.modules, self.http)


class Lua(NginxForm):
    name = "lua"
    jobs = {"static": "nginx + Lua: `content_by_lua_block`"}
    modules = LUA_MODULES
    locations = {
        "static": f"""      content_by_lua_block {{
        {"; ".join(f'ngx.header["{name}"] = "{value}"' for name, value in PLAIN_HEADERS.items())}
        ngx.header.content_length = {len(PLAIN_BODY)}
        ngx.print("{PLAIN_BODY.decode()}")
      }}""",
    }

    def version(self) -> str:
        return "lua module " + first_output_line(["dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-http-lua"])


def upstream_command(site: Site) -> list[str]:
    """The local upstream: a separate nginx, so that its CPU time is nobody's."""
    item = compact_json(UPSTREAM_ITEM).decode()
    return write_conf(
        site,
        f"    location = {UPSTREAM_PATH} {{ default_type application/json; return 200 '{item}'; }}",
    )
