//! A cluster of three members without replicas.

use super::Redis;
use crate::{admin::free_port, gateway::eventually};

/// Slots of a cluster.
const SLOTS: usize = 16_384;

/// The members, each with a third of the slots.
#[derive(Debug)]
pub struct Cluster(Vec<Redis>);

impl Cluster {
    /// Starts the members and waits until all know of each other. `None` where `redis-server` is not installed.
    pub fn start() -> Option<Self> {
        let mut members = Vec::new();
        for _ in 0..3 {
            // The port for members among themselves would be 10,000 above the other one, which need not be there.
            let bus = free_port().to_string();
            members.push((
                Redis::start_with(&[
                    "--cluster-enabled",
                    "yes",
                    "--cluster-port",
                    &bus,
                    "--cluster-node-timeout",
                    "2000",
                ])?,
                bus,
            ));
        }
        let first = (members[0].0.port().to_string(), members[0].1.clone());
        for (number, (member, _)) in members.iter().enumerate() {
            let from = (number * SLOTS / 3).to_string();
            let to = ((number + 1) * SLOTS / 3 - 1).to_string();
            assert_eq!(member.command(&["CLUSTER", "ADDSLOTSRANGE", &from, &to]), "OK");
            member.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            if number > 0 {
                assert_eq!(member.command(&["CLUSTER", "MEET", "127.0.0.1", &first.0, &first.1]), "OK");
            }
        }
        let cluster = Self(members.into_iter().map(|(member, _)| member).collect());
        cluster.wait();
        Some(cluster)
    }

    /// Waits until every member serves all slots.
    pub fn wait(&self) {
        for member in &self.0 {
            eventually("the cluster is whole", || {
                let info = member.command(&["CLUSTER", "INFO"]);
                (info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")).then_some(())
            });
        }
    }

    /// As `storage.addrs` has them.
    pub fn addresses(&self) -> Vec<String> {
        self.0.iter().map(Redis::address).collect()
    }

    pub fn members(&self) -> &[Redis] {
        &self.0
    }

    pub fn member(&mut self, number: usize) -> &mut Redis {
        &mut self.0[number]
    }
}
