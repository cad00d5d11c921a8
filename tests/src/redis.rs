//! A real Redis of the test's own, on a free port, that can go away and come back.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use crate::{DEADLINE, gateway::eventually};

/// The server, stopped when the test lets go of it.
#[derive(Debug)]
pub struct Redis {
    address: SocketAddr,
    process: Option<Child>,
}

impl Redis {
    /// Starts one. `None`, said on standard error, where `redis-server` is not installed.
    pub fn start() -> Option<Self> {
        let installed = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if installed.is_err() {
            eprintln!("SKIPPED: redis-server is not installed, so nothing of this test has run");
            return None;
        }
        // Let go of just before it is used; nobody else asks the system for this very port meanwhile.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = free.local_addr().unwrap();
        drop(free);
        let mut redis = Self { address, process: None };
        redis.come_back();
        Some(redis)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Stops it, as a machine does that loses its power: nothing is kept.
    pub fn go_away(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts it on the same port, empty, and waits until it answers.
    pub fn come_back(&mut self) {
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(self.port().to_string())
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        self.process = Some(process);
        eventually("redis-server answers", || self.try_command(&["PING"]).ok());
    }

    /// Sends a command and gives the text of its answer; arrays are their lines.
    pub fn command(&self, words: &[&str]) -> String {
        self.try_command(words).unwrap_or_else(|error| panic!("redis: {words:?}: {error}"))
    }

    fn try_command(&self, words: &[&str]) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream.write_all(command.as_bytes())?;
        let answer = read(&mut BufReader::new(stream))?;
        if answer.starts_with("LOADING") { Err(io::ErrorKind::ResourceBusy.into()) } else { Ok(answer) }
    }
}

/// One answer of Redis's protocol.
fn read(from: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let (kind, rest) = line.trim_end().split_at(1);
    let length = || rest.parse::<i64>().map_err(|_| io::Error::other(line.clone()));
    match kind {
        "$" => {
            let Ok(length) = usize::try_from(length()?) else { return Ok(String::new()) };
            let mut text = vec![0; length + 2];
            from.read_exact(&mut text)?;
            text.truncate(length);
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        "*" => {
            let items = (0..length()?).map(|_| read(from)).collect::<io::Result<Vec<_>>>()?;
            Ok(items.join("\n"))
        }
        _ => Ok(rest.to_owned()),
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.go_away();
    }
}
