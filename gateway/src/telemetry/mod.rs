//! What the gateway tells about itself: logs, the access log, request ids, metrics.

pub mod access_log;
pub mod logging;
pub mod metrics;
pub mod request_id;
