//! Counters in the Redis that several gateways share.
//!
//! One script looks at all that limits a request and then counts it, or does not: one round trip, and exact over all
//! gateways because Redis runs one script at a time and its clock is the only one. Names and forms are Tyk's: a rate is a
//! sorted set of the times of the requests that passed, in nanoseconds since 1970; a quota is a number that ends with
//! its period.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use ::redis::Script;

use super::{
    LimitsError, Moment,
    demand::{Demand, QuotaDemand, QuotaState, RateDemand, Refusal, Verdict},
    memory::parse,
    prefix,
};
use crate::session::{StoreError, redis::RedisStore};

/// For each key three arguments: `r` or `q`, the limit, and the length of its window (microseconds) or period
/// (milliseconds, 0 is no end). Gives the number of the key that is used up, or 0, then used requests and milliseconds
/// left of the quota.
const SCRIPT: &str = r"
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local used, left = 0, 0
for i = 1, #KEYS do
  local kind, limit, span = ARGV[3 * i - 2], tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  if kind == 'r' then
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f000', now - span))
    if redis.call('ZCARD', KEYS[i]) >= limit then return {i, 0, 0} end
  else
    local value = redis.call('GET', KEYS[i])
    if value then
      used, left = tonumber(value), redis.call('PTTL', KEYS[i])
      if not used then return redis.error_reply('NOTACOUNT ' .. KEYS[i]) end
      if left < 0 and span > 0 then used = 0 end
    end
    if used >= limit then return {i, 0, 0} end
  end
end
for i = 1, #KEYS do
  local span = tonumber(ARGV[3 * i])
  if ARGV[3 * i - 2] == 'r' then
    local micros, one = string.format('%.0f', now), 0
    while redis.call('ZADD', KEYS[i], 'NX', micros .. '000', micros .. string.format('%03d', one)) == 0 do
      one = one + 1
    end
    redis.call('PEXPIRE', KEYS[i], string.format('%.0f', math.ceil(span / 1000)))
  else
    if used == 0 and span > 0 then
      redis.call('SET', KEYS[i], 1, 'PX', ARGV[3 * i])
      left = span
    else
      redis.call('INCR', KEYS[i])
    end
    used = used + 1
  end
end
return {0, used, left}
";

/// The longest window or period that Redis is asked for: a thousand years.
const LONGEST: Duration = Duration::from_secs(1000 * 365 * 24 * 3600);

/// Counters in a Redis.
#[derive(Debug)]
pub struct Shared {
    store: Arc<RedisStore>,
}

/// A key of the script with its arguments, and what it means that it is used up.
struct Asked {
    key: String,
    arguments: [String; 3],
    refusal: Refusal,
}

impl Asked {
    fn rate(rate: &RateDemand<'_>, refusal: Refusal) -> Self {
        let span = rate.limit.per.min(LONGEST).as_micros().max(1);
        Self {
            key: format!("{}{}", prefix::RATE, rate.name),
            arguments: ["r".to_owned(), rate.limit.requests.to_string(), span.to_string()],
            refusal,
        }
    }

    fn quota(quota: &QuotaDemand<'_>) -> Self {
        let span = quota.limit.renewal.map_or(0, |period| period.min(LONGEST).as_millis());
        Self {
            key: format!("{}{}", prefix::QUOTA, quota.name),
            arguments: ["q".to_owned(), quota.limit.max.to_string(), span.to_string()],
            refusal: Refusal::Quota,
        }
    }
}

impl Shared {
    /// Counters in this Redis.
    pub fn new(store: Arc<RedisStore>) -> Self {
        Self { store }
    }

    /// Takes what a request asks for, or nothing.
    ///
    /// In a cluster, where the counters of one request are on several servers, each is a round trip of its own, and what
    /// was counted before a refusal stays counted.
    ///
    /// # Errors
    /// When Redis does not tell.
    pub async fn take(&self, demand: &Demand<'_>) -> Result<Verdict, LimitsError> {
        let asked: Vec<Asked> = [
            demand.rate.as_ref().map(|rate| Asked::rate(rate, Refusal::Rate)),
            demand.quota.as_ref().map(Asked::quota),
            demand.api.as_ref().map(|rate| Asked::rate(rate, Refusal::Api)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let at_a_time = if self.store.is_cluster()? { 1 } else { asked.len().max(1) };
        let mut state = None;
        for asked in asked.chunks(at_a_time) {
            let (over, used, left) = self.run(asked).await?;
            if let Some(over) = over.checked_sub(1).and_then(|index| asked.get(index)) {
                return Ok(Verdict::Refused(over.refusal));
            }
            if let Some(quota) = &demand.quota
                && asked.iter().any(|asked| asked.refusal == Refusal::Quota)
            {
                let renews =
                    if left > 0 { Moment::now().unix().saturating_add(left.div_euclid(1000)) } else { 0 };
                state = Some(QuotaState { remaining: quota.limit.max.saturating_sub(used), renews });
            }
        }
        Ok(Verdict::Passed(state))
    }

    pub(super) async fn quota_used(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let name = format!("{}{name}", prefix::QUOTA);
        let value: Option<Vec<u8>> = self.store.query(::redis::cmd("GET").arg(&name)).await?;
        value.map(|value| parse(&name, &value)).transpose()
    }

    pub(super) async fn reset_quota(&self, name: &str) -> Result<(), StoreError> {
        self.store.query(::redis::cmd("DEL").arg(format!("{}{name}", prefix::QUOTA))).await
    }

    pub(super) async fn reset_rate(&self, name: &str) -> Result<(), StoreError> {
        self.store.query(::redis::cmd("DEL").arg(format!("{}{name}", prefix::RATE))).await
    }

    async fn run(&self, asked: &[Asked]) -> Result<(usize, u64, i64), LimitsError> {
        static COMPILED: LazyLock<Script> = LazyLock::new(|| Script::new(SCRIPT));
        let keys: Vec<&str> = asked.iter().map(|asked| asked.key.as_str()).collect();
        let arguments: Vec<&str> =
            asked.iter().flat_map(|asked| asked.arguments.iter().map(String::as_str)).collect();
        Ok(self.store.script(&COMPILED, &keys, &arguments).await?)
    }
}
