//! Sends requests to one upstream or another, or to one part of the API's own, by what is in them.
//!
//! ```json
//! {"path": "/orders", "method": "POST", "plugin_path": "libdynamic_routing.so", "func_name": "by_region",
//!  "config": {"regions": {"us": "/us/orders", "jp": "http://orders.jp.internal:8080/orders"}, "default": "/eu/orders"}}
//! ```
#![forbid(unsafe_code)]

use std::{borrow::Cow, collections::HashMap};

use gatehouse_plugin::prelude::*;
use serde::Deserialize;

/// Where the orders of a region go: a path at the API's upstream, or the URL of another one.
#[derive(Deserialize)]
struct Routes {
    regions: HashMap<String, String>,
    default: String,
}

/// The part of an order that decides.
#[derive(Deserialize)]
struct Order<'a> {
    #[serde(borrow)]
    region: Cow<'a, str>,
}

/// Goes by the region in the body, keeps the query of its own upstream, and tells the client where the order went.
#[endpoint]
fn by_region(request: &mut Request, context: &Context) -> gatehouse_plugin::Result<Option<Response>> {
    let routes: &Routes = context.config()?;
    let region = match request.json::<Order>() {
        Ok(order) => order.region.into_owned(),
        Err(error) => {
            let body = serde_json::json!({ "error": error.to_string() });
            return Response::json(400, &body).map(Some);
        }
    };
    let target = routes.regions.get(region.as_str()).unwrap_or(&routes.default);
    if target.starts_with('/') {
        let listen_path = context.api().listen_path().trim_end_matches('/');
        request.set_path(&format!("{listen_path}{target}"))?;
    } else {
        request.send_to(target)?;
    }
    request.set_header("x-region", &region)?;
    context.set_response_header("x-routed-to", target)?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use gatehouse_plugin::test::{self, Done};
    use serde_json::json;

    use super::by_region;

    fn call(body: &'static str) -> Done {
        let regions = json!({ "us": "/us/orders", "jp": "http://jp:8080/orders" });
        let config = json!({ "regions": regions, "default": "/eu/orders" });
        let request = test::request("POST", "/shop/orders?dry=1").api("shop", "Shop", "org", "/shop/");
        test::call(request.config(&config).body(body), by_region)
    }

    #[test]
    fn the_region_in_the_body_decides() {
        let done = call(r#"{"region": "us", "items": []}"#);
        assert!(done.continued());
        assert_eq!(done.request().target(), "/shop/us/orders?dry=1");
        assert_eq!(done.request().header_value("x-region"), Some("us"));
        assert_eq!(done.response_header("x-routed-to"), Some("/us/orders"));
        assert_eq!(call(r#"{"region": "mars"}"#).request().target(), "/shop/eu/orders?dry=1");
    }

    #[test]
    fn a_region_may_have_an_upstream_of_its_own() {
        let done = call(r#"{"region": "jp"}"#);
        assert_eq!(done.request().sent_to(), Some("http://jp:8080/orders"));
        assert_eq!(call(r#"{"region": "us"}"#).request().sent_to(), None);
    }

    #[test]
    fn an_order_without_a_region_is_the_clients_mistake() {
        assert_eq!(call("{}").response().unwrap().status(), 400);
        // A header cannot hold a line break, so it never reaches the upstream.
        assert!(call(r#"{"region": "a\nb"}"#).error().unwrap().contains("x-region"));
    }
}
