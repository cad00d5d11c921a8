//! Answers that outbound calls get without being made, and the store that notes how it is used.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use gatehouse_plugin::host::{HostFuture, StorageOperation, Stored};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::Rehearsal;
use crate::plugins::PluginStorage;

/// The answer to an outbound call.
#[derive(Debug, Clone)]
pub struct RecordedAnswer {
    /// Method of the calls it is for.
    pub method: Method,
    /// Address of the calls it is for, fragment aside.
    pub url: Url,
    /// What they get: an answer, or the reason why there is none.
    pub answer: Result<(StatusCode, HeaderMap, Bytes), String>,
}

/// All recorded answers of a call. Several for the same method and address are given one after the other; the last one is
/// also for all calls after it.
#[derive(Debug, Default)]
pub struct Recording {
    answers: Vec<RecordedAnswer>,
    /// How often each has been asked for; of those with the same method and address, the first one counts.
    asked: Vec<AtomicUsize>,
    live: bool,
}

impl Recording {
    /// These answers. With `live`, a call without one is made.
    pub fn new(answers: Vec<RecordedAnswer>, live: bool) -> Self {
        let asked = answers.iter().map(|_| AtomicUsize::new(0)).collect();
        Self { answers, asked, live }
    }

    /// The answer to a call; `None` when the call is to be made.
    ///
    /// # Errors
    /// When there is no answer and calls must not be made.
    pub fn find(&self, method: &Method, url: &Url) -> Result<Option<&RecordedAnswer>, String> {
        let matches = |answer: &RecordedAnswer| {
            answer.method == *method && without_fragment(&answer.url) == without_fragment(url)
        };
        let mut matching = self.answers.iter().enumerate().filter(|(_, answer)| matches(answer));
        let Some((first, only)) = matching.next() else {
            return if self.live { Ok(None) } else { Err(no_answer(method, url)) };
        };
        let turn = self.asked[first].fetch_add(1, Ordering::Relaxed);
        let mut found = only;
        for (_, answer) in matching.take(turn) {
            found = answer;
        }
        Ok(Some(found))
    }
}

fn without_fragment(url: &Url) -> &str {
    url.as_str().split('#').next().unwrap_or("")
}

fn no_answer(method: &Method, url: &Url) -> String {
    format!(
        "{method} {}: there is no recorded answer for this call; add one to `recorded`, or set `live` to make it",
        without_fragment(url)
    )
}

/// A store whose uses are noted.
pub(super) struct NotedStorage {
    pub(super) storage: Arc<dyn PluginStorage>,
    pub(super) rehearsal: Arc<Rehearsal>,
}

impl PluginStorage for NotedStorage {
    fn run(&self, key: String, operation: StorageOperation) -> HostFuture<Result<Stored, String>> {
        let (name, rest) = match &operation {
            StorageOperation::Get => ("get", None),
            StorageOperation::Set { value, if_absent: false, .. } => {
                ("set", Some(String::from_utf8_lossy(value).into_owned()))
            }
            StorageOperation::Set { value, .. } => {
                ("set_if_absent", Some(String::from_utf8_lossy(value).into_owned()))
            }
            StorageOperation::Delete => ("delete", None),
            StorageOperation::TimeToLive => ("time_to_live", None),
            StorageOperation::Increment(by) => ("increment", Some(by.to_string())),
        };
        let arguments: Vec<String> = [Some(key.clone()), rest].into_iter().flatten().collect();
        let (done, rehearsal) = (self.storage.run(key, operation), Arc::clone(&self.rehearsal));
        Box::pin(async move {
            let done = done.await;
            let gave = match &done {
                Ok(Stored::Nothing) => "null".to_owned(),
                Ok(Stored::Value(value)) => String::from_utf8_lossy(value).into_owned(),
                Ok(Stored::Number(number)) => number.to_string(),
                Err(reason) => format!("error: {reason}"),
            };
            rehearsal.used_store(name, &arguments, &gave);
            done
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(url: &str, code: u16) -> RecordedAnswer {
        let status = StatusCode::from_u16(code).unwrap();
        let answer = Ok((status, HeaderMap::new(), Bytes::new()));
        RecordedAnswer { method: Method::GET, url: Url::parse(url).unwrap(), answer }
    }

    #[test]
    fn answers_come_in_turn_and_the_last_one_stays() {
        let answers =
            vec![answer("http://a/1", 201), answer("http://a/2", 204), answer("http://A:80/1#x", 202)];
        let recording = Recording::new(answers, false);
        let find = |url: &str| {
            let found = recording.find(&Method::GET, &Url::parse(url).unwrap()).unwrap().unwrap();
            found.answer.as_ref().unwrap().0.as_u16()
        };
        let given = ["http://a/1", "http://a/2", "http://a/1#y", "http://a/1", "http://a/2"].map(find);
        assert_eq!(given, [201, 204, 202, 202, 204]);
    }

    #[test]
    fn a_call_without_an_answer_is_made_only_when_it_may() {
        let url = Url::parse("http://a/1?q=1").unwrap();
        let recorded = Recording::new(vec![answer("http://a/1", 200)], false);
        let refused = recorded.find(&Method::GET, &url);
        assert!(refused.unwrap_err().starts_with("GET http://a/1?q=1: there is no recorded answer"));
        let live = Recording::new(vec![answer("http://a/1?q=1", 200)], true);
        assert!(live.find(&Method::POST, &url).unwrap().is_none());
        assert!(live.find(&Method::GET, &url).unwrap().is_some());
    }
}
