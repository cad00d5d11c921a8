//! The methods of [`UpstreamResponse`].

use gatehouse_plugin_abi::numbers::header;

use crate::{
    Body, UpstreamResponse,
    error::{Error, Result},
    message::message_methods,
};

impl UpstreamResponse {
    /// Status.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::respond(test::request("GET", "/"), Response::new(404), |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// assert_eq!(response.status(), 404);
    /// # }).unwrap();
    /// ```
    pub fn status(&self) -> u16 {
        self.raw_status()
    }

    /// Changes the status.
    ///
    /// # Errors
    /// When it is not between 200 and 999.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::respond(test::request("GET", "/"), Response::new(404), |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// response.set_status(204)
    /// # }).unwrap();
    /// # assert_eq!(done.response().unwrap().status(), 204);
    /// ```
    pub fn set_status(&mut self, status: u16) -> Result<()> {
        self.change_status(status)
    }
}

message_methods!(
    UpstreamResponse,
    "the upstream's answer",
    r##"# use gatehouse_plugin::{test, prelude::*};
# let answer = Response::new(200).header("server", "x").body("[1, 2]");
# test::respond(test::request("GET", "/"), answer, |message: &mut UpstreamResponse, _: &Request, _: &Context| {"##
);
