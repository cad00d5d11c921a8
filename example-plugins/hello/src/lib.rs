//! The smallest plugins: an answer, a header for the upstream, and the plain answer of the benchmark.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

use gatehouse_plugin::prelude::*;

/// Answers with a greeting.
#[endpoint]
fn hello(request: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    let name = request.header("x-name").unwrap_or("stranger").to_owned();
    context.info(format!("greeting {name}"));
    Response::json(200, &serde_json::json!({ "message": format!("Hello, {name}!"), "path": request.path() }))
}

/// Sends the request on with one more header, and marks whatever comes back.
#[endpoint(no_body)]
fn add_foo_bar_header(request: &mut Request, context: &Context) -> gatehouse_plugin::Result<()> {
    request.set_header("foo", "bar")?;
    context.set_response_header("x-plugin", "hello")
}

/// The plain answer that `bench/` measures.
#[endpoint]
fn bench_plain(_: &mut Request, _: &Context) -> Response {
    Response::new(200)
        .header("content-type", "text/plain")
        .header("foo-header", "bar")
        .header("foo-header-2", "baz")
        .body("This is a virtual endpoint!")
}

/// What the plugin keeps while it is loaded.
struct Visits(AtomicU64);

#[init]
fn start() -> Visits {
    Visits(AtomicU64::new(0))
}

/// Counts its calls, until another build of it is loaded.
#[endpoint]
fn visits(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    let visits: &Visits = context.state()?;
    Ok(Response::text(format!("{}\n", visits.0.fetch_add(1, Ordering::Relaxed) + 1)))
}

/// Panics when it is told to: what the gateway does then is worth seeing once.
#[endpoint]
fn fragile(request: &mut Request, _: &Context) -> Response {
    let number: u32 = request.query().unwrap_or("0").parse().expect("the query is a number");
    Response::text(format!("{}\n", 100 / number))
}

#[cfg(test)]
mod tests {
    use gatehouse_plugin::test;

    use super::{add_foo_bar_header, bench_plain, fragile, hello, start, visits};

    #[test]
    fn it_greets_by_name() {
        let done = test::call(test::request("GET", "/hello").header("x-name", "Ada"), hello);
        let response = done.response().unwrap();
        assert_eq!(response.body_bytes(), br#"{"message":"Hello, Ada!","path":"/hello"}"#);
        assert_eq!(done.logs()[0].1, "greeting Ada");
    }

    #[test]
    fn it_adds_headers_and_goes_on() {
        let done = test::call(test::request("GET", "/"), add_foo_bar_header);
        assert!(done.continued());
        assert_eq!(done.request().header_value("foo"), Some("bar"));
        assert_eq!(done.response_header("x-plugin"), Some("hello"));
    }

    #[test]
    fn the_plain_answer_has_27_bytes() {
        let done = test::call(test::request("GET", "/"), bench_plain);
        assert_eq!(done.response().unwrap().body_bytes().len(), 27);
    }

    #[test]
    fn visits_are_counted() {
        let done = test::call(test::request("GET", "/").state(start()), visits);
        assert_eq!(done.response().unwrap().body_bytes(), b"1\n");
    }

    #[test]
    fn a_panic_is_not_an_answer() {
        assert_eq!(
            test::call(test::request("GET", "/?0"), fragile).panic(),
            Some("attempt to divide by zero")
        );
    }
}
