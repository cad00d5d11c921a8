//! Talks to the admin API of a gateway under test.

use std::net::{SocketAddr, TcpListener};

use serde_json::Value;

use crate::{
    client::{Answer, Client, Request},
    gateway::Gateway,
    setup::Setup,
};

/// The secret that [`setup`] gives a gateway.
pub const SECRET: &str = "sesame";

/// The header that it goes in.
pub const HEADER: &str = "x-tyk-authorization";

/// A gateway with an admin API on its main port.
pub fn setup() -> Setup {
    Setup::new().set("/secret", SECRET)
}

/// A port that is free at the moment, for settings that cannot leave the choice to the system.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    listener.local_addr().expect("a bound socket has an address").port()
}

impl Request {
    /// With the secret.
    pub fn with_secret(self) -> Self {
        self.header(HEADER, SECRET)
    }
}

impl Gateway {
    /// Sends with the secret.
    pub fn admin(&self, method: &str, path: &str, body: impl Into<String>) -> Answer {
        self.send(Request::new(method, path).body(body.into()).with_secret())
    }

    /// Reads with the secret.
    pub fn admin_get(&self, path: &str) -> Answer {
        self.admin("GET", path, "")
    }

    /// Reloads over REST and waits until the new definitions are served.
    pub fn admin_reload(&self) {
        self.admin_get("/tyk/reload?block=true")
            .assert_json(200, &serde_json::json!({"status": "ok", "message": ""}));
    }
}

/// Another port of the gateway's machine.
pub fn at(port: u16) -> Client {
    Client::http1(SocketAddr::from(([127, 0, 0, 1], port)))
}

impl Answer {
    /// That this is JSON with this status and value.
    #[track_caller]
    pub fn assert_json(&self, status: u16, value: &Value) {
        assert_eq!((self.status, &self.json()), (status, value));
        assert_eq!(self.header("content-type"), "application/json");
    }

    /// That this is a refusal of the admin API with this status, whose message or errors have these words in them.
    #[track_caller]
    pub fn assert_refused(&self, status: u16, words: &str) {
        let json = self.json();
        assert_eq!((self.status, &json["status"]), (status, &Value::from("error")), "{json}");
        assert!(json.to_string().contains(words), "not `{words}` in {json}");
        assert_eq!(self.header("content-type"), "application/json");
    }

    /// That a thing of this name was added, modified or deleted.
    #[track_caller]
    pub fn assert_changed(&self, key: &str, action: &str) {
        assert_eq!(self.status, 200, "{}", self.text());
        let json = self.json();
        assert_eq!(
            (json["key"].as_str(), json["status"].as_str(), json["action"].as_str()),
            (Some(key), Some("ok"), Some(action))
        );
    }
}
