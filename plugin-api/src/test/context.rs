//! The gateway's part of a test: what the function reads, and a record of what it did.

use std::{
    collections::HashMap,
    future::ready,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Map, Value};

use super::request::{Given, TestRequest, change, is_header_value};
use crate::{
    Denied, Level, Response,
    ffi::host::{
        Answer, ContextSide, HeaderChange, HostAnswer, HostCall, HostFuture, Metric, MetricKind, Refusal,
        StorageOperation, Stored, Text, fact, item,
    },
};

/// What answers outbound calls.
pub(super) type Upstream = dyn Fn(&SentCall) -> Result<Response, String> + Send + Sync;

/// An outbound call that a function made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentCall {
    /// Method.
    pub method: String,
    /// Address.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// Bound that the function gave.
    pub timeout: Option<Duration>,
}

/// A metric that a function counted.
#[derive(Debug, Clone, PartialEq)]
pub struct TestMetric {
    /// Counter or histogram.
    pub kind: MetricKind,
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// What was added or observed.
    pub value: f64,
}

/// What a function did.
#[derive(Default)]
pub(super) struct Log {
    pub(super) lines: Vec<(Level, String)>,
    pub(super) metrics: Vec<TestMetric>,
    pub(super) sent: Vec<SentCall>,
    pub(super) response: Option<Response>,
    pub(super) response_headers: Vec<(String, Vec<u8>)>,
    pub(super) session: Option<Value>,
    pub(super) record: Option<Value>,
    pub(super) denied: Option<Denied>,
    pub(super) error: Option<String>,
    pub(super) panic: Option<(String, String)>,
    pub(super) store: HashMap<String, Vec<u8>>,
}

pub(super) struct TestContext {
    given: Given,
    log: Mutex<Log>,
}

