//! The gateway under test, in a folder of its own.

use std::{fs, io, net::SocketAddr, path::Path, process::Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::BoxError;

/// A running gateway; killed when dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Gateway {
    /// Starts it with this plugin at its endpoint, or without one with a script.
    pub(crate) async fn start(
        binary: &Path,
        plugin: Option<&Path>,
        upstream: SocketAddr,
    ) -> Result<Self, BoxError> {
        let binary = missing(binary, binary.canonicalize())?;
        let endpoint = match plugin {
            Some(plugin) => json!({ "rust_plugin": [{
                "path": "/wait", "method": "GET", "plugin_path": missing(plugin, plugin.canonicalize())?,
                "func_name": "wait", "config": { "upstream": format!("http://{upstream}/") },
            }] }),
            None => json!({ "virtual": [{
                "path": "/wait", "method": "GET", "response_function_name": "wait",
                "function_source_type": "file", "function_source_uri": "wait.js",
            }] }),
        };
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("apps"))?;
        // One process, so that its memory is the gateway's; bounds that would refuse so many at once are wider.
        let conf = json!({
            "listen_address": "127.0.0.1", "listen_port": 0, "app_path": "apps", "log_format": "json",
            "enable_jsvm": true, "jsvm_timeout": 120,
            "gatehouse": {
                "supervisor": false,
                "limits": { "max_in_flight": 1_000_000 },
                "plugins": { "cache_path": "plugins", "timeout_ms": 120_000, "outbound_timeout_ms": 120_000 },
            },
        });
        fs::write(folder.path().join("tyk.conf"), conf.to_string())?;
        fs::write(folder.path().join("wait.js"), script(upstream))?;
        let api = json!({
            "name": "bench", "api_id": "bench", "org_id": "default", "active": true, "use_keyless": true,
            "version_data": { "not_versioned": true, "versions": { "Default": {
                "name": "Default", "use_extended_paths": true, "extended_paths": endpoint,
            } } },
            "proxy": {
                "listen_path": "/bench/", "target_url": format!("http://{upstream}/"), "strip_listen_path": true,
            },
        });
        fs::write(folder.path().join("apps/bench.json"), api.to_string())?;
        let mut process = Command::new(binary)
            .args(["--conf", "tyk.conf"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(process.stderr.take().ok_or("no standard error")?).lines();
        let address = loop {
            let line = lines.next_line().await?.ok_or("the gateway ended before it listened")?;
            let line: Value = serde_json::from_str(&line).map_err(|_| line)?;
            if line["message"] == "listening" {
                break line["address"].as_str().ok_or("no address")?.parse()?;
            }
        };
        // What it says later must not fill the pipe.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("{line}")
            }
        });
        Ok(Self { address, process, _folder: folder })
    }

    pub(crate) fn resident_bytes(&self) -> Result<u64, BoxError> {
        self.status("VmRSS:")
    }

    pub(crate) fn peak_resident_bytes(&self) -> Result<u64, BoxError> {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> Result<u64, BoxError> {
        let pid = self.process.id().ok_or("the gateway has ended")?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("no such field")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

/// A script that waits for the upstream.
fn script(upstream: SocketAddr) -> String {
    format!(
        "function wait(request, session) {{
           var answer = JSON.parse(TykMakeHttpRequest(JSON.stringify({{Method: 'GET', Domain: 'http://{upstream}', Resource: '/'}})));
           return TykJsResponse({{Body: answer.Body, Code: answer.Code}}, session.meta_data);
         }}"
    )
}

fn missing<T>(path: &Path, found: io::Result<T>) -> Result<T, BoxError> {
    found.map_err(|error| {
        let path = path.display();
        format!("{path}: {error}; cargo build --release -p gatehouse -p bench-plugin").into()
    })
}
