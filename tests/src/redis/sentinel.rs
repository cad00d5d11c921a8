//! A master, its replica, and a sentinel that makes a master of the replica when the other one is gone.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{Redis, exchange};
use crate::{admin::free_port, gateway::eventually};

/// All three; stopped when the test lets go of them.
#[derive(Debug)]
pub struct Sentinel {
    pub master: Redis,
    pub replica: Redis,
    address: SocketAddr,
    process: Child,
    /// Where the sentinel writes what it knows.
    _folder: TempDir,
}

impl Sentinel {
    /// What the sentinel calls the master.
    pub const MASTER: &str = "keys";

    /// Starts them and waits until the sentinel knows of the replica. `None` where `redis-server` is not installed.
    pub fn start() -> Option<Self> {
        let master = Redis::start()?;
        let of = format!("127.0.0.1 {}", master.port());
        let replica = Redis::start_with(&["--replicaof", &of, "--repl-diskless-sync-delay", "0"])?;
        eventually("the replica follows", || {
            replica.command(&["INFO", "replication"]).contains("master_link_status:up").then_some(())
        });
        let (folder, port) = (tempfile::tempdir().expect("a temporary folder"), free_port());
        let master_name = Self::MASTER;
        let settings = format!(
            "bind 127.0.0.1\nport {port}\nsentinel monitor {master_name} {of} 1\nsentinel down-after-milliseconds {master_name} 500\n\
             sentinel failover-timeout {master_name} 5000\n"
        );
        fs::write(folder.path().join("sentinel.conf"), settings).unwrap();
        let process = Command::new("redis-server")
            .args(["sentinel.conf", "--sentinel"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let sentinel = Self { master, replica, address, process, _folder: folder };
        eventually("the sentinel knows of the replica", || {
            let known = exchange(sentinel.address, &["SENTINEL", "REPLICAS", Self::MASTER]).ok()?;
            known.contains(&sentinel.replica.port().to_string()).then_some(())
        });
        Some(sentinel)
    }

    /// As `storage.addrs` has it.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
