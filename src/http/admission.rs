//! How many requests are served at once, of one tenant and of one caller, and how many connections one network has. A
//! flood is told so, and takes nobody else's turn. A caller's share is smaller than a tenant's: one of its people does not
//! keep the others out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};
use parking_lot::Mutex;

use super::address::Network;
use super::state::Settings;
use crate::domain::{Error, PrincipalId, Result, TenantId};

/// Who may follow a tenant's events at once, or the platform's.
const MAX_FOLLOWERS: usize = 64;
/// Of those, one caller's.
const MAX_FOLLOWING: usize = 8;

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Party {
    /// A tenant's.
    Tenant(TenantId),
    /// An account's or a service account's, wherever they go.
    Caller(PrincipalId),
    /// Of those who follow a tenant's events, or the platform's: they stay.
    Followers(Option<TenantId>),
    /// One of them, wherever they follow.
    Following(PrincipalId),
    /// A client's network: its connections are counted, not its requests.
    Network(Network),
}

/// Requests that are served now; a party without any has no entry.
type Running = Arc<Mutex<HashMap<Party, usize>>>;

/// Counts the requests of each party.
#[derive(Debug)]
pub(super) struct Admission {
    max_per_tenant: usize,
    max_per_caller: usize,
    max_per_network: usize,
    running: Running,
}

impl Admission {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            max_per_tenant: settings.max_requests_per_tenant,
            max_per_caller: settings.max_requests_per_caller,
            max_per_network: match settings.max_connections_per_address {
                0 => usize::MAX,
                max => max,
            },
            running: Running::default(),
        }
    }

    /// Takes a place among the connections of a network; the connection keeps it until it ends.
    pub(super) fn connect(&self, network: Network) -> Result<Place> {
        let party = Party::Network(network);
        self.count(party)?;
        Ok(Place { parties: vec![party], running: self.running.clone() })
    }

    /// Takes a place among the party's requests; the request keeps it until its answer is with the client.
    pub(super) fn enter(&self, party: Party, request: &HttpRequest) -> Result<()> {
        // A request has one place among those of a party, however often it is asked to take it.
        let has = |place: &Place| place.parties.contains(&party);
        if request.extensions().get::<Place>().is_some_and(has) {
            return Ok(());
        }
        self.count(party)?;
        let mut extensions = request.extensions_mut();
        match extensions.get_mut::<Place>() {
            Some(place) => place.parties.push(party),
            None => {
                let running = self.running.clone();
                extensions.insert(Place { parties: vec![party], running });
            }
        }
        Ok(())
    }

    fn count(&self, party: Party) -> Result<()> {
        let max = match party {
            Party::Tenant(_) => self.max_per_tenant,
            Party::Caller(_) => self.max_per_caller,
            Party::Followers(_) => MAX_FOLLOWERS,
            Party::Following(_) => MAX_FOLLOWING,
            Party::Network(_) => self.max_per_network,
        };
        let mut running = self.running.lock();
        let count = running.get(&party).copied().unwrap_or_default();
        if count >= max {
            return Err(Error::Busy { retry_after_s: 1 });
        }
        running.insert(party, count + 1);
        Ok(())
    }
}

/// A request's place among those of its parties, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    parties: Vec<Party>,
    running: Running,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = self.running.lock();
        for party in &self.parties {
            if let Entry::Occupied(mut count) = running.entry(*party) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
    }
}
