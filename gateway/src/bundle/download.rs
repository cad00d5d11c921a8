//! Fetching a bundle from `bundle_base_url`.

use std::{
    error::Error as _,
    fs,
    io::{self, Read as _},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::runtime::Handle;
use url::Url;

use crate::js::outbound::OutboundClient;

/// Time for one try, as in Tyk.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Waits between tries.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(1_000)];

/// Why a bundle was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The URL is of another kind.
    #[error("`bundle_base_url` must begin with http://, https:// or file://, not {0}://")]
    Scheme(String),
    /// Not a URL with the bundle's name.
    #[error("{url} is not a URL that can be asked")]
    Url {
        /// The URL.
        url: String,
    },
    /// A file that cannot be read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The server said something else than 200.
    #[error("{url} answered {status}")]
    Status {
        /// The URL.
        url: String,
        /// What it said.
        status: StatusCode,
    },
    /// No answer, or not a whole one.
    #[error("{url}: {cause}")]
    NoAnswer {
        /// The URL.
        url: String,
        /// Why.
        cause: String,
    },
}

/// Where bundles come from.
pub(super) struct Download {
    pub(super) base: Url,
    pub(super) client: OutboundClient,
    pub(super) handle: Handle,
    pub(super) max_bytes: usize,
}

impl Download {
    /// The bytes of a bundle; blocks. Tries again when there was no answer.
    pub(super) fn fetch(&self, name: &str) -> Result<Bytes, DownloadError> {
        let mut url = self.base.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{name}"));
        match url.scheme() {
            "http" | "https" => {}
            "file" => return self.read(&url),
            other => return Err(DownloadError::Scheme(other.to_owned())),
        }
        let uri: Uri = url.as_str().parse().map_err(|_| DownloadError::Url { url: url.to_string() })?;
        self.handle.block_on(async {
            for pause in PAUSES {
                match self.get(&uri).await {
                    Err(DownloadError::NoAnswer { url, cause }) => {
                        tracing::warn!(url, cause, "a bundle is not there yet: trying again");
                        tokio::time::sleep(pause).await;
                    }
                    done => return done,
                }
            }
            self.get(&uri).await
        })
    }

    fn read(&self, url: &Url) -> Result<Bytes, DownloadError> {
        let path = url.to_file_path().map_err(|()| DownloadError::Url { url: url.to_string() })?;
        let mut bytes = Vec::new();
        let read = fs::File::open(&path)
            .and_then(|file| file.take(self.max_bytes as u64 + 1).read_to_end(&mut bytes))
            .and_then(|length| match length > self.max_bytes {
                true => Err(io::Error::other(format!("is larger than {} bytes", self.max_bytes))),
                false => Ok(()),
            });
        read.map_err(|error| DownloadError::File { path: path.display().to_string(), error })?;
        Ok(bytes.into())
    }

    async fn get(&self, uri: &Uri) -> Result<Bytes, DownloadError> {
        let no_answer = |cause: String| DownloadError::NoAnswer { url: uri.to_string(), cause };
        let request =
            Request::get(uri).body(Full::default()).map_err(|error| no_answer(error.to_string()))?;
        let answer = async {
            let answer = self.client.request(request).await.map_err(|error| {
                let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                no_answer(cause)
            })?;
            let status = answer.status();
            if status != StatusCode::OK {
                return Err(DownloadError::Status { url: uri.to_string(), status });
            }
            let body = Limited::new(answer.into_body(), self.max_bytes).collect().await;
            Ok(body.map_err(|error| no_answer(error.to_string()))?.to_bytes())
        };
        let timed = tokio::time::timeout(TIMEOUT, answer).await;
        timed.unwrap_or_else(|_| Err(no_answer(format!("no whole answer within {} s", TIMEOUT.as_secs()))))
    }
}
