//! Authentication of the plugin's own: partners with keys from a file that is read when the plugin is loaded.
//!
//! ```json
//! {"custom_middleware": {"driver": "rust", "auth_check": {"name": "partner", "path": "libauth.so"}}}
//! ```
#![forbid(unsafe_code)]

use std::{collections::HashMap, env, fs, io};

use gatehouse_plugin::prelude::*;

/// Names of partners by key.
struct Partners(HashMap<String, String>);

impl Partners {
    /// One partner in each line, key and name; lines that begin with `#` are for people.
    fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let partners = lines.filter_map(|line| line.split_once(char::is_whitespace));
        Self(partners.map(|(key, name)| (key.to_owned(), name.trim().to_owned())).collect())
    }

    /// Compares all keys to their ends, so that the time it takes tells nothing of how much of a key is right.
    fn find(&self, key: &str) -> Option<&str> {
        let same = |known: &str| {
            known.len() == key.len()
                && known.bytes().zip(key.bytes()).fold(0, |different, (a, b)| different | (a ^ b)) == 0
        };
        let mut found = None;
        for (known, name) in &self.0 {
            if same(known) {
                found = Some(name.as_str());
            }
        }
        found
    }
}

/// Reads `PARTNERS_FILE`, or `/etc/gatehouse/partners`. Without it the plugin is not loaded.
#[init]
fn read_partners() -> Result<Partners, io::Error> {
    let path = env::var("PARTNERS_FILE").unwrap_or_else(|_| "/etc/gatehouse/partners".to_owned());
    fs::read_to_string(&path)
        .map(|text| Partners::parse(&text))
        .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

/// Lets partners in, each with a session of its own, and takes the key out of what the upstream sees.
#[auth(no_body)]
fn partner(request: &mut Request, context: &Context) -> gatehouse_plugin::Result<Result<Session, Denied>> {
    let partners: &Partners = context.state()?;
    let Some(key) = request.header("x-partner-key") else {
        return Ok(Err(Denied::unauthorized("Authorization field missing")));
    };
    let Some(name) = partners.find(key) else {
        context.warn(format!("an unknown key from {}", context.client_address()));
        return Ok(Err(Denied::forbidden("Access to this API has been disallowed")));
    };
    request.remove_header("x-partner-key")?;
    Ok(Ok(Session::new(name).metadata("partner", name)?.field("rate", 100)?.field("per", 60)?))
}

#[cfg(test)]
mod tests {
    use gatehouse_plugin::test::{self, Done};

    use super::{Partners, partner};

    fn call(key: Option<&str>) -> Done {
        let partners = Partners::parse("# key name\nk-1  Ada & Co\nk-2 Bob\n");
        let request = test::request("GET", "/").state(partners);
        let request = match key {
            Some(key) => request.header("x-partner-key", key),
            None => request,
        };
        test::authenticate(request, partner)
    }

    #[test]
    fn a_known_key_brings_a_session() {
        let done = call(Some("k-1"));
        assert!(done.allowed());
        assert_eq!(done.session().unwrap()["alias"], "Ada & Co");
        assert_eq!(done.session().unwrap()["rate"], 100);
        assert_eq!(done.request().header_value("x-partner-key"), None);
    }

    #[test]
    fn others_stay_out() {
        assert_eq!(call(None).denied().unwrap().status(), 401);
        let unknown = call(Some("k-3"));
        assert_eq!(unknown.denied().unwrap().status(), 403);
        assert_eq!(unknown.logs().len(), 1);
    }
}
