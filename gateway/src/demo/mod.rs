//! `gatehouse demo`: a working gateway from nothing, with example APIs and the upstreams they call.
//!
//! The examples are written to a folder so that they can be looked at and changed; the gateway reads them as it
//! reads any other.

mod upstream;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    config,
    run::{self, RunError},
    serve::listener,
    telemetry::logging,
};

const APPS: &[(&str, &str)] = &[
    ("hello.json", include_str!("../../demo/apps/hello.json")),
    ("convert.json", include_str!("../../demo/apps/convert.json")),
    ("users.json", include_str!("../../demo/apps/users.json")),
];

const SCRIPTS: &[(&str, &str)] = &[
    ("hello.js", include_str!("../../demo/middleware/hello.js")),
    ("convert.js", include_str!("../../demo/middleware/convert.js")),
    ("aggregate.js", include_str!("../../demo/middleware/aggregate.js")),
];

/// Runs the demo until it is told to stop.
///
/// # Errors
/// When the port is taken or the examples cannot be written.
pub fn run(port: u16) -> Result<(), RunError> {
    let folder = Folder::make().map_err(writing)?;
    let conf = serde_json::json!({
        "listen_address": "127.0.0.1",
        "listen_port": port,
        "app_path": folder.0.join("apps"),
        "middleware_path": folder.0.join("middleware"),
        "enable_jsvm": true,
        "gatehouse": { "access_log": true },
    });
    let conf = serde_json::to_string_pretty(&conf).unwrap_or_default();
    let path = folder.0.join("tyk.conf");
    let settings = {
        fs::create_dir_all(folder.0.join("apps")).map_err(writing)?;
        fs::write(&path, &conf).map_err(writing)?;
        config::load(Some(&path), std::env::vars())?
    };
    logging::start(&settings.log);
    run::runtime(&settings)?.block_on(async {
        let upstream = upstream::start()
            .await
            .map_err(|error| RunError::System { doing: "starting the demo's upstream", error })?;
        folder.write(upstream).map_err(writing)?;
        let shown = folder.0.clone();
        let socket = listener::open(settings.server.listen)?;
        run::serve(settings, socket, None, move |address| introduce(address, &shown)).await
    })
}

fn writing(error: io::Error) -> RunError {
    RunError::System { doing: "writing the demo's examples", error }
}

/// Says what there is to try. To standard output, so that it stands apart from the log.
fn introduce(address: SocketAddr, folder: &Path) {
    println!(
        "
Gatehouse is running with three example APIs. Try:

  curl 'http://{address}/hello-api/greet?name=Ada'                 # JavaScript in the definition
  curl -d '{{\"celsius\": 21}}' http://{address}/convert/temperature   # JavaScript in a file
  curl http://{address}/api/with-orders/7                          # two upstream calls, one answer
  curl http://{address}/api/users/7                                # proxied to the upstream
  curl http://{address}/hello                                      # health

Definitions and scripts are in {}
(change them, then reload with: kill -HUP {}). Ctrl-C stops.
",
        folder.display(),
        std::process::id()
    );
}

/// The folder with the examples; goes with the demo.
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("gatehouse-demo-{}", std::process::id()));
        for part in ["apps", "middleware"] {
            fs::create_dir_all(folder.join(part))?;
        }
        Ok(Self(folder))
    }

    fn write(&self, upstream: SocketAddr) -> io::Result<()> {
        for (name, text) in SCRIPTS {
            fs::write(self.0.join("middleware").join(name), text)?;
        }
        for (name, text) in APPS {
            let mut text = text
                .replace("{{upstream}}", &format!("http://{upstream}"))
                .replace("{{folder}}", &self.0.to_string_lossy());
            for (script, source) in SCRIPTS {
                text = text.replace(&format!("{{{{base64:{script}}}}}"), &STANDARD.encode(source));
            }
            fs::write(self.0.join("apps").join(name), text)?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files, which is where it belongs.
        let _ = fs::remove_dir_all(&self.0);
    }
}
