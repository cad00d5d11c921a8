//! Keys, their sessions, and the store that both are kept in.
//!
//! [`Sessions`] is what the request path, scripts and the admin API ask: it finds the session of what a caller sent, with
//! its policies applied, from memory when it can. Below it is the [`Store`]: values under names, with an end, either in
//! a file of this gateway's or in a Redis that several gateways share. The store says when it cannot be reached; nobody
//! goes on as if a key were not there.

pub mod embedded;
pub mod hash;
pub mod key;
pub mod lifetime;
mod memory;
pub mod policy;
pub mod redis;
pub mod seen;
#[allow(clippy::module_inception, reason = "the concept of the room, and its file")]
pub mod session;
pub mod sessions;
pub mod signal;
pub mod store;

pub use self::{
    key::{Key, StoredId},
    lifetime::{KeyedApi, KeyedApis},
    policy::{Partitions, Policies, Policy, PolicyError},
    seen::{CountedQuota, SeenSession},
    session::{AccessRight, AllowedUrl, EndpointLimits, Limit, MethodLimit, Session},
    sessions::{Found, Sessions},
    signal::Signal,
    store::{Life, Store, StoreError},
};
