//! A real redis-server of a test's own, on a free port, stopped when the test lets go of it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::{Value, json};

use crate::{DEADLINE, setup::Setup};

/// The process and its port.
#[derive(Debug)]
pub struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    /// Starts one; `None`, said on standard error, where there is no redis-server to start.
    pub fn start() -> Option<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        Self::on(free.expect("a free port").port())
    }

    /// Starts one on this port.
    pub fn on(port: u16) -> Option<Self> {
        let mut command = Command::new("redis-server");
        let text = port.to_string();
        command.args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port", &text]);
        let mut process =
            match command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn() {
                Ok(process) => process,
                Err(error) => {
                    eprintln!(
                        "SKIPPED: redis-server cannot be started ({error}); install Redis to run this test"
                    );
                    return None;
                }
            };
        let mut lines = BufReader::new(process.stdout.take().expect("stdout is a pipe")).lines();
        let ready =
            lines.by_ref().map_while(Result::ok).any(|line| line.contains("Ready to accept connections"));
        assert!(ready, "redis-server does not listen on port {port}");
        // Read to its end, so that it never waits for a reader.
        thread::spawn(move || lines.for_each(drop));
        Some(Self { process, port })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The `storage` of a `tyk.conf`.
    pub fn storage(&self) -> Value {
        json!({"type": "redis", "host": "127.0.0.1", "port": self.port})
    }

    /// Runs a command, and gives its answer as text, one line for each element.
    pub fn command(&self, command: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("redis listens");
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        answer(&mut BufReader::new(stream))
    }

    /// How often commands of this name have been called.
    pub fn calls(&self, command: &str) -> u64 {
        let stats = self.command("INFO commandstats");
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or(0)
    }
}

fn answer(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let (kind, rest) = line.trim_end().split_at(1);
    match (kind, rest.parse::<i64>()) {
        ("$", Ok(length)) if length >= 0 => {
            let mut text = vec![0; usize::try_from(length).unwrap() + 2];
            stream.read_exact(&mut text).unwrap();
            String::from_utf8_lossy(&text).trim_end().to_owned()
        }
        ("*", Ok(count)) => (0..count).map(|_| answer(stream)).collect::<Vec<_>>().join("\n"),
        ("-", _) => panic!("redis: {rest}"),
        _ => rest.to_owned(),
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Setup {
    /// Keeps keys and counters in this Redis.
    pub fn redis(self, redis: &Redis) -> Self {
        self.set("/storage", redis.storage())
    }
}
