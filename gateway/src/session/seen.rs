//! What scripts and plugins see of a caller's session.

use std::{borrow::Cow, sync::Arc};

use serde_json::Value;

use super::Session;

/// The quota of a caller as it is after its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedQuota {
    /// Requests left.
    pub remaining: i64,
    /// When its period ends, in seconds since 1970; 0 is never.
    pub renews: i64,
    /// See [`allowance_scope`](super::AccessRight::allowance_scope).
    pub scope: Box<str>,
}

/// A session with what is left of its quota, which is written into it when somebody looks.
///
/// Most code looks at metadata or at nothing, so a request is spared a copy of the record.
#[derive(Debug, Clone)]
pub struct SeenSession {
    session: Arc<Session>,
    quota: Option<CountedQuota>,
}

impl SeenSession {
    /// A session whose quota was counted, or is as the record says.
    pub fn new(session: Arc<Session>, quota: Option<CountedQuota>) -> Self {
        Self { session, quota }
    }

    /// Its metadata.
    pub fn metadata(&self) -> &Value {
        &self.session.meta_data
    }

    /// All of it.
    pub fn whole(&self) -> Cow<'_, Session> {
        match &self.quota {
            None => Cow::Borrowed(&self.session),
            Some(CountedQuota { remaining, renews, scope }) => {
                let mut session = Session::clone(&self.session);
                session.set_quota(scope, *remaining, *renews);
                Cow::Owned(session)
            }
        }
    }
}

impl From<Arc<Session>> for SeenSession {
    fn from(session: Arc<Session>) -> Self {
        Self::new(session, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_is_that_of_the_request() {
        let record = Arc::new(Session { quota_max: 9, quota_remaining: 9, ..Session::default() });
        let seen = |quota| SeenSession::new(Arc::clone(&record), quota).whole().into_owned();
        assert_eq!(seen(None), *record);
        let counted = |scope: &str| CountedQuota { remaining: 4, renews: 7, scope: scope.into() };
        assert_eq!(
            seen(Some(counted(""))),
            Session { quota_remaining: 4, quota_renews: 7, ..Session::clone(&record) }
        );
        assert_eq!(seen(Some(counted("other"))), *record);
    }
}
