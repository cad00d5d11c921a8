//! The store that scripts and plugins share with each other, across the nodes of a gateway.

use std::time::Duration;

use gatehouse_plugin_abi::{
    StorageAnswer,
    numbers::{storage, stored},
};

use crate::{
    Context,
    error::{Error, Result},
    ffi::guest::storage_value,
};

/// The store; from [`Context::storage`]. Every operation fails with a clear error while the gateway has none.
///
/// ```
/// use gatehouse_plugin::prelude::*;
/// use std::time::Duration;
///
/// #[endpoint]
/// async fn once(request: &mut Request, context: &Context) -> gatehouse_plugin::Result<Outcome> {
///     let key = request.header("idempotency-key").ok_or("no idempotency-key")?.to_owned();
///     let first = context.storage().set_if_absent(&key, "seen", Some(Duration::from_secs(3600))).await?;
///     Ok(if first { Outcome::Continue } else { Outcome::Respond(Response::new(409)) })
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Storage<'a> {
    context: &'a Context,
}

/// An operation, before it crosses.
pub(crate) struct Operation<'a> {
    number: u32,
    pub(crate) key: &'a str,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) amount: i64,
}

impl Operation<'_> {
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl<'a> Storage<'a> {
    pub(crate) fn new(context: &'a Context) -> Self {
        Self { context }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When the store cannot be asked.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call_async(test::request("GET", "/").store(), async |_: &mut Request, context: &Context| {
    /// let cached = context.storage().get("greeting").await?;
    /// assert_eq!(cached, None);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let (kind, _, value) = self.ask(storage::GET, key, None, 0).await?;
        Ok((kind == stored::VALUE).then_some(value))
    }

    /// Writes a value, for a time or for ever.
    ///
    /// # Errors
    /// When the store cannot be asked.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call_async(test::request("GET", "/").store(), async |_: &mut Request, context: &Context| {
    /// let store = context.storage();
    /// store.set("greeting", "hello", Some(std::time::Duration::from_secs(60))).await?;
    /// assert_eq!(store.get("greeting").await?.as_deref(), Some(&b"hello"[..]));
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub async fn set(&self, key: &str, value: impl AsRef<[u8]>, life: Option<Duration>) -> Result<()> {
        self.ask(storage::SET, key, Some(value.as_ref()), milliseconds(life)).await.map(drop)
    }

    /// Writes a value if there is none, and says whether it did.
    ///
    /// # Errors
    /// When the store cannot be asked.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call_async(test::request("GET", "/").store(), async |_: &mut Request, context: &Context| {
    /// let store = context.storage();
    /// assert!(store.set_if_absent("lock", "mine", None).await?);
    /// assert!(!store.set_if_absent("lock", "mine", None).await?);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub async fn set_if_absent(
        &self,
        key: &str,
        value: impl AsRef<[u8]>,
        life: Option<Duration>,
    ) -> Result<bool> {
        let answer = self.ask(storage::SET_IF_ABSENT, key, Some(value.as_ref()), milliseconds(life)).await?;
        Ok(answer.1 != 0)
    }

    /// Takes a value out, and says whether there was one.
    ///
    /// # Errors
    /// When the store cannot be asked.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call_async(test::request("GET", "/").store(), async |_: &mut Request, context: &Context| {
    /// assert!(!context.storage().delete("greeting").await?);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub async fn delete(&self, key: &str) -> Result<bool> {
        Ok(self.ask(storage::DELETE, key, None, 0).await?.1 != 0)
    }

    /// How long a value has left; `None` without a value or without an end.
    ///
    /// # Errors
    /// When the store cannot be asked.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call_async(test::request("GET", "/").store(), async |_: &mut Request, context: &Context| {
    /// assert_eq!(context.storage().time_to_live("greeting").await?, None);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub async fn time_to_live(&self, key: &str) -> Result<Option<Duration>> {
        let (_, number, _) = self.ask(storage::TIME_TO_LIVE, key, None, 0).await?;
        Ok(u64::try_from(number).ok().map(Duration::from_millis))
    }

    /// Adds to a counter and gives the sum; a key without a value counts from 0.
    ///
    /// # Errors
    /// When the store cannot be asked, or the value is not a number.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call_async(test::request("GET", "/").store(), async |_: &mut Request, context: &Context| {
    /// let store = context.storage();
    /// store.increment("visits", 1).await?;
    /// assert_eq!(store.increment("visits", 2).await?, 3);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub async fn increment(&self, key: &str, by: i64) -> Result<i64> {
        Ok(self.ask(storage::INCREMENT, key, None, by).await?.1)
    }

    async fn ask(
        &self,
        number: u32,
        key: &str,
        value: Option<&[u8]>,
        amount: i64,
    ) -> Result<(u32, i64, Vec<u8>)> {
        let future = self.context.raw_storage(&Operation { number, key, value, amount });
        let answer: StorageAnswer = future.await.ok_or(Error::Gateway)?;
        let (kind, number, value) = storage_value(answer);
        match kind {
            stored::ERROR => Err(Error::Storage(String::from_utf8_lossy(value.as_ref()).into_owned())),
            kind => Ok((kind, number, value.as_ref().to_vec())),
        }
    }
}

fn milliseconds(life: Option<Duration>) -> i64 {
    // At least one: 0 means for ever.
    life.map_or(0, |life| i64::try_from(life.as_millis()).unwrap_or(i64::MAX).max(1))
}
