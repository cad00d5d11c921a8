//! Decides by the caller's session metadata and the configuration who may do what.
//!
//! ```json
//! {"path": "/reports", "method": "GET", "plugin_path": "libpolicy.so", "func_name": "by_plan",
//!  "config": {"plans": ["gold", "platinum"], "hours": {"from": 6, "to": 22}}}
//! ```
#![forbid(unsafe_code)]

use std::time::{SystemTime, UNIX_EPOCH};

use gatehouse_plugin::prelude::*;
use serde::Deserialize;
use serde_json::json;

/// Who may call, and when.
#[derive(Deserialize)]
struct Policy {
    plans: Vec<String>,
    #[serde(default)]
    hours: Option<Hours>,
}

/// Hours of the day in UTC, from one up to and without the other.
#[derive(Deserialize)]
struct Hours {
    from: u64,
    to: u64,
}

impl Hours {
    fn include(&self, hour: u64) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&hour)
        } else {
            hour >= self.from || hour < self.to
        }
    }
}

/// Lets callers of certain plans through at certain hours, and tells the upstream which plan it is.
#[request_hook(no_body)]
fn by_plan(request: &mut Request, context: &Context) -> gatehouse_plugin::Result<Option<Response>> {
    let policy: &Policy = context.config()?;
    let plan = context.metadata("plan");
    let plan = plan.as_ref().and_then(|plan| plan.as_str()).unwrap_or("none");
    context.count("policy_decisions_total", &[("plan", plan)], 1.0);
    if !policy.plans.iter().any(|allowed| allowed == plan) {
        return refuse(&format!("plan `{plan}` does not include this"));
    }
    if policy.hours.as_ref().is_some_and(|hours| !hours.include(hour())) {
        return refuse("not at this hour");
    }
    // Written back with the session: the next request sees it, too.
    context.set_metadata("last_path", request.path())?;
    request.set_header("x-plan", plan)?;
    Ok(None)
}

fn refuse(why: &str) -> gatehouse_plugin::Result<Option<Response>> {
    Response::json(403, &json!({ "error": why })).map(Some)
}

fn hour() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs() / 3600 % 24
}

#[cfg(test)]
mod tests {
    use gatehouse_plugin::test::{self, Done};
    use serde_json::{Value, json};

    use super::{Hours, by_plan};

    fn call(plan: &str, config: &Value) -> Done {
        test::call(test::request("GET", "/reports").metadata("plan", plan).config(config), by_plan)
    }

    #[test]
    fn the_plan_decides() {
        let config = json!({ "plans": ["gold"] });
        let gold = call("gold", &config);
        assert!(gold.continued());
        assert_eq!(gold.request().header_value("x-plan"), Some("gold"));
        assert_eq!(gold.metadata("last_path"), Some("/reports".into()));
        assert_eq!(call("free", &config).response().unwrap().status(), 403);
    }

    #[test]
    fn no_hour_is_outside_of_all_and_any_is_outside_of_none() {
        assert!(call("gold", &json!({ "plans": ["gold"], "hours": { "from": 0, "to": 24 } })).continued());
        assert!(!call("gold", &json!({ "plans": ["gold"], "hours": { "from": 0, "to": 0 } })).continued());
        let night = Hours { from: 22, to: 6 };
        assert_eq!([21, 22, 0, 5, 6].map(|hour| night.include(hour)), [false, true, true, true, false]);
    }

    #[test]
    fn a_wrong_configuration_is_an_error() {
        assert!(call("gold", &json!({})).error().unwrap().contains("missing field `plans`"));
    }
}
