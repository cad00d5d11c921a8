//! The attributes of `gatehouse-plugin`: each exports a descriptor next to a function that stays as it was written.
//!
//! Documented where authors find them, in that crate; `function` checks and expands all but `init`.

mod function;
mod init;

use proc_macro::TokenStream;

use self::function::Attribute;

/// Makes a function an endpoint: `fn(&mut Request, &Context)`, sync or async, returning anything that has
/// `IntoOutcome`.
///
/// `#[endpoint(blocking)]` runs it on a thread where it may block, `#[endpoint(no_body)]` leaves the request's body
/// streaming, `#[endpoint(name = "OtherName")]` exports it under another name.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[endpoint(no_body, name = "AddFooBarHeader")]
/// fn add_foo_bar_header(request: &mut Request, _: &Context) -> gatehouse_plugin::Result<()> {
///     request.set_header("foo", "bar")
/// }
/// ```
#[proc_macro_attribute]
pub fn endpoint(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(Attribute::Endpoint, options, item)
}

/// Makes a function a `pre`, `post_key_auth` or `post` hook. As `#[endpoint]` in all else; either can be used at both
/// places.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[request_hook]
/// fn no_old_clients(request: &mut Request, _: &Context) -> Option<Response> {
///     let old = request.header("user-agent").is_some_and(|agent| agent.starts_with("OldClient/"));
///     old.then(|| Response::new(426))
/// }
/// ```
#[proc_macro_attribute]
pub fn request_hook(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(Attribute::RequestHook, options, item)
}

/// Makes a function an `auth_check`: `fn(&mut Request, &Context)`, returning anything that has `IntoVerdict`.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[auth]
/// fn by_key(request: &mut Request, _: &Context) -> Result<Session, Denied> {
///     match request.header("x-key") {
///         Some("secret") => Ok(Session::new("the one caller")),
///         _ => Err(Denied::forbidden("wrong key")),
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn auth(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(Attribute::Auth, options, item)
}

/// Makes a function a `response` hook: `fn(&mut UpstreamResponse, &Request, &Context)`, returning nothing or a `Result` of
/// nothing.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[response_hook]
/// fn no_server(response: &mut UpstreamResponse, _: &Request, _: &Context) -> gatehouse_plugin::Result<()> {
///     response.remove_header("server")
/// }
/// ```
#[proc_macro_attribute]
pub fn response_hook(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(Attribute::ResponseHook, options, item)
}

/// Makes a function an `analytics_plugin`: `fn(&mut Record, &Context)`, returning nothing or a `Result` of nothing.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[analytics]
/// fn no_bodies(record: &mut Record, _: &Context) {
///     record.remove("raw_request");
///     record.remove("raw_response");
/// }
/// ```
#[proc_macro_attribute]
pub fn analytics(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(Attribute::Analytics, options, item)
}

/// Makes a function the one that is called once when the plugin is loaded, and makes what it keeps:
/// `fn() -> State` or `fn() -> Result<State, E>`. An error or a panic refuses the plugin.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// struct Limits {
///     per_minute: u32,
/// }
///
/// #[init]
/// fn read_limits() -> Result<Limits, std::num::ParseIntError> {
///     let text = std::env::var("MY_PLUGIN_PER_MINUTE").unwrap_or_else(|_| "60".to_owned());
///     Ok(Limits { per_minute: text.parse()? })
/// }
/// ```
#[proc_macro_attribute]
pub fn init(options: TokenStream, item: TokenStream) -> TokenStream {
    init::expand(options, item)
}
