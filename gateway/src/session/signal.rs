//! What gateways that share a store tell each other: Tyk's notifications on its channel.

use serde::{Deserialize, Serialize};

/// The channel of Tyk's notifications.
pub const CHANNEL: &str = "tyk.cluster.notifications";

/// Something that happened at one gateway and concerns all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Definitions or policies changed: everybody reads them again.
    Reload,
    /// Records of these keys changed: names, or what they are stored under.
    KeysChanged(Vec<String>),
    /// Cached answers of this API are to be dropped.
    ApiCacheDropped(String),
    /// Signals may have been missed, so anything may have changed. Never sent.
    Missed,
}

/// A notification as Tyk writes it.
#[derive(Serialize, Deserialize)]
struct Notification {
    command: String,
    #[serde(default)]
    payload: String,
    #[serde(default)]
    signature: String,
    #[serde(default)]
    algorithm: String,
}

impl Signal {
    /// Reads a notification; `None` for what does not concern this gateway.
    ///
    /// # Errors
    /// When it is not a notification at all.
    pub fn parse(json: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        let Notification { command, payload, .. } = serde_json::from_slice(json)?;
        Ok(match command.as_str() {
            "GroupReload" | "ApiUpdated" | "ApiAdded" | "ApiRemoved" | "PolicyChanged" => Some(Self::Reload),
            "KeySpaceUpdateNotification" => {
                let keys =
                    payload.split(',').map(|key| without_marks(key.trim())).filter(|key| !key.is_empty());
                Some(Self::KeysChanged(keys.map(str::to_owned).collect()))
            }
            "DeleteAPICache" => Some(Self::ApiCacheDropped(payload)),
            _ => None,
        })
    }

    /// The notification.
    pub fn to_json(&self) -> String {
        let (command, payload) = match self {
            Self::Reload => ("GroupReload", String::new()),
            Self::KeysChanged(keys) => ("KeySpaceUpdateNotification", keys.join(",")),
            Self::ApiCacheDropped(api) => ("DeleteAPICache", api.clone()),
            // To others it means the same: read everything again.
            Self::Missed => ("GroupReload", String::new()),
        };
        let notification = Notification {
            command: command.to_owned(),
            payload,
            signature: String::new(),
            algorithm: String::new(),
        };
        serde_json::to_string(&notification).unwrap_or_default()
    }
}

/// Tyk adds what it knows about a key behind a colon.
fn without_marks(key: &str) -> &str {
    ["hashed", "resetQuota"]
        .into_iter()
        .find_map(|mark| key.strip_suffix(mark)?.strip_suffix(':'))
        .map_or(key, without_marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(command: &str, payload: &str) -> Option<Signal> {
        let json =
            serde_json::json!({"command": command, "payload": payload, "signature": "", "algorithm": ""});
        Signal::parse(json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn notifications_of_tyk_are_read() {
        for command in ["GroupReload", "ApiUpdated", "ApiAdded", "ApiRemoved", "PolicyChanged"] {
            assert_eq!(read(command, ""), Some(Signal::Reload));
        }
        let keys =
            |keys: &[&str]| Some(Signal::KeysChanged(keys.iter().map(|key| (*key).to_owned()).collect()));
        assert_eq!(
            read("KeySpaceUpdateNotification", "a,b:hashed,c:d:resetQuota,"),
            keys(&["a", "b", "c:d"])
        );
        assert_eq!(read("DeleteAPICache", "users"), Some(Signal::ApiCacheDropped("users".to_owned())));
        assert_eq!(read("NoticeGatewayDRLNotification", "{}"), None);
        assert!(Signal::parse(b"hello").is_err());
    }

    #[test]
    fn what_is_written_is_read_again() {
        for signal in [
            Signal::Reload,
            Signal::KeysChanged(vec!["a".to_owned(), "b".to_owned()]),
            Signal::ApiCacheDropped("users".to_owned()),
        ] {
            assert_eq!(Signal::parse(signal.to_json().as_bytes()).unwrap(), Some(signal));
        }
    }
}
