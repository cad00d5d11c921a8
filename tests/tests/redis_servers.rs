//! Redis as it is run: with TLS, as a cluster, with sentinels, and hanging.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    time::{Duration, Instant},
};

use gatehouse_tests::{
    Api, Gateway, Request, Upstream,
    admin::{free_port, setup},
    gateway::eventually,
    redis::{Cluster, Redis, Sentinel},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

/// Authorities, and certificates that they signed, as PEM files in a folder.
struct Certificates(tempfile::TempDir);

impl Certificates {
    /// `ca.pem` signed `server.pem` and `client.pem`; `other.pem` is an authority that signed neither.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        let authority = |name: &str| {
            let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
            parameters.distinguished_name.push(DnType::CommonName, name);
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().unwrap();
            write(name, parameters.self_signed(&key).unwrap().pem());
            Issuer::new(parameters, key)
        };
        let ours = authority("ca.pem");
        authority("other.pem");
        for name in ["server", "client"] {
            let key = KeyPair::generate().unwrap();
            let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            parameters.distinguished_name.push(DnType::CommonName, name);
            write(&format!("{name}.pem"), parameters.signed_by(&key, &ours).unwrap().pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// A server that speaks TLS at the second of its ports.
    fn server(&self, asks_clients: bool) -> Option<(Redis, u16)> {
        let port = free_port();
        let redis = Redis::start_with(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &self.path("server.pem"),
            "--tls-key-file",
            &self.path("server.key"),
            "--tls-ca-cert-file",
            &self.path("ca.pem"),
            "--tls-auth-clients",
            if asks_clients { "yes" } else { "no" },
        ])?;
        Some((redis, port))
    }
}

fn shop(upstream: &Upstream) -> Api {
    Api::new("shop").set("/use_keyless", false).target(upstream)
}

fn session() -> Value {
    json!({
        "org_id": "default", "rate": 50, "per": 600, "quota_max": 1000, "quota_renewal_rate": 3600,
        "access_rights": {"shop": {"api_id": "shop", "versions": ["Default"]}}
    })
}

fn make(gateway: &Gateway, key: &str) {
    gateway
        .admin("POST", &format!("/tyk/keys/{key}"), session().to_string())
        .assert_changed(&format!("default{key}"), "added");
}

fn call(gateway: &Gateway, key: &str) -> u16 {
    gateway.send(Request::get("/shop/x").header("Authorization", key)).status
}

fn ready(gateway: &Gateway) {
    eventually("the gateway is ready", || (gateway.get("/ready").status == 200).then_some(()));
}

/// What `/ready` says about the store once it is not ready.
fn why_not_ready(gateway: &Gateway) -> String {
    eventually("the gateway is not ready", || {
        let ready = gateway.get("/ready");
        (ready.status == 503).then(|| ready.json()["details"]["store"]["output"].to_string())
    })
}

fn over_tls(port: u16, more: Value, upstream: &Upstream) -> Gateway {
    let mut storage = json!({"type": "redis", "host": "localhost", "port": port, "use_ssl": true});
    storage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    // Host names in certificates are not looked up; `localhost` is an address of IPv4 for the server under test.
    setup().set("/storage", storage).api(shop(upstream)).start()
}

#[test]
fn tls_checks_the_server_unless_it_is_told_not_to() {
    let certificates = Certificates::new();
    let Some((redis, port)) = certificates.server(false) else { return };
    let upstream = Upstream::echo();
    let trusting = over_tls(port, json!({"ca_file": certificates.path("ca.pem")}), &upstream);
    let careless = over_tls(port, json!({"ssl_insecure_skip_verify": true}), &upstream);
    ready(&trusting);
    ready(&careless);
    make(&trusting, "mykey1");
    assert_eq!((call(&trusting, "mykey1"), call(&careless, "mykey1")), (200, 200));
    assert!(redis.command(&["GET", "apikey-defaultmykey1"]).contains("\"rate\":50"));
    // Signals come over it as well: the other one hears of a change at once.
    trusting.admin("DELETE", "/tyk/keys/defaultmykey1", "").assert_changed("defaultmykey1", "deleted");
    eventually("the other one knows", || (call(&careless, "mykey1") == 403).then_some(()));

    for (more, why) in [
        (json!({"ca_file": certificates.path("other.pem")}), "certificate"),
        (json!({}), "certificate"),
        (json!({"ca_file": certificates.path("ca.pem"), "host": "127.0.0.1"}), "certificate"),
    ] {
        let refused = over_tls(port, more.clone(), &upstream);
        let said = why_not_ready(&refused);
        assert!(said.contains("no connection to Redis") && said.contains(why), "{more}: {said}");
        assert_eq!(call(&refused, "mykey1"), 503, "{more}");
    }
    // A server without TLS at the port, or TLS at a server that was not told so, is no connection either.
    let plain = over_tls(redis.port(), json!({"ssl_insecure_skip_verify": true}), &upstream);
    why_not_ready(&plain);
    let storage = json!({"type": "redis", "host": "127.0.0.1", "port": port});
    let gateway = setup().set("/storage", storage).api(shop(&upstream)).start();
    why_not_ready(&gateway);
}

#[test]
fn tls_shows_a_certificate_of_our_own() {
    let certificates = Certificates::new();
    let Some((_redis, port)) = certificates.server(true) else { return };
    let upstream = Upstream::echo();
    let ca = certificates.path("ca.pem");
    let own = json!({
        "ca_file": ca, "cert_file": certificates.path("client.pem"), "key_file": certificates.path("client.key")
    });
    let gateway = over_tls(port, own, &upstream);
    ready(&gateway);
    make(&gateway, "mykey1");
    assert_eq!(call(&gateway, "mykey1"), 200);
    let without = over_tls(port, json!({"ca_file": ca}), &upstream);
    assert!(why_not_ready(&without).contains("no connection to Redis"));
    assert_eq!(call(&without, "mykey1"), 503);
}

#[test]
fn a_renewed_certificate_is_taken_by_the_next_connection() {
    let (certificates, renewed) = (Certificates::new(), Certificates::new());
    let Some((mut redis, port)) = certificates.server(false) else { return };
    let upstream = Upstream::echo();
    let gateway = over_tls(port, json!({"ca_file": certificates.path("ca.pem")}), &upstream);
    ready(&gateway);
    redis.go_away();
    for name in ["ca.pem", "server.pem", "server.key"] {
        fs::copy(renewed.path(name), certificates.path(name)).unwrap();
    }
    redis.come_back();
    ready(&gateway);
    make(&gateway, "mykey1");
    assert_eq!(call(&gateway, "mykey1"), 200);
}

fn on_cluster(cluster: &Cluster, upstream: &Upstream) -> Gateway {
    let storage = json!({"type": "redis", "addrs": cluster.addresses(), "enable_cluster": true});
    setup().set("/storage", storage).set("/enable_hashed_keys_listing", true).api(shop(upstream)).start()
}

#[test]
fn a_cluster_has_keys_limits_and_signals() {
    let Some(mut cluster) = Cluster::start() else { return };
    let upstream = Upstream::echo();
    let gateways = [(); 2].map(|()| on_cluster(&cluster, &upstream));
    gateways.iter().for_each(ready);
    let keys: Vec<String> = (0..24).map(|number| format!("key-{number}")).collect();
    for (number, key) in keys.iter().enumerate() {
        make(&gateways[number % 2], key);
    }
    let stored = cluster.members().iter().map(|member| member.command(&["KEYS", "apikey-*"]).lines().count());
    let stored: Vec<usize> = stored.collect();
    assert!(stored.iter().sum::<usize>() == 24 && stored.iter().all(|count| *count > 0), "{stored:?}");
    for key in &keys {
        assert_eq!((call(&gateways[0], key), call(&gateways[1], key)), (200, 200), "{key}");
    }
    let listed = gateways[0].admin_get("/tyk/keys").json()["keys"].as_array().unwrap().len();
    assert_eq!(listed, 24);
    // Each of the keys counts in both gateways together: two of its requests have passed.
    let requests = |key: &str| Request::get("/shop/x").header("Authorization", key);
    let pending: Vec<_> = (0..100).map(|number| gateways[number % 2].start(requests("key-7"))).collect();
    let statuses = pending.into_iter().map(|pending| pending.answer().status);
    assert_eq!(statuses.filter(|status| *status == 200).count(), 48);
    // A change at one gateway is heard by the other one, whichever member it listens at.
    gateways[0].admin("DELETE", "/tyk/keys/defaultkey-3", "").assert_changed("defaultkey-3", "deleted");
    eventually("the other one knows", || (call(&gateways[1], "key-3") == 403).then_some(()));

    cluster.member(1).go_away();
    for gateway in &gateways {
        eventually("what is unknown is not called so", || {
            (call(gateway, "nobody-knows") == 503).then_some(())
        });
        assert!(why_not_ready(gateway).contains("Redis"));
    }
    cluster.member(1).come_back();
    cluster.wait();
    for gateway in &gateways {
        ready(gateway);
        make(gateway, "key-again");
        eventually("keys count again", || (call(gateway, "key-again") == 200).then_some(()));
    }
}

#[test]
fn sentinels_name_the_new_master() {
    let Some(mut servers) = Sentinel::start() else { return };
    let upstream = Upstream::echo();
    let storage = json!({"type": "redis", "addrs": [servers.address()], "master_name": Sentinel::MASTER});
    let gateways = [(); 2].map(|()| setup().set("/storage", storage.clone()).api(shop(&upstream)).start());
    gateways.iter().for_each(ready);
    make(&gateways[0], "mykey1");
    assert_eq!(call(&gateways[1], "mykey1"), 200);
    eventually("the replica has it too", || {
        (!servers.replica.command(&["GET", "apikey-defaultmykey1"]).is_empty()).then_some(())
    });
    servers.master.go_away();
    for gateway in &gateways {
        eventually("nobody is called unknown", || (call(gateway, "nobody-knows") == 503).then_some(()));
    }
    for gateway in &gateways {
        ready(gateway);
        eventually("the key is good at the new master", || (call(gateway, "mykey1") == 200).then_some(()));
    }
    make(&gateways[1], "mykey2");
    assert_eq!(call(&gateways[0], "mykey2"), 200);
    assert!(servers.replica.command(&["ROLE"]).starts_with("master"));
    // The old master comes back as a replica, and nothing is written to it.
    servers.master.come_back();
    eventually("it follows", || {
        servers.master.try_command(&["ROLE"]).ok()?.starts_with("slave").then_some(())
    });
    make(&gateways[0], "mykey3");
    assert_eq!(call(&gateways[1], "mykey3"), 200);
}

#[test]
fn a_server_that_hangs_costs_a_bounded_wait_and_then_none() {
    let Some(redis) = Redis::start() else { return };
    let upstream = Upstream::echo();
    let storage = json!({"type": "redis", "host": "127.0.0.1", "port": redis.port()});
    let gateway = setup()
        .set("/storage", storage)
        .set("/gatehouse/storage/timeout_ms", 500)
        .set("/gatehouse/storage/connect_timeout_ms", 500)
        .apis([shop(&upstream), Api::new("open").target(&upstream)])
        .start();
    ready(&gateway);
    make(&gateway, "mykey1");
    assert_eq!(call(&gateway, "mykey1"), 200);
    redis.freeze();
    let began = Instant::now();
    let pending: Vec<_> = (0..20)
        .map(|number| {
            gateway.start(Request::get("/shop/x").header("Authorization", &format!("unknown-{number}")))
        })
        .collect();
    let statuses: Vec<u16> = pending.into_iter().map(|pending| pending.answer().status).collect();
    assert!(statuses.iter().all(|status| *status == 503), "{statuses:?}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(gateway.get("/open/x").status, 200, "what needs no store goes on");
    let said = why_not_ready(&gateway);
    assert!(said.contains("no connection to Redis"), "{said}");
    // By now nobody waits any more.
    let began = Instant::now();
    for number in 0..20 {
        assert_eq!(call(&gateway, &format!("late-{number}")), 503);
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    redis.thaw();
    ready(&gateway);
    assert_eq!(call(&gateway, "mykey1"), 200);
    make(&gateway, "mykey2");
}

#[test]
fn a_wrong_password_is_said() {
    let Some(redis) = Redis::start_with(&["--requirepass", "right"]) else { return };
    let upstream = Upstream::echo();
    let start = |password: &str| {
        let storage =
            json!({"type": "redis", "host": "127.0.0.1", "port": redis.port(), "password": password});
        setup().set("/storage", storage).api(shop(&upstream)).start()
    };
    for wrong in ["", "wrong-one"] {
        let said = why_not_ready(&start(wrong));
        assert!(said.contains("storage.password") && !said.contains("wrong-one"), "{said}");
    }
    let gateway = start("right");
    ready(&gateway);
    make(&gateway, "mykey1");
    assert_eq!(call(&gateway, "mykey1"), 200);
}
