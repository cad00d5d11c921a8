//! The upstream's answer, as plugins see and change it.

use bytes::Bytes;
use gatehouse_plugin::host::{ForeignBytes, HeaderChange, Headers, Refusal, ResponseSide};
use http::{HeaderValue, Response};

use super::{
    context::bytes,
    request::{change_header, each_header, set_length},
};

/// An answer during a call.
pub(super) struct CallResponse<'a>(pub &'a mut Response<Bytes>);

impl Headers for CallResponse<'_> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.0.headers().get(name).map(HeaderValue::as_bytes)
    }

    fn header_count(&self) -> usize {
        self.0.headers().len()
    }

    fn each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        each_header(self.0.headers(), visit);
    }

    fn change_header(&mut self, name: &str, change: HeaderChange<'_>) -> Result<(), Refusal> {
        change_header(self.0.headers_mut(), name, change)
    }
}

impl ResponseSide for CallResponse<'_> {
    fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    fn body(&self) -> &[u8] {
        self.0.body()
    }

    fn set_status(&mut self, status: u16) -> Result<(), Refusal> {
        *self.0.status_mut() = crate::reply::final_status(status).ok_or(Refusal::BadValue)?;
        Ok(())
    }

    fn set_body(&mut self, body: ForeignBytes) {
        *self.0.body_mut() = bytes(body);
        let length = self.0.body().len();
        set_length(self.0.headers_mut(), length);
    }
}
