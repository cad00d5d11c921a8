//! What the gateway tells about itself: logs, the access log, request ids.

pub mod access_log;
pub mod logging;
pub mod request_id;
