//! What [`Request`](crate::Request) and [`UpstreamResponse`](crate::UpstreamResponse) have in common: headers and a body.

/// The methods of a message, over its `raw_…` and `change_…` ones.
///
/// `$given` is the hidden beginning of the examples: it calls a function with `message`, which has the header `server: x`
/// and the body `[1, 2]`. `$what` says whose body it is in errors.
macro_rules! message_methods {
    ($message:ident, $what:literal, $given:literal) => {
        /// Headers and body.
        impl $message {
            /// First value of a header, when it is text. Names match without regard to case.
            ///
            /// ```
            #[doc = $given]
            /// assert_eq!(message.header("Server"), Some("x"));
            /// assert_eq!(message.header("x-none"), None);
            /// # }).unwrap();
            /// ```
            pub fn header(&self, name: &str) -> Option<&str> {
                self.header_bytes(name).and_then(|value| std::str::from_utf8(value).ok())
            }

            /// First value of a header, whatever its bytes.
            ///
            /// ```
            #[doc = $given]
            /// assert_eq!(message.header_bytes("server"), Some(&b"x"[..]));
            /// # }).unwrap();
            /// ```
            pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
                self.raw_header(name)
            }

            /// All values of a header that are text, in order.
            ///
            /// ```
            #[doc = $given]
            /// message.append_header("server", "y")?;
            /// assert!(message.header_values("server").eq(["x", "y"]));
            /// # Ok::<(), gatehouse_plugin::Error>(())
            /// # }).unwrap();
            /// ```
            pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
                let named = self.headers().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
                named.filter_map(|(_, value)| std::str::from_utf8(value).ok())
            }

            /// All headers; names are in lower case, repeated ones come several times.
            ///
            /// ```
            #[doc = $given]
            /// assert!(message.headers().eq([("server", &b"x"[..])]));
            /// # }).unwrap();
            /// ```
            pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
                self.raw_headers()
            }

            /// Sets a header, replacing all its values.
            ///
            /// # Errors
            /// When name or value is not allowed.
            ///
            /// ```
            #[doc = $given]
            /// message.set_header("server", "y")?;
            /// assert_eq!(message.header("server"), Some("y"));
            /// # Ok::<(), gatehouse_plugin::Error>(())
            /// # }).unwrap();
            /// ```
            pub fn set_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
                self.change_header(header::SET, name, value.as_ref())
            }

            /// Adds a header next to those there.
            ///
            /// # Errors
            /// When name or value is not allowed.
            ///
            /// ```
            #[doc = $given]
            /// message.append_header("via", "1.1 my-plugin")?;
            /// assert_eq!(message.headers().count(), 2);
            /// # Ok::<(), gatehouse_plugin::Error>(())
            /// # }).unwrap();
            /// ```
            pub fn append_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
                self.change_header(header::APPEND, name, value.as_ref())
            }

            /// Takes all values of a header out.
            ///
            /// # Errors
            /// When the name is not allowed.
            ///
            /// ```
            #[doc = $given]
            /// message.remove_header("server")?;
            /// assert_eq!(message.header("server"), None);
            /// # Ok::<(), gatehouse_plugin::Error>(())
            /// # }).unwrap();
            /// ```
            pub fn remove_header(&mut self, name: &str) -> Result<()> {
                self.change_header(header::REMOVE, name, &[])
            }

            /// The whole body; of a request, empty in a function marked `no_body`, which leaves it streaming.
            ///
            /// ```
            #[doc = $given]
            /// assert_eq!(message.body(), b"[1, 2]");
            /// # }).unwrap();
            /// ```
            pub fn body(&self) -> &[u8] {
                self.raw_body()
            }

            /// The body read as JSON. May borrow from the body.
            ///
            /// # Errors
            /// When it is not JSON of that form.
            ///
            /// ```
            #[doc = $given]
            /// let numbers: Vec<u32> = message.json()?;
            /// assert_eq!(numbers, [1, 2]);
            /// # Ok::<(), gatehouse_plugin::Error>(())
            /// # }).unwrap();
            /// ```
            pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T> {
                serde_json::from_slice(self.body()).map_err(|error| Error::Json($what, error))
            }

            /// Changes the body, and its length with it. The content type stays as it is.
            ///
            /// # Errors
            /// When the body cannot be changed here, such as a request's in a response hook.
            ///
            /// ```
            #[doc = $given]
            /// message.set_body(r#"{"id": 8}"#)?;
            /// assert_eq!(message.body(), br#"{"id": 8}"#);
            /// # Ok::<(), gatehouse_plugin::Error>(())
            /// # }).unwrap();
            /// ```
            pub fn set_body(&mut self, body: impl Into<Body>) -> Result<()> {
                self.change_body(body.into().into_foreign())
            }
        }
    };
}

pub(crate) use message_methods;
