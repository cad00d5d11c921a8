//! A plugin with a tokio runtime and a client library of its own, for libraries that need one: here hyper-util's HTTP
//! client. For plain HTTP calls `context.send` is simpler and shares the gateway's connections.
//!
//! ```json
//! {"path": "/price", "method": "GET", "plugin_path": "libown_runtime.so", "func_name": "price",
//!  "config": {"prices": "http://prices.internal:8080/today"}}
//! ```
#![forbid(unsafe_code)]

use std::{io, time::Duration};

use bytes::Bytes;
use gatehouse_plugin::{entered, prelude::*};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::Deserialize;
use tokio::runtime::Runtime;

/// What the plugin keeps while it is loaded: the runtime, and a client whose connections live in it.
struct Own {
    runtime: Runtime,
    client: Client<HttpConnector, Empty<Bytes>>,
}

/// Starts the runtime. The plugin has a tokio of its own: it shares nothing with the gateway's.
#[init]
fn start() -> Result<Own, io::Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("price-plugin")
        .enable_all()
        .build()?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    Ok(Own { runtime, client })
}

#[derive(Deserialize)]
struct Config {
    prices: String,
}

/// Answers with what the price service says.
#[endpoint]
async fn price(
    _: &mut Request,
    context: &Context,
) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let own: &Own = context.state()?;
    let config: &Config = context.config()?;
    let call = async {
        let response = own.client.get(config.prices.parse()?).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, body))
    };
    // The gateway polls this function on its own threads; `entered` is what gives the call its sockets and timers.
    let bounded = async { tokio::time::timeout(Duration::from_secs(2), call).await };
    match entered(|| own.runtime.enter(), bounded).await {
        Ok(answer) => {
            let (status, body): (u16, Bytes) =
                answer.map_err(|error: Box<dyn std::error::Error + Send + Sync>| error)?;
            Ok(Response::new(status).body(gatehouse_plugin::Body::from_owner(body)))
        }
        Err(_) => Ok(Response::new(504)),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use gatehouse_plugin::test;

    use super::{price, start};

    #[test]
    fn the_answer_comes_through_its_own_client() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = connection.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /today HTTP/1.1\r\n"));
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n42.00").unwrap();
        });
        let config = serde_json::json!({ "prices": format!("http://{address}/today") });
        let request = test::request("GET", "/price").config(&config).state(start().unwrap());
        let done = test::call_async(request, price);
        assert_eq!(done.response().unwrap().body_bytes(), b"42.00");
        server.join().unwrap();
    }
}
