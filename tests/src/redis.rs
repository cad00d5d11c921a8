//! A real Redis of the test's own, on a free port, that can go away and come back; several as a [`Cluster`] or with
//! [`Sentinel`]s over them.

mod cluster;
mod sentinel;

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub use self::{cluster::Cluster, sentinel::Sentinel};
use crate::{DEADLINE, admin::free_port, gateway::eventually};

/// The server, stopped when the test lets go of it.
#[derive(Debug)]
pub struct Redis {
    address: SocketAddr,
    arguments: Vec<String>,
    process: Option<Child>,
    /// Where it works.
    folder: TempDir,
}

impl Redis {
    /// Starts one. `None`, said on standard error, where `redis-server` is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts one with further arguments.
    pub fn start_with(arguments: &[&str]) -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        // Let go of just before it is used; nobody else asks the system for this very port meanwhile.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut redis = Self { address, arguments, process: None, folder };
        redis.come_back();
        Some(redis)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// As settings have it.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// It hangs: connections stay, and new ones are made, but nothing is answered.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// It goes on after [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("it has not gone away");
        kill_process(Pid::from_child(process), signal).expect("it runs");
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
            .args(&self.arguments)
            .current_dir(self.folder.path())
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

    /// As [`command`](Self::command), for those who wait for something: a server may close connections meanwhile, as sentinels
    /// make it do when they change its role.
    ///
    /// # Errors
    /// When the connection does not last.
    pub fn try_command(&self, words: &[&str]) -> io::Result<String> {
        exchange(self.address, words)
    }
}

/// Sends a command to whoever listens there.
fn exchange(address: SocketAddr, words: &[&str]) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(command.as_bytes())?;
    let answer = read(&mut BufReader::new(stream))?;
    if answer.starts_with("LOADING") { Err(io::ErrorKind::ResourceBusy.into()) } else { Ok(answer) }
}

/// Whether there is a `redis-server`; says on standard error that nothing has run when there is none.
fn is_installed() -> bool {
    let installed = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !installed {
        eprintln!("SKIPPED: redis-server is not installed, so nothing of this test has run");
    }
    installed
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
