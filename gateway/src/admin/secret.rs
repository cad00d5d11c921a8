//! Who may use the admin API: who knows the secret.

use http::HeaderMap;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;

use super::answer::Refused;
use crate::config::settings::AdminSettings;

/// The header with the secret.
pub(super) const HEADER: &str = "x-tyk-authorization";

/// Lets a request through that has the secret.
pub(super) fn check(settings: Option<&AdminSettings>, headers: &HeaderMap) -> Result<(), Refused> {
    let Some(settings) = settings else { return Err(Refused::off()) };
    let given = headers.get(HEADER).map_or(&[][..], |value| value.as_bytes());
    if is_same(given, settings.secret.as_bytes()) { Ok(()) } else { Err(Refused::secret()) }
}

/// Takes the same time wherever the two differ, and tells nothing of the length either.
fn is_same(given: &[u8], secret: &[u8]) -> bool {
    let (given, secret) = (digest(&SHA256, given), digest(&SHA256, secret));
    given.as_ref().ct_eq(secret.as_ref()).into()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::{AdminSettings, HEADER, check};

    #[test]
    fn only_the_whole_secret_is_let_in() {
        let settings = AdminSettings { secret: "sesame".into(), body_bytes: 1, master_keys: false };
        let status = |settings, given: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(given) = given {
                headers.insert(HEADER, HeaderValue::from_static(given));
            }
            check(settings, &headers).map_err(|refused| refused.status)
        };
        assert_eq!(status(Some(&settings), Some("sesame")), Ok(()));
        for wrong in [None, Some(""), Some("sesam"), Some("sesame "), Some("Sesame"), Some("sesamesesame")] {
            assert_eq!(status(Some(&settings), wrong), Err(StatusCode::FORBIDDEN), "{wrong:?}");
        }
        assert_eq!(status(None, Some("")), Err(StatusCode::FORBIDDEN));
        assert_eq!(status(None, None), Err(StatusCode::FORBIDDEN));
    }
}
