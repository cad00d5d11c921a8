//! Pools of hosts that only requests name: outbound calls of code at the endpoint.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use http::{Request, Response, uri::Authority};

use super::{
    client::origin_form,
    direct::{DirectBody, DirectError, HostPool, HostPools},
};
use crate::exchange::RequestBody;

/// Hosts that are remembered. Code that calls ever new ones must not fill the memory; their pools start again empty.
const HOSTS: usize = 512;

/// Pools by host, found without a lock.
#[derive(Debug)]
pub struct Hosts {
    pools: Arc<HostPools>,
    /// By the authority as it was written: to hash one as a host, letter by letter, takes as long as the rest of a look-up.
    known: ArcSwap<HashMap<Box<str>, Arc<HostPool>>>,
}

impl Hosts {
    /// No hosts yet; connections are shared with what else uses these pools.
    pub fn new(pools: Arc<HostPools>) -> Self {
        Self { pools, known: ArcSwap::default() }
    }

    /// Sends a request to the plain HTTP/1.1 server that its URI names; the answer's body is still to be read.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send(
        &self,
        authority: &Authority,
        request: &mut Request<RequestBody>,
    ) -> Result<Response<DirectBody>, DirectError> {
        origin_form(request);
        self.pool(authority).send(request).await
    }

    fn pool(&self, authority: &Authority) -> Arc<HostPool> {
        if let Some(pool) = self.known.load().get(authority.as_str()) {
            return Arc::clone(pool);
        }
        let pool = self.pools.pool(authority);
        self.known.rcu(|known| {
            let mut known = if known.len() < HOSTS { HashMap::clone(known) } else { HashMap::new() };
            known.insert(authority.as_str().into(), Arc::clone(&pool));
            known
        });
        pool
    }
}
