//! `storage` and its neighbours.

use std::{path::Path, time::Duration};

use super::{check_pem, is_empty, quoted, value};
use crate::config::{
    file::{Storage, TykConf},
    problem::Complaint,
    report::Report,
    settings::{RedisAddress, RedisServers, RedisSettings, RedisTls, StoragePlace, StorageSettings},
};

pub(super) fn settings(conf: &TykConf, report: &mut Report<'_>) -> StorageSettings {
    let ours = &conf.gatehouse.storage;
    let cached = !conf.local_session_cache.disable_cached_session_state;
    StorageSettings {
        place: match asks_for_redis(&conf.storage) {
            true => StoragePlace::Redis(redis(&conf.storage, report)),
            false => StoragePlace::Embedded(ours.path.clone()),
        },
        timeout: Duration::from_millis(ours.timeout_ms),
        connect_timeout: Duration::from_millis(ours.connect_timeout_ms),
        session_cache: Duration::from_millis(if cached { ours.session_cache_ms } else { 0 }),
        cached_sessions: ours.max_cached_sessions,
    }
}

/// Redis must not turn into the embedded store unnoticed: several gateways would each count for themselves. In Tyk there is
/// nothing else, so its type may be left out.
fn asks_for_redis(written: &Storage) -> bool {
    !written.r#type.is_empty()
        || !written.host.is_empty()
        || !written.addrs.is_empty()
        || !written.hosts.is_empty()
}

fn redis(written: &Storage, report: &mut Report<'_>) -> RedisSettings {
    let addresses = addresses(written, report);
    let first = addresses.first().cloned();
    let first = first.unwrap_or_else(|| RedisAddress { host: "localhost".into(), port: written.port });
    let servers = if !written.master_name.is_empty() {
        if written.enable_cluster {
            let expected = "false with `master_name`: sentinels do not watch clusters";
            report.complain("storage.enable_cluster", value(expected, "true".into()), None);
        }
        RedisServers::Sentinels {
            addresses,
            master: written.master_name.clone(),
            password: written.sentinel_password.clone(),
        }
    } else if written.enable_cluster {
        if written.database != 0 {
            let expected = "0 with `enable_cluster`: a cluster has one database";
            report.complain("storage.database", value(expected, written.database.to_string()), None);
        }
        RedisServers::Cluster(addresses)
    } else {
        if addresses.len() > 1 {
            let because = "several addresses are a cluster or sentinels".into();
            let advice = "set it to true for a cluster, or give `master_name` for sentinels".into();
            report.complain("storage.enable_cluster", Complaint::Required { because }, Some(advice));
        }
        RedisServers::One(first)
    };
    RedisSettings {
        servers,
        username: written.username.clone(),
        password: written.password.clone(),
        database: written.database,
        tls: written.use_ssl.then(|| tls(written, report)),
    }
}

/// Where the servers are; as in Tyk, `addrs` wins over `hosts`, and that over `host`.
fn addresses(written: &Storage, report: &mut Report<'_>) -> Vec<RedisAddress> {
    if !written.addrs.is_empty() {
        let read = |(index, text): (usize, &String)| {
            let address = address(text, written.port);
            if address.is_none() {
                let expected = "a host with a port such as \"redis-1:6379\"";
                report.complain(&format!("storage.addrs[{index}]"), value(expected, quoted(text)), None);
            }
            address
        };
        return written.addrs.iter().enumerate().filter_map(read).collect();
    }
    if !written.hosts.is_empty() {
        let mut addresses = Vec::new();
        for (host, port) in &written.hosts {
            match port.parse() {
                Ok(port) => addresses.push(RedisAddress { host: host.clone(), port }),
                Err(_) => {
                    let key = format!("storage.hosts.{host}");
                    report.complain(&key, value("a port in double quotes", quoted(port)), None);
                }
            }
        }
        return addresses;
    }
    let host = if written.host.is_empty() { "localhost" } else { &written.host };
    vec![RedisAddress { host: host.to_owned(), port: written.port }]
}

/// `host`, `host:port`, `[::1]:port`.
fn address(text: &str, default_port: u16) -> Option<RedisAddress> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()?),
        _ => (text, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| RedisAddress { host: host.to_owned(), port })
}

