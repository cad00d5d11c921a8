//! The command line: what each command prints, with which code it leaves, and that the demo's examples answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long anything may take before the test has failed.
const DEADLINE: Duration = Duration::from_secs(20);

fn gatehouse(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TYK_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    gatehouse(arguments).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn version_is_that_of_the_crate() {
    let output = output(&["--version"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), format!("gatehouse {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_names_every_command() {
    let output = output(&["--help"]);
    assert!(output.status.success());
    let help = text(&output.stdout);
    for word in ["Usage: gatehouse", "run", "check", "demo", "plugin", "settings", "types", "--conf <FILE>"] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
}

#[test]
fn an_argument_that_is_none_is_a_usage_error() {
    let output = output(&["--config", "tyk.conf"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("unexpected argument '--config'"), "{}", text(&output.stderr));
}

#[test]
fn a_missing_configuration_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no-such.conf");
    let named = output(&["--conf", path.to_str().unwrap()]);
    assert_eq!(named.status.code(), Some(1));
    let advice = "    name one with `--conf FILE`, or try `gatehouse demo`, which needs none\n";
    let expected = format!("gatehouse: no configuration file: looked for {}\n{advice}", path.display());
    assert_eq!(text(&named.stderr), expected);
    assert!(named.stdout.is_empty());
}

#[test]
fn check_tells_what_is_served_and_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, content: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    let definition = |name: &str, protection: &str| {
        format!(
            "{{\"name\": \"{name}\", \"api_id\": \"{name}\", \"active\": true,\n{protection},\n\
             \"proxy\": {{\"listen_path\": \"/{name}/\", \"target_url\": \"http://127.0.0.1:1/\"}}}}"
        )
    };
    write("tyk.conf", "{\"listen_address\": \"127.0.0.1\", \"app_path\": \"apps\"}");
    write("apps/open.json", &definition("open", "\"use_keyless\": true"));
    let check = || gatehouse(&["check", "--conf", "tyk.conf"]).current_dir(folder.path()).output().unwrap();
    let good = check();
    assert!(good.status.success(), "{}", text(&good.stderr));
    assert_eq!(text(&good.stdout), "1 of 1 definitions are served\n");

    write("apps/jwt.json", &definition("jwt", "\"enable_jwt\": true"));
    let bad = check();
    assert_eq!(bad.status.code(), Some(1));
    assert_eq!(text(&bad.stdout), "1 of 2 definitions are served\n");
    let said = text(&bad.stderr);
    assert!(said.contains("apps/jwt.json:2:15") && said.contains("enable_jwt"), "{said}");
    assert_eq!(said.matches("API not served").count(), 1, "{said}");
}

#[test]
fn settings_are_printed_as_a_page() {
    let output = output(&["settings"]);
    assert!(output.status.success());
    let page = text(&output.stdout);
    assert!(page.contains("listen_port") && page.contains("gatehouse.limits.max_in_flight"), "{page}");
}

#[test]
fn types_are_printed_as_one_file() {
    let output = output(&["types"]);
    assert!(output.status.success());
    let file = text(&output.stdout);
    for declaration in
        ["type TykVirtualEndpoint ", "interface TykSession ", "declare function log(", "declare var _:"]
    {
        assert_eq!(file.matches(declaration).count(), 1, "{declaration}");
    }
}

/// A running demo; ends with the test.
struct Demo {
    process: Child,
    /// The `curl` lines that it printed.
    examples: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Demo {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = gatehouse(&["demo", "--port", "0"]);
        // The demo writes its examples there; killed, it cannot take them with it.
        command.env("TMPDIR", folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let process = command.spawn().expect("the binary runs");
        let mut demo = Self { process, examples: Vec::new(), _folder: folder };
        let (line, lines) = mpsc::channel();
        let stdout = BufReader::new(demo.process.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        loop {
            let text = lines.recv_timeout(DEADLINE).expect("the demo introduces itself");
            if let Some(example) = text.trim_start().strip_prefix("curl ") {
                demo.examples.push(example.split('#').next().unwrap_or("").trim().to_owned());
            }
            if text.contains("kill -HUP") {
                return demo;
            }
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Does what `curl` would do with such arguments (`-d 'DATA'` and a URL, quoted or not): status and body.
fn curl(arguments: &str) -> (u16, String) {
    let (data, url) = match arguments.strip_prefix("-d '").and_then(|rest| rest.split_once("' ")) {
        Some((data, url)) => (Some(data), url),
        None => (None, arguments),
    };
    let url = url.trim_matches('\'').strip_prefix("http://").expect("an http URL");
    let (host, path) = url.split_once('/').expect("a path");
    let (method, body) = data.map_or(("GET", ""), |data| ("POST", data));
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let length = body.len();
    write!(stream, "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, body.to_owned())
}

#[test]
fn every_example_of_the_demo_answers() {
    let demo = Demo::start();
    let expected = [
        ("/hello-api/greet", "Hello, Ada!"),
        ("/convert/temperature", "\"fahrenheit\":69.8"),
        ("/api/with-orders/7", "\"orders\":[{"),
        ("/api/users/7", "\"Ada\""),
        ("/hello", "\"status\":\"pass\""),
    ];
    assert_eq!(demo.examples.len(), expected.len(), "{:?}", demo.examples);
    for (example, (path, part)) in demo.examples.iter().zip(expected) {
        assert!(example.contains(path), "{example}");
        let (status, body) = curl(example);
        assert_eq!(status, 200, "{example}: {body}");
        assert!(body.contains(part), "{example}: {body}");
    }
}
