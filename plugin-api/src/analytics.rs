//! The analytics record, which an `#[analytics]` function may change before it is written.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Context,
    error::{Error, Result},
    ffi::host::item,
};

/// One line of analytics, by field name: `method`, `path`, `response_code`, `raw_request` and so on.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[analytics]
/// fn mask(record: &mut Record, _: &Context) -> gatehouse_plugin::Result<()> {
///     record.remove("raw_request");
///     record.set("tags", ["masked"])
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record(Map<String, Value>);

impl Record {
    /// A field.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::analyse(serde_json::json!({"method": "GET"}), |record: &mut Record, _: &Context| {
    /// assert_eq!(record.get("method"), Some(&"GET".into()));
    /// # }).unwrap();
    /// ```
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// A field that is text.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::analyse(serde_json::json!({"method": "GET"}), |record: &mut Record, _: &Context| {
    /// assert_eq!(record.text("method"), Some("GET"));
    /// # }).unwrap();
    /// ```
    pub fn text(&self, field: &str) -> Option<&str> {
        self.get(field).and_then(Value::as_str)
    }

    /// Sets a field.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::analyse(serde_json::json!({"method": "GET"}), |record: &mut Record, _: &Context| {
    /// record.set("alias", "masked")
    /// # }).unwrap();
    /// ```
    pub fn set(&mut self, field: &str, value: impl Serialize) -> Result<()> {
        let value = serde_json::to_value(value).map_err(|error| Error::Json("the record", error))?;
        self.0.insert(field.to_owned(), value);
        Ok(())
    }

    /// Takes a field out.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::analyse(serde_json::json!({"method": "GET"}), |record: &mut Record, _: &Context| {
    /// assert_eq!(record.remove("method"), Some("GET".into()));
    /// # }).unwrap();
    /// ```
    pub fn remove(&mut self, field: &str) -> Option<Value> {
        self.0.remove(field)
    }

    /// All fields.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::analyse(serde_json::json!({"method": "GET"}), |record: &mut Record, _: &Context| {
    /// assert_eq!(record.fields().count(), 1);
    /// # }).unwrap();
    /// ```
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn read(context: &Context) -> Result<Self, String> {
        let bytes = context.lookup(item::RECORD, "").ok_or("the gateway gave no analytics record")?;
        serde_json::from_slice(bytes.as_ref())
            .map(Self)
            .map_err(|error| format!("the analytics record: {error}"))
    }

    fn write(self, context: &Context) -> Result<(), String> {
        let json = Value::from(self.0).to_string();
        context.put(item::RECORD, "", Some(json.as_bytes())).map_err(|error| error.to_string())
    }
}

/// Calls an analytics hook with the gateway's record and gives it back.
///
/// # Errors
/// As the hook says, or when there is no record.
pub fn record<T>(context: &Context, hook: impl FnOnce(&mut Record) -> T) -> Result<T, String> {
    let mut record = Record::read(context)?;
    let result = hook(&mut record);
    record.write(context)?;
    Ok(result)
}

/// As [`record`], for an async hook.
///
/// # Errors
/// As for [`record`].
pub async fn record_async<T>(
    context: &Context,
    hook: impl AsyncFnOnce(&mut Record) -> T,
) -> Result<T, String> {
    let mut record = Record::read(context)?;
    let result = hook(&mut record).await;
    record.write(context)?;
    Ok(result)
}