fn tls(written: &Storage, report: &mut Report<'_>) -> RedisTls {
    let mut given = |key: &str, path: &Path| {
        let given = !is_empty(path);
        if given {
            check_pem(key, path, report);
        }
        given.then(|| path.to_owned())
    };
    let authorities = given("storage.ca_file", &written.ca_file);
    let certificate = given("storage.cert_file", &written.cert_file);
    let key = given("storage.key_file", &written.key_file);
    for (there, other, missing) in
        [(&certificate, &key, "storage.key_file"), (&key, &certificate, "storage.cert_file")]
    {
        if there.is_some() && other.is_none() {
            let because = "a certificate of our own needs its chain and its key".into();
            report.complain(missing, Complaint::Required { because }, None);
        }
    }
    RedisTls {
        insecure_skip_verify: written.ssl_insecure_skip_verify,
        authorities,
        certificate: certificate.zip(key),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::file::OurStorage;

    fn read(storage: Storage) -> (StoragePlace, Vec<String>) {
        let mut conf = TykConf { storage, ..Default::default() };
        conf.gatehouse.storage = OurStorage { path: "kept".into(), ..Default::default() };
        let mut report = Report::new(Path::new("tyk.conf"), "{}");
        let place = settings(&conf, &mut report).place;
        (place, report.into_problems().iter().map(ToString::to_string).collect())
    }

    fn at(host: &str, port: u16) -> RedisAddress {
        RedisAddress { host: host.to_owned(), port }
    }

    fn servers(storage: Storage) -> RedisServers {
        match read(Storage { port: 6379, ..storage }) {
            (StoragePlace::Redis(redis), problems) if problems.is_empty() => redis.servers,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn redis_is_never_the_embedded_store() {
        let kept = StoragePlace::Embedded(PathBuf::from("kept"));
        assert_eq!(read(Storage::default()), (kept, Vec::new()));
        let local = RedisServers::One(at("localhost", 6379));
        assert_eq!(servers(Storage { r#type: "redis".into(), ..Default::default() }), local);
        let host = RedisServers::One(at("h", 6379));
        assert_eq!(servers(Storage { host: "h".into(), ..Default::default() }), host);
        let hosts = [("h".to_owned(), "1".to_owned())].into();
        assert_eq!(servers(Storage { hosts, ..Default::default() }), RedisServers::One(at("h", 1)));
    }

    #[test]
    fn several_servers_are_a_cluster_or_sentinels() {
        let addrs: Vec<String> = ["a:1", "[::1]:2", "c"].map(str::to_owned).into();
        let addresses = vec![at("a", 1), at("::1", 2), at("c", 6379)];
        let cluster = Storage { addrs: addrs.clone(), enable_cluster: true, ..Default::default() };
        assert_eq!(servers(cluster), RedisServers::Cluster(addresses.clone()));
        let sentinels = Storage { addrs: addrs.clone(), master_name: "m".into(), ..Default::default() };
        let expected = RedisServers::Sentinels { addresses, master: "m".into(), password: String::new() };
        assert_eq!(servers(sentinels), expected);
        let (_, problems) = read(Storage { addrs, ..Default::default() });
        assert!(
            problems[0].contains("storage.enable_cluster: missing; several addresses are"),
            "{problems:?}"
        );
    }

    #[test]
    fn what_does_not_fit_together_is_said() {
        for (storage, expected) in [
            (
                Storage { addrs: vec!["a:x".into()], ..Default::default() },
                "storage.addrs[0]: expected a host with a port such as \"redis-1:6379\", found \"a:x\"",
            ),
            (
                Storage { enable_cluster: true, database: 2, host: "h".into(), ..Default::default() },
                "storage.database: expected 0 with `enable_cluster`: a cluster has one database, found 2",
            ),
            (
                Storage { host: "h".into(), use_ssl: true, ca_file: "/nowhere".into(), ..Default::default() },
                "storage.ca_file: expected a readable PEM file, found \"/nowhere\" (no such file or directory)",
            ),
        ] {
            let (_, problems) = read(storage);
            assert!(problems[0].ends_with(expected), "{problems:?}");
        }
    }
}
