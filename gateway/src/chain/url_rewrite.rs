//! URL rewrites: `match_pattern` over path and query, `rewrite_to` with `$1` groups, triggers.

use http::{HeaderName, uri::PathAndQuery};
use percent_encoding::percent_decode_str;
use regex::Regex;
use url::Url;

use super::{context_variables, looping::LoopTarget};
use crate::{
    apidef::model::{TriggerMatch, UrlRewrite},
    exchange::Exchange,
    proxy::{direct::HostPools, target::Target},
    reply::error::GatewayError,
};

/// What a rewrite made of a URL.
#[derive(Debug)]
pub enum Rewritten {
    /// Another path at the API's own target.
    Path {
        /// Path, with or without a leading slash.
        path: String,
        /// Query.
        query: Option<String>,
    },
    /// Another server.
    Absolute(Target, PathAndQuery),
    /// Another API in this gateway.
    Loop(LoopTarget),
}

/// A compiled rewrite.
#[derive(Debug)]
pub struct Rewrite {
    pattern: Regex,
    rewrite_to: String,
    triggers: Vec<Trigger>,
}

#[derive(Debug)]
struct Trigger {
    any: bool,
    rewrite_to: String,
    headers: Vec<Condition>,
    query: Vec<Condition>,
    path_parts: Vec<Condition>,
    payload: Option<Condition>,
}

#[derive(Debug)]
struct Condition {
    name: String,
    pattern: Regex,
    reverse: bool,
}

impl Rewrite {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// When one is not a regular expression.
    pub fn compile(rewrite: &UrlRewrite) -> Result<Self, regex::Error> {
        let condition = |condition: &TriggerMatch| -> Result<Condition, regex::Error> {
            let pattern = Regex::new(&condition.pattern)?;
            Ok(Condition { name: condition.name.clone(), pattern, reverse: condition.reverse })
        };
        let all =
            |conditions: &[TriggerMatch]| conditions.iter().map(condition).collect::<Result<Vec<_>, _>>();
        let trigger = |trigger: &crate::apidef::model::RewriteTrigger| -> Result<Trigger, regex::Error> {
            Ok(Trigger {
                any: trigger.any,
                rewrite_to: trigger.rewrite_to.clone(),
                headers: all(&trigger.headers)?,
                query: all(&trigger.query)?,
                path_parts: all(&trigger.path_parts)?,
                payload: trigger.payload.as_ref().map(condition).transpose()?,
            })
        };
        Ok(Self {
            pattern: Regex::new(&rewrite.pattern)?,
            rewrite_to: rewrite.rewrite_to.clone(),
            triggers: rewrite.triggers.iter().map(trigger).collect::<Result<_, _>>()?,
        })
    }

    /// Rewrites the exchange's URL; `None` when the pattern does not match it.
    ///
    /// # Errors
    /// When a trigger needs the body and that cannot be read, or the result is not a URL.
    pub async fn apply(
        &self,
        exchange: &mut Exchange,
        body_limit: usize,
        pools: &HostPools,
    ) -> Result<Option<Rewritten>, GatewayError> {
        let mut rewrite_to = self.rewrite_to.as_str();
        let mut variables = Vec::new();
        for (index, trigger) in self.triggers.iter().enumerate() {
            let body = match &trigger.payload {
                Some(_) => exchange.buffer_body(body_limit).await?,
                None => bytes::Bytes::new(),
            };
            let mut found = Vec::new();
            if trigger.holds(exchange, &body, index, &mut found) {
                rewrite_to = &trigger.rewrite_to;
                variables = found;
                break;
            }
        }
        let url = exchange.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let decoded;
        let captures = match self.pattern.captures(url) {
            Some(captures) => captures,
            None if url.contains('%') => {
                decoded = percent_decode_str(url).decode_utf8_lossy().into_owned();
                match self.pattern.captures(&decoded) {
                    Some(captures) => captures,
                    None => return Ok(None),
                }
            }
            None => return Ok(None),
        };
        let mut rewritten =
            replace_groups(rewrite_to, |group| captures.get(group).map(|found| found.as_str()));
        let escape = |value: String| {
            if value.starts_with("http") {
                value
            } else {
                form_urlencoded::byte_serialize(value.as_bytes()).collect()
            }
        };
        let filled = context_variables::fill(&rewritten, exchange, &variables, escape);
        if let std::borrow::Cow::Owned(filled) = filled {
            rewritten = filled;
        }
        interpret(rewritten, pools).map(Some)
    }
}

/// What a rewritten URL means.
///
/// # Errors
/// When it is not a URL that can be called.
pub fn interpret(url: String, pools: &HostPools) -> Result<Rewritten, GatewayError> {
    if let Some(target) = LoopTarget::parse(&url) {
        return Ok(Rewritten::Loop(target));
    }
    if url.contains("://") {
        let failed = || GatewayError::RewriteFailed { url: url.clone() };
        let parsed = Url::parse(&url).map_err(|_| failed())?;
        if !matches!(parsed.scheme(), "http" | "https" | "h2c" | "ws" | "wss") {
            return Err(failed());
        }
        let target = Target::new(&parsed, false, pools).map_err(|_| failed())?;
        let path_and_query = target.join("", None, true).map_err(|_| failed())?;
        return Ok(Rewritten::Absolute(target, path_and_query));
    }
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (url, None),
    };
    Ok(Rewritten::Path { path, query })
}

