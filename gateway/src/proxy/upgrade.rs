//! Passes an upgraded connection (WebSocket and the like) through in both directions.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::telemetry::request_id::RequestId;

/// Copies bytes both ways, in a task of its own, until either side ends.
pub(super) fn tunnel(client: OnUpgrade, upstream: OnUpgrade, request_id: RequestId) {
    tokio::spawn(async move {
        let (client, upstream) = match tokio::try_join!(client, upstream) {
            Ok(both) => both,
            Err(error) => {
                tracing::warn!(%request_id, %error, "an upgraded connection did not come about");
                return;
            }
        };
        let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
        match tokio::io::copy_bidirectional(&mut client, &mut upstream).await {
            Ok((up, down)) => tracing::debug!(%request_id, up, down, "upgraded connection ended"),
            Err(error) => tracing::debug!(%request_id, %error, "upgraded connection broke off"),
        }
    });
}