impl TestContext {
    /// Takes what came with the request.
    pub(super) fn new(request: &mut TestRequest) -> Self {
        let given = std::mem::take(&mut request.given);
        let log = Log {
            session: given.session.clone(),
            record: given.record.clone(),
            store: given.store.clone().unwrap_or_default(),
            ..Log::default()
        };
        Self { given, log: Mutex::new(log) }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn into_log(self) -> Log {
        self.log.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl ContextSide for TestContext {
    type Answer = Response;

    fn fact(&self, fact: u32) -> Option<&str> {
        Some(match fact {
            fact::REQUEST_ID => "0000000000000001",
            fact::CLIENT => &self.given.client,
            fact::SCHEME => &self.given.scheme,
            fact::API_ID => &self.given.api_id,
            fact::API_NAME => &self.given.api_name,
            fact::ORGANISATION => &self.given.organisation,
            fact::LISTEN_PATH => &self.given.listen_path,
            fact::CONFIG => return self.given.config.as_deref(),
            fact::CONFIG_DATA => &self.given.config_data,
            fact::DEFINITION => return self.given.definition.as_deref(),
            _ => return None,
        })
    }

    fn lookup(&self, item: u32, key: &str) -> Option<Vec<u8>> {
        let log = self.log();
        let found = match item {
            item::SESSION => log.session.as_ref(),
            item::METADATA => log.session.as_ref().and_then(|session| session.get("meta_data")?.get(key)),
            item::RECORD => log.record.as_ref(),
            _ => None,
        };
        found.map(|value| value.to_string().into_bytes())
    }

    fn put(&self, item: u32, key: &str, value: Option<&[u8]>) -> Result<(), Refusal> {
        let mut log = self.log();
        let bytes = value.unwrap_or_default();
        let json = || serde_json::from_slice::<Value>(bytes).map_err(|_| Refusal::BadValue);
        match item {
            item::SESSION => log.session = Some(json()?),
            item::RECORD => log.record = Some(json()?),
            item::METADATA => {
                let session =
                    log.session.as_mut().and_then(Value::as_object_mut).ok_or(Refusal::NoSession)?;
                let metadata = session.entry("meta_data").or_insert_with(|| Value::Object(Map::new()));
                let metadata = metadata.as_object_mut().ok_or(Refusal::NoSession)?;
                match value {
                    Some(_) => drop(metadata.insert(key.to_owned(), json()?)),
                    None => drop(metadata.remove(key)),
                }
            }
            item::SET_RESPONSE_HEADER => {
                change(&mut log.response_headers, key, HeaderChange::Set(bytes))?;
            }
            item::APPEND_RESPONSE_HEADER => {
                change(&mut log.response_headers, key, HeaderChange::Append(bytes))?;
            }
            item::DENIAL => {
                let status = key.parse().map_err(|_| Refusal::BadValue)?;
                log.denied = Some(Denied::new(status, text(bytes)));
            }
            item::ERROR => log.error = Some(text(bytes)),
            item::PANIC => log.panic = Some((key.to_owned(), text(bytes))),
            _ => return Err(Refusal::NotHere),
        }
        Ok(())
    }

    fn respond(&self, answer: Answer<'_>) -> Result<(), Refusal> {
        if !(200..1000).contains(&answer.status) {
            return Err(Refusal::BadValue);
        }
        let mut response = Response::new(answer.status).body(answer.body.as_ref().to_vec());
        let mut checked = Vec::new();
        for (name, value) in answer.headers.iter() {
            let (Text::Static(name) | Text::Borrowed(name), Text::Static(value) | Text::Borrowed(value)) =
                (name, value);
            if !is_header_value(value) {
                return Err(Refusal::BadValue);
            }
            change(&mut checked, &text(name), HeaderChange::Append(value))?;
        }
        for (name, value) in checked {
            response = response.header(name, text(&value));
        }
        self.log().response = Some(response);
        Ok(())
    }

    fn log(&self, level: Level, message: &str) {
        self.log().lines.push((level, message.to_owned()));
    }

    fn metric(&self, metric: Metric<'_>) {
        let labels = metric.labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.log().metrics.push(TestMetric {
            kind: metric.kind,
            name: metric.name.to_owned(),
            labels: labels.collect(),
            value: metric.value,
        });
    }

    fn time_left(&self) -> Option<Duration> {
        self.given.time_left
    }

    fn is_cancelled(&self) -> bool {
        self.given.cancelled
    }

    fn send(&self, call: HostCall) -> HostFuture<Result<Response, String>> {
        let sent = SentCall {
            method: call.method,
            url: call.url,
            headers: call.headers.into_iter().map(|(name, value)| (name, text(&value))).collect(),
            body: call.body.as_ref().to_vec(),
            timeout: call.timeout,
        };
        self.log().sent.push(sent.clone());
        let upstream = self.given.upstream.clone();
        Box::pin(async move {
            match upstream {
                Some(upstream) => upstream(&sent),
                None => Err("this test has no upstream: give the request one with `.upstream(…)`".to_owned()),
            }
        })
    }

    fn storage(&self, key: String, operation: StorageOperation) -> HostFuture<Result<Stored, String>> {
        if self.given.store.is_none() {
            return Box::pin(ready(Err("this gateway has no store".to_owned())));
        }
        let answer = stored(&mut self.log().store, key, operation);
        Box::pin(ready(answer))
    }
}

/// A store whose values do not end.
fn stored(
    store: &mut HashMap<String, Vec<u8>>,
    key: String,
    operation: StorageOperation,
) -> Result<Stored, String> {
    Ok(match operation {
        StorageOperation::Get => store.get(&key).cloned().map_or(Stored::Nothing, Stored::Value),
        StorageOperation::Set { if_absent: true, .. } if store.contains_key(&key) => Stored::Number(0),
        StorageOperation::Set { value, .. } => {
            store.insert(key, value);
            Stored::Number(1)
        }
        StorageOperation::Delete => Stored::Number(store.remove(&key).is_some().into()),
        StorageOperation::TimeToLive => Stored::Number(if store.contains_key(&key) { -1 } else { -2 }),
        StorageOperation::Increment(by) => {
            let value = store.entry(key).or_insert_with(|| b"0".to_vec());
            let number: i64 = text(value).parse().map_err(|_| "the value is not a number".to_owned())?;
            let sum = number.checked_add(by).ok_or("the sum is too large")?;
            *value = sum.to_string().into_bytes();
            Stored::Number(sum)
        }
    })
}

impl HostAnswer for Response {
    fn status(&self) -> u16 {
        self.status()
    }

    fn header_count(&self) -> usize {
        self.headers().count()
    }

    fn each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.headers().for_each(|(name, value)| visit(name, value.as_bytes()));
    }

    fn body(&self) -> &[u8] {
        self.body_bytes()
    }
}
