//! Checks of what an API has as a whole: listen path, targets, addresses, driver.

use std::time::Duration;

use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};
use url::Url;

use super::{Reader, is_plugin_driver};
use crate::{
    apidef::{
        Problems,
        model::{AddressRange, Cors, RateLimit},
    },
    config::settings::DriverName,
};

impl Reader<'_> {
    /// A listen path, with its leading slash.
    pub(in crate::apidef) fn listen_path(problems: &mut Problems, path: &str, field: &str) -> Option<String> {
        let path = path.trim();
        if path.is_empty() {
            problems.refuse(
                field,
                "is missing; it is the prefix of the paths that the API serves, such as `/users/`",
            );
            return None;
        }
        if path.contains(['?', '#', ' ']) {
            problems.refuse(field, format!("`{path}` is not a path: it may not hold `?`, `#` or spaces"));
            return None;
        }
        Some(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
    }

    /// Where requests go. As in Tyk, a target without a scheme means plain HTTP.
    pub(in crate::apidef) fn target(problems: &mut Problems, text: &str, field: &str) -> Option<Url> {
        let text = text.trim();
        if text.is_empty() {
            problems.refuse(field, "is missing; it is where requests go, such as `http://localhost:3000/`");
            return None;
        }
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        match Url::parse(&with_scheme) {
            Ok(url) if !matches!(url.scheme(), "http" | "https" | "h2c" | "ws" | "wss" | "tyk") => {
                problems
                    .refuse(field, format!("`{text}`: the scheme must be http, https, h2c, ws, wss or tyk"));
                None
            }
            Ok(url) if url.host_str().is_none_or(str::is_empty) => {
                problems.refuse(field, format!("`{text}` names no host"));
                None
            }
            Ok(url) => Some(url),
            Err(error) => {
                problems.refuse(field, format!("`{text}` is not a URL: {error}"));
                None
            }
        }
    }

    /// The end of a version; the empty text and `-1` are none.
    pub(in crate::apidef) fn expires(&mut self, text: &str, field: &str) -> Option<OffsetDateTime> {
        if matches!(text.trim(), "" | "-1") {
            return None;
        }
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
        match PrimitiveDateTime::parse(text.trim(), format) {
            Ok(when) => Some(when.assume_utc()),
            Err(_) => {
                // As in Tyk, an expiry that cannot be read refuses the version rather than keeping it open.
                self.problems.warn(
                    field,
                    format!("`{text}` is not of the form `2006-01-02 15:04`: the version counts as expired"),
                );
                Some(OffsetDateTime::UNIX_EPOCH)
            }
        }
    }

    /// Addresses and networks; what is neither is refused.
    pub(in crate::apidef) fn address_ranges(&mut self, list: &[String], field: &str) -> Vec<AddressRange> {
        let parse = |(index, text): (usize, &String)| {
            let range = AddressRange::parse(text);
            if range.is_none() {
                self.problems.refuse(
                    format!("{field}[{index}]"),
                    format!("`{text}` is not an IP address or a network such as 10.0.0.0/8"),
                );
            }
            range
        };
        list.iter().enumerate().filter_map(parse).collect()
    }

    /// So many requests in so much time; `None` when either is zero.
    pub(in crate::apidef) fn rate_limit(rate: f64, per: Option<Duration>) -> Option<RateLimit> {
        RateLimit::new(rate, per?.as_secs_f64())
    }

    /// The driver of scripts that a definition asks for; `None` is the gateway's own.
    pub(in crate::apidef) fn driver(&mut self, name: &str, field: &str) -> Option<DriverName> {
        match name {
            #[cfg(feature = "quickjs")]
            "quickjs" => Some(DriverName::QuickJs),
            #[cfg(feature = "boa")]
            "boa" => Some(DriverName::Boa),
            "" | "otto" | "javascript" => None,
            // The driver of hooks; virtual endpoints of the same API are in JavaScript all the same.
            driver if is_plugin_driver(driver) => None,
            // Tyk runs its default engine for a name it does not know, and so do we, but not in silence.
            other => {
                self.problems
                    .warn(field, format!("`{other}` is not a JavaScript driver: the default one is used"));
                None
            }
        }
    }
}

/// Puts Tyk's values in for the lists that are empty, and names of headers in lower case.
pub(in crate::apidef) fn with_default_lists(cors: Cors) -> Cors {
    let or_default = |list: Vec<String>, default: &[&str]| -> Vec<String> {
        if list.is_empty() { default.iter().map(|item| (*item).to_owned()).collect() } else { list }
    };
    let headers = or_default(cors.allowed_headers, &["origin", "accept", "content-type", "x-requested-with"]);
    Cors {
        allowed_origins: or_default(cors.allowed_origins, &["*"]),
        allowed_methods: or_default(cors.allowed_methods, &["GET", "POST", "HEAD"]),
        allowed_headers: headers.iter().map(|name| name.to_ascii_lowercase()).collect(),
        ..cors
    }
}