/// Puts groups in for `$0`, `$1`, …; a group that is not there gives nothing.
fn replace_groups<'a>(text: &str, group: impl Fn(usize) -> Option<&'a str>) -> String {
    let mut replaced = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('$') {
        replaced.push_str(before);
        let digits = from.bytes().take_while(u8::is_ascii_digit).count();
        match from[..digits].parse::<usize>() {
            Ok(number) => replaced.push_str(group(number).unwrap_or("")),
            Err(_) => replaced.push('$'),
        }
        rest = &from[digits..];
    }
    replaced.push_str(rest);
    replaced
}

impl Trigger {
    /// Whether the request meets the conditions; the groups that matched become `trigger-N-NAME-I-G` variables.
    fn holds(
        &self,
        exchange: &Exchange,
        body: &[u8],
        index: usize,
        found: &mut Vec<(String, String)>,
    ) -> bool {
        let mut wanted = 0;
        let mut met = 0;
        let mut group = |present: bool, holds: bool| {
            wanted += usize::from(present);
            met += usize::from(present && holds);
        };
        let header_values = |name: &str| -> Vec<String> {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return Vec::new() };
            exchange
                .headers
                .get_all(name)
                .iter()
                .filter_map(|value| Some(value.to_str().ok()?.to_owned()))
                .collect()
        };
        let query = exchange.uri.query().unwrap_or("");
        let query_values = |name: &str| -> Vec<String> {
            let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
            pairs.map(|(_, value)| value.into_owned()).collect()
        };
        let path_parts =
            |_: &str| -> Vec<String> { exchange.uri.path().split('/').map(str::to_owned).collect() };
        group(!self.headers.is_empty(), self.any_or_all(&self.headers, header_values, index, found));
        group(!self.query.is_empty(), self.any_or_all(&self.query, query_values, index, found));
        group(!self.path_parts.is_empty(), self.any_or_all(&self.path_parts, path_parts, index, found));
        if let Some(payload) = &self.payload {
            let text = String::from_utf8_lossy(body).into_owned();
            group(true, self.any_or_all(std::slice::from_ref(payload), |_| vec![text.clone()], index, found));
        }
        if self.any { met > 0 } else { wanted > 0 && met == wanted }
    }

    fn any_or_all(
        &self,
        conditions: &[Condition],
        values: impl Fn(&str) -> Vec<String>,
        trigger: usize,
        found: &mut Vec<(String, String)>,
    ) -> bool {
        let mut met = 0;
        for condition in conditions {
            for (place, value) in values(&condition.name).iter().enumerate() {
                match condition.pattern.captures(value) {
                    Some(captures) if !condition.reverse => {
                        met += 1;
                        let prefix = format!("trigger-{trigger}-{}-{place}", condition.name);
                        let whole = captures.get(0).map_or("", |group| group.as_str());
                        found.push((prefix.clone(), whole.to_owned()));
                        for (number, group) in captures.iter().skip(1).enumerate() {
                            let text = group.map_or("", |group| group.as_str());
                            found.push((format!("{prefix}-{number}"), text.to_owned()));
                        }
                    }
                    None if condition.reverse => met += 1,
                    _ => {}
                }
            }
        }
        if self.any { met > 0 } else { met >= conditions.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::{HostPools, Rewritten, interpret, replace_groups};
    use crate::config::settings::UpstreamSettings;

    #[test]
    fn groups_are_put_in() {
        let group = |number: usize| ["all", "one", "two"].get(number).copied();
        assert_eq!(replace_groups("new/$2/$1?was=$1", group), "new/two/one?was=one");
        assert_eq!(replace_groups("$0-$9-$x$", group), "all--$x$");
    }

    #[test]
    fn rewritten_urls_are_told_apart() {
        let second = std::time::Duration::from_secs(1);
        let pools = HostPools::new(&UpstreamSettings {
            idle_per_host: 1,
            idle_timeout: second,
            timeout: second,
            connect_timeout: second,
            insecure_skip_verify: false,
        });
        let interpret = |url: &str| interpret(url.to_owned(), &pools);
        assert!(matches!(interpret("tyk://self/a"), Ok(Rewritten::Loop(_))));
        assert!(matches!(interpret("http://h/a?b"), Ok(Rewritten::Absolute(_, path)) if path == "/a?b"));
        assert!(
            matches!(interpret("a/b?c=d"), Ok(Rewritten::Path { path, query: Some(query) }) if path == "a/b" && query == "c=d")
        );
        assert!(interpret("ftp://h/").is_err());
    }
}
