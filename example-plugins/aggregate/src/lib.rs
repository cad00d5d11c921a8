//! One answer from two upstream calls that are made at the same time.
//!
//! ```json
//! {"path": "/dashboard", "method": "GET", "plugin_path": "libaggregate.so", "func_name": "dashboard",
//!  "config": {"users": "http://users.internal", "orders": "http://orders.internal"}}
//! ```
#![forbid(unsafe_code)]

use std::time::Duration;

use gatehouse_plugin::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where the two services are.
#[derive(Deserialize)]
struct Services {
    users: String,
    orders: String,
}

#[derive(Serialize)]
struct Dashboard {
    user: Value,
    orders: Value,
    /// What could not be had, so that half an answer is not taken for a whole one.
    missing: Vec<&'static str>,
}

/// Answers with a user and the user's orders; one of the two failing leaves a hole, both failing is an error.
#[endpoint]
async fn dashboard(request: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    let services: &Services = context.config()?;
    let user = request.header("x-user").unwrap_or("7").to_owned();
    let (user, orders) = join(
        fetch(context, format!("{}/users/{user}", services.users)),
        fetch(context, format!("{}/orders?user={user}", services.orders)),
    )
    .await;
    if let (Err(error), Err(_)) = (&user, &orders) {
        context.error(error.to_string());
        return Response::json(502, &serde_json::json!({ "error": "no service answers" }));
    }
    let mut missing = Vec::new();
    let mut part = |name, result: gatehouse_plugin::Result<Value>| {
        result.unwrap_or_else(|error| {
            context.warn(format!("{name}: {error}"));
            missing.push(name);
            Value::Null
        })
    };
    let (user, orders) = (part("user", user), part("orders", orders));
    Response::json(200, &Dashboard { user, orders, missing })
}

async fn fetch(context: &Context, url: String) -> gatehouse_plugin::Result<Value> {
    let call = OutboundRequest::get(url).header("x-request-id", context.request_id());
    let answer = context.send(call.timeout(Duration::from_secs(2))).await?;
    match answer.status() {
        200 => answer.json(),
        status => Err(format!("status {status}").into()),
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_plugin::{
        Response,
        test::{self, Done},
    };
    use serde_json::{Value, json};

    use super::dashboard;

    fn done(orders: Result<Response, String>, user_status: u16) -> Done {
        let orders = std::sync::Mutex::new(Some(orders));
        let request = test::request("GET", "/dashboard")
            .header("x-user", "9")
            .config(&json!({ "users": "http://u", "orders": "http://o" }))
            .upstream(move |call| match call.url.as_str() {
                "http://u/users/9" => Ok(Response::new(user_status).body(r#"{"name":"Ada"}"#)),
                "http://o/orders?user=9" => orders.lock().unwrap().take().unwrap(),
                other => panic!("{other} is not called"),
            });
        test::call_async(request, dashboard)
    }

    fn body(done: &Done) -> Value {
        serde_json::from_slice(done.response().unwrap().body_bytes()).unwrap()
    }

    #[test]
    fn both_parts_are_there() {
        let done = done(Ok(Response::new(200).body("[1,2]")), 200);
        assert_eq!(body(&done), json!({ "user": { "name": "Ada" }, "orders": [1, 2], "missing": [] }));
        assert_eq!(done.sent().len(), 2);
    }

    #[test]
    fn one_part_may_be_missing_but_not_both() {
        let half = done(Err("refused".to_owned()), 200);
        assert_eq!(body(&half)["missing"], json!(["orders"]));
        assert_eq!(half.logs().len(), 1);
        let none = done(Err("refused".to_owned()), 500);
        assert_eq!(none.response().unwrap().status(), 502);
    }
}
