//! What whoever asked remembers: what was asked for, and what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use freehold_rig::World;

use crate::found::Found;

/// What a request is to bring about in a tenant: all of it or nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claim {
    pub(crate) slug: String,
    pub(crate) status: Option<&'static str>,
    pub(crate) rows: Vec<String>,
}

impl Claim {
    pub(crate) fn row(slug: &str, row: String) -> Self {
        Self { slug: slug.to_owned(), status: None, rows: vec![row] }
    }

    pub(crate) fn status(slug: &str, status: &'static str) -> Self {
        Self { slug: slug.to_owned(), status: Some(status), rows: Vec::new() }
    }
}

/// When somebody is told that something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Honesty {
    /// Once it is.
    After,
    /// Before it is even tried: what the rig must catch.
    Before,
}

/// The journal of one workload.
pub(crate) struct Journal {
    world: Arc<World>,
    honesty: Honesty,
    claims: Mutex<Vec<Claim>>,
}

impl Journal {
    pub(crate) fn new(world: &Arc<World>, honesty: Honesty) -> Self {
        Self { world: world.clone(), honesty, claims: Mutex::default() }
    }

    /// Writes down what is asked for, asks, and writes down that it was acknowledged.
    #[track_caller]
    pub(crate) fn ask<T>(&self, claim: Claim, ask: impl FnOnce() -> freehold::domain::Result<T>) {
        let number = {
            let mut claims = self.claims.lock().unwrap();
            claims.push(claim);
            claims.len() - 1
        };
        if self.honesty == Honesty::Before {
            self.world.acknowledge(number);
        }
        if let Err(error) = ask() {
            panic!("nothing fails here: {error}");
        }
        if self.honesty == Honesty::After {
            self.world.acknowledge(number);
        }
    }

    /// Writes down that a tenant may be found in a state that nobody will be told of.
    pub(crate) fn may_be(&self, slug: &str, status: &'static str) {
        self.claims.lock().unwrap().push(Claim::status(slug, status));
    }

    pub(crate) fn claims(self) -> Vec<Claim> {
        self.claims.into_inner().unwrap()
    }
}

/// What is wrong with what was found, by what was there before, what was asked for, and what was acknowledged.
pub(crate) fn judge(
    base: &Found,
    claims: &[Claim],
    acknowledged: &[usize],
    found: &Found,
) -> Vec<String> {
    let mut wrong = found.problems.clone();
    for number in acknowledged {
        let claim = &claims[*number];
        let rows = found.rows(&claim.slug);
        let lost = claim.rows.iter().filter(|row| !rows.contains(*row));
        wrong.extend(lost.map(|row| format!("{}: acknowledged and lost: {row}", claim.slug)));
    }
    for claim in claims {
        let there = claim.rows.iter().filter(|row| found.rows(&claim.slug).contains(*row)).count();
        if there != 0 && there != claim.rows.len() {
            wrong.push(format!("{}: {there} of {} rows", claim.slug, claim.rows.len()));
        }
    }
    for (slug, tenant) in &found.tenants {
        let asked: BTreeSet<&String> = claims
            .iter()
            .filter(|claim| claim.slug == *slug)
            .flat_map(|claim| &claim.rows)
            .collect();
        let invented = tenant
            .rows
            .iter()
            .filter(|row| !asked.contains(row) && !base.rows(slug).contains(*row));
        wrong.extend(invented.map(|row| format!("{slug}: nobody asked for {row}")));
    }
    for (slug, tenant) in &base.tenants {
        let lost = tenant.rows.iter().filter(|row| !found.rows(slug).contains(*row));
        wrong.extend(lost.map(|row| format!("{slug}: was there before: {row}")));
    }
    wrong.extend(states(base, claims, acknowledged, found));
    wrong
}

/// Whether each tenant is in the state that was acknowledged last, or in one that was asked for since.
fn states(base: &Found, claims: &[Claim], acknowledged: &[usize], found: &Found) -> Vec<String> {
    let mut may_be: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
    for (slug, tenant) in &base.tenants {
        may_be.insert(slug, BTreeSet::from([Some(tenant.status.as_str())]));
    }
    for (number, claim) in claims.iter().enumerate() {
        let Some(status) = claim.status else { continue };
        let possible = may_be.entry(&claim.slug).or_insert_with(|| BTreeSet::from([None]));
        if acknowledged.contains(&number) {
            possible.clear();
        }
        possible.insert(Some(status));
    }
    let known: BTreeSet<&str> =
        may_be.keys().copied().chain(found.tenants.keys().map(String::as_str)).collect();
    let mut wrong = Vec::new();
    for slug in known {
        let status = found.tenants.get(slug).map(|tenant| tenant.status.as_str());
        if !may_be.get(slug).is_some_and(|states| states.contains(&status)) {
            wrong.push(format!("{slug}: is {status:?}, may be {:?}", may_be.get(slug)));
        }
    }
    wrong
}
