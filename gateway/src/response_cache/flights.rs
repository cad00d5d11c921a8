//! Requests that are about to fill a place, and those that wait for one of them instead of asking the upstream too.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{answer::KeptAnswer, key::CacheKey};

/// Locks, so that a flight seldom waits for another's.
const SHARDS: usize = 16;

/// What became of a flight.
#[derive(Debug, Clone)]
pub enum Landing {
    /// The answer is kept here.
    Kept(CacheKey, Arc<KeptAnswer>),
    /// There is no answer that another may have: each has to ask for itself.
    NotKept,
    /// Its caller went away: another one may take over.
    Abandoned,
}

/// All flights by the places that they are to fill.
#[derive(Debug, Default)]
pub struct Flights([Mutex<HashMap<CacheKey, watch::Receiver<Option<Landing>>>>; SHARDS]);

/// What a request found at its place.
#[derive(Debug)]
pub enum Joined {
    /// Nobody: it flies itself.
    First(Flight),
    /// Another one flies: this is where it lands.
    Waits(Landed),
}

/// Where another's flight lands.
#[derive(Debug)]
pub struct Landed(watch::Receiver<Option<Landing>>);

/// A request's own flight. Dropped without landing it is abandoned.
#[derive(Debug)]
pub struct Flight {
    flights: Arc<Flights>,
    key: CacheKey,
    sender: watch::Sender<Option<Landing>>,
    landed: bool,
}

impl Flights {
    /// Begins a flight to a place, unless one is under way.
    pub fn join(self: &Arc<Self>, key: CacheKey) -> Joined {
        let mut shard = self.shard(&key);
        if let Some(flight) = shard.get(&key) {
            return Joined::Waits(Landed(flight.clone()));
        }
        let (sender, receiver) = watch::channel(None);
        shard.insert(key, receiver);
        drop(shard);
        Joined::First(Flight { flights: Arc::clone(self), key, sender, landed: false })
    }

    fn shard(&self, key: &CacheKey) -> MutexGuard<'_, HashMap<CacheKey, watch::Receiver<Option<Landing>>>> {
        self.0[usize::from(key[0]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Landed {
    /// Waits for the landing.
    pub async fn wait(mut self) -> Landing {
        match self.0.wait_for(Option::is_some).await {
            Ok(landing) => landing.clone().unwrap_or(Landing::Abandoned),
            Err(_) => Landing::Abandoned,
        }
    }
}

impl Flight {
    /// Ends the flight and tells those who wait.
    pub fn land(mut self, landing: Landing) {
        self.end(landing);
    }

    fn end(&mut self, landing: Landing) {
        if !self.landed {
            self.landed = true;
            self.flights.shard(&self.key).remove(&self.key);
            self.sender.send_replace(Some(landing));
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.end(Landing::Abandoned);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Flights, Joined, Landing};

    #[tokio::test]
    async fn one_flies_and_the_others_wait() {
        let flights = Arc::new(Flights::default());
        let Joined::First(flight) = flights.join([1; 32]) else { panic!("nobody flew") };
        let Joined::Waits(landed) = flights.join([1; 32]) else { panic!("one flies") };
        let Joined::First(_other) = flights.join([2; 32]) else { panic!("to another place") };
        flight.land(Landing::NotKept);
        assert!(matches!(landed.wait().await, Landing::NotKept));
        assert!(matches!(flights.join([1; 32]), Joined::First(_)));
    }

    #[tokio::test]
    async fn a_flight_that_is_dropped_is_abandoned() {
        let flights = Arc::new(Flights::default());
        let Joined::First(flight) = flights.join([1; 32]) else { panic!("nobody flew") };
        let Joined::Waits(landed) = flights.join([1; 32]) else { panic!("one flies") };
        drop(flight);
        assert!(matches!(landed.wait().await, Landing::Abandoned));
        assert!(flights.0.iter().all(|shard| shard.lock().unwrap().is_empty()));
    }
}
