//! Who may, to what, and what: every candidate in the order of ids, each decided as a question about it would be.
//!
//! A page ends when it is full, or when as many candidates have been looked at as a page may, or when the budget of the
//! request is spent; then another follows. So nothing that is found is left out, and no page takes long.

use serde::Serialize;

use super::hearing::{Hearing, Kind, is_elsewhere, tenant_action};
use super::{Ask, Question};
use crate::domain::action::{self, TenantPlane};
use crate::domain::{
    AccountId, Action, ActionSearchRequest, Entity, Error, FoundAction, FoundEntity, NamedAction,
    Page, PageRequest, PlaneName, Position, ResourceKey, ResourceSearchRequest, ResourceTypeName,
    Result, ServiceAccountId, Subject, SubjectSearchRequest, weight,
};
use crate::storage::tenant::access::{self, Asked, Candidate};

/// Candidates of a page at most.
const MAX_CANDIDATES: usize = 1000;
/// Candidates that are read at once.
const CHUNK: u32 = 200;

/// Candidates in order, each with its position, and whether others follow.
struct Chunk<C> {
    candidates: Vec<(Position, C)>,
    more: bool,
}

/// Looks through candidates from where a page begins.
fn sift<A: Action<Plane = TenantPlane>, C, T: Serialize>(
    hearing: &Hearing<'_, '_, A>,
    page: &PageRequest,
    mut read: impl FnMut(Option<&Position>) -> Result<Chunk<C>>,
    mut judge: impl FnMut(C) -> Result<Option<T>>,
) -> Result<Page<T>> {
    let (mut items, mut at, mut looked, mut bytes) = (Vec::new(), page.after.clone(), 0, 0);
    loop {
        let Some(chunk) = unless_spent(read(at.as_ref()), looked)? else {
            return Ok(Page { items, next_cursor: None, next: at });
        };
        for (position, candidate) in chunk.candidates {
            let is_full = items.len() == page.limit as usize || bytes >= page.max_bytes;
            if is_full || looked == MAX_CANDIDATES {
                return Ok(Page { items, next_cursor: None, next: at });
            }
            let Some(found) = unless_spent(judge(candidate), looked)? else {
                return Ok(Page { items, next_cursor: None, next: at });
            };
            access::note_answer(hearing.tx);
            looked += 1;
            bytes += found.as_ref().map_or(0, weight);
            items.extend(found);
            at = Some(position);
        }
        if !chunk.more {
            return Ok(Page { items, next_cursor: None, next: None });
        }
    }
}

/// A result, or nothing where the budget is spent: what was done before it is an answer. Where nothing was done, there
/// is none.
pub(super) fn unless_spent<T>(result: Result<T>, done: usize) -> Result<Option<T>> {
    match result {
        Err(Error::TooMuchWork | Error::TooManySteps) if done > 0 => Ok(None),
        result => result.map(Some),
    }
}

fn by_id(id: &str) -> Position {
    Position { key: String::new(), id: id.to_owned() }
}

fn nothing<T>() -> Page<T> {
    Page { items: Vec::new(), next_cursor: None, next: None }
}

/// A page of the active members who may do something, as the word for them means them: by id, or by what an application's
/// issuer calls them, who calls some of them nothing.
pub(super) fn subjects<A: Action<Plane = TenantPlane>>(
    hearing: &Hearing<'_, '_, A>,
    request: &SubjectSearchRequest,
    page: &PageRequest,
) -> Result<Page<FoundEntity>> {
    access::take_time(hearing.tx)?;
    let kind = request.subject.kind.as_str();
    if kind == "service_account" {
        return service_accounts(hearing, request, page);
    }
    let issuer = match kind {
        "account" => None,
        word => match hearing.issuer(word, &request.resource.kind)? {
            Some(issuer) => Some(issuer),
            None => return Ok(nothing()),
        },
    };
    let read = |after: Option<&Position>| {
        let from = after.map_or("", |after| after.id.as_str());
        let members = access::members(hearing.tx, issuer, from, CHUNK + 1)?;
        let more = members.len() > CHUNK as usize;
        let members = members.into_iter().take(CHUNK as usize);
        let named =
            members.flat_map(|(account, subjects)| named(account, subjects, issuer.is_some()));
        let is_behind = |position: &Position| {
            after.is_none_or(|after| (&position.id, &position.key) > (&after.id, &after.key))
        };
        let candidates = named.filter(|(position, _)| is_behind(position)).collect();
        Ok(Chunk { candidates, more })
    };
    sift(hearing, page, read, |(account, id): (AccountId, Option<String>)| {
        let Some(id) = id else { return Ok(None) };
        let asked = hearing.person(account)?;
        let answer = hearing.decide(&asked, &request.action, &request.resource)?;
        Ok(answer.decision.then(|| FoundEntity { kind: kind.to_owned(), id }))
    })
}

/// Service accounts that may do something by one of their keys.
fn service_accounts<A: Action<Plane = TenantPlane>>(
    hearing: &Hearing<'_, '_, A>,
    request: &SubjectSearchRequest,
    page: &PageRequest,
) -> Result<Page<FoundEntity>> {
    let read = |after: Option<&Position>| {
        let after = after.map_or("", |after| after.id.as_str());
        let ids = access::service_accounts(hearing.tx, after, CHUNK)?;
        let more = ids.len() == CHUNK as usize;
        let candidates = ids.into_iter().map(|id| (by_id(&id.to_string()), id)).collect();
        Ok(Chunk { candidates, more })
    };
    sift(hearing, page, read, |id: ServiceAccountId| {
        let asked = hearing.asked(Subject::ServiceAccount(id))?;
        let answer = hearing.decide(&asked, &request.action, &request.resource)?;
        let kind = request.subject.kind.clone();
        Ok(answer.decision.then(|| FoundEntity { kind, id: id.to_string() }))
    })
}

/// A member as each of the words that mean it; as none, where an issuer has none.
fn named(
    account: AccountId,
    subjects: Vec<String>,
    by_issuer: bool,
) -> Vec<(Position, (AccountId, Option<String>))> {
    let at = |key: &str| Position { key: key.to_owned(), id: account.to_string() };
    if subjects.is_empty() {
        return vec![(at(""), (account, (!by_issuer).then(|| account.to_string())))];
    }
    subjects.into_iter().map(|it| (at(&it), (account, Some(it)))).collect()
}

impl Question for ResourceSearchRequest {
    type Answer = Page<FoundEntity>;

    fn subjects(&self) -> Vec<Ask<'_>> {
        vec![Ask { subject: &self.subject, resource_type: &self.resource.kind }]
    }

    fn answer<A: Action<Plane = TenantPlane>>(
        &self,
        hearing: &Hearing<'_, '_, A>,
        page: &PageRequest,
    ) -> Result<Page<FoundEntity>> {
        let kind = self.resource.kind.as_str();
        let Some(asked) = hearing.subject(&self.subject, kind)? else { return Ok(nothing()) };
        match (hearing.kind(kind)?, tenant_action(&self.action.name)) {
            (Kind::Noun(noun), Some(_)) => self.nouns(hearing, &asked, noun, page),
            (Kind::Own, Some(action)) => self.permitted(hearing, &asked, action, page),
            (Kind::Of(_, declared), Some(action))
                if !is_elsewhere(declared) && declared.key != Some(ResourceKey::Name) =>
            {
                self.permitted(hearing, &asked, action, page)
            }
            (Kind::Of(_, declared), _) if !is_elsewhere(declared) => {
                self.rows(hearing, &asked, page)
            }
            _ => Ok(nothing()),
        }
    }
}

impl ResourceSearchRequest {
    fn found(&self, id: String) -> FoundEntity {
        FoundEntity { kind: self.resource.kind.clone(), id }
    }

    /// What is kept here, to which an action of Freehold's own may be done.
    fn permitted<A: Action<Plane = TenantPlane>>(
        &self,
        hearing: &Hearing<'_, '_, A>,
        asked: &Asked,
        action: &'static str,
        page: &PageRequest,
    ) -> Result<Page<FoundEntity>> {
        let Ok(kind) = ResourceTypeName::parse(self.resource.kind.as_str()) else {
            return Ok(nothing());
        };
        let found = access::permitted(hearing.tx, asked, action, &kind, page)?;
        Ok(found.map(|id| self.found(id.to_string())))
    }

    /// The tenant's other nouns.
    fn nouns<A: Action<Plane = TenantPlane>>(
        &self,
        hearing: &Hearing<'_, '_, A>,
        asked: &Asked,
        noun: &str,
        page: &PageRequest,
    ) -> Result<Page<FoundEntity>> {
        access::take_time(hearing.tx)?;
        let read = |after: Option<&Position>| {
            let after = after.map_or("", |after| after.id.as_str());
            let ids = access::nouns(hearing.tx, asked, noun, after, CHUNK)?;
            let more = ids.len() == CHUNK as usize;
            Ok(Chunk { candidates: ids.into_iter().map(|id| (by_id(&id), id)).collect(), more })
        };
        sift(hearing, page, read, |id: String| {
            let resource = Entity { kind: noun.to_owned(), id, properties: None };
            let answer = hearing.decide(asked, &self.action, &resource)?;
            Ok(answer.decision.then(|| self.found(resource.id)))
        })
    }

    /// What is kept here for an application, row by row.
    fn rows<A: Action<Plane = TenantPlane>>(
        &self,
        hearing: &Hearing<'_, '_, A>,
        asked: &Asked,
        page: &PageRequest,
    ) -> Result<Page<FoundEntity>> {
        access::take_time(hearing.tx)?;
        let kind = self.resource.kind.as_str();
        let read = |after: Option<&Position>| {
            let after = after.map_or("", |after| after.id.as_str());
            let rows = access::candidates(hearing.tx, asked, kind, after, CHUNK)?;
            let more = rows.len() == CHUNK as usize;
            let candidates = rows.into_iter().map(|row| (by_id(&row.id.to_string()), row));
            Ok(Chunk { candidates: candidates.collect(), more })
        };
        sift(hearing, page, read, |row| self.row(hearing, asked, &row))
    }

    fn row<A: Action<Plane = TenantPlane>>(
        &self,
        hearing: &Hearing<'_, '_, A>,
        asked: &Asked,
        row: &Candidate,
    ) -> Result<Option<FoundEntity>> {
        let kind = hearing.kind(&self.resource.kind)?;
        let by_name = matches!(kind, Kind::Of(_, kind) if kind.key == Some(ResourceKey::Name));
        let key = if by_name { row.name.clone() } else { row.id.to_string() };
        let properties = self.resource.properties.as_ref();
        let answer = match hearing.asking(&self.action, &self.resource.kind, properties)? {
            Some(asking) => access::evaluate_row(hearing.tx, asked, asking, &key, row)?,
            None => {
                let (kind, properties) = (self.resource.kind.clone(), properties.cloned());
                let resource = Entity { kind, id: key.clone(), properties };
                hearing.decide(asked, &self.action, &resource)?
            }
        };
        // What no question can name is not found either.
        let is_found = answer.decision
            && (!by_name || access::is_the_only_one(hearing.tx, &self.resource.kind, &key)?);
        Ok(is_found.then(|| self.found(key)))
    }
}

impl Question for ActionSearchRequest {
    type Answer = Page<FoundAction>;

    fn subjects(&self) -> Vec<Ask<'_>> {
        vec![Ask { subject: &self.subject, resource_type: &self.resource.kind }]
    }

    fn answer<A: Action<Plane = TenantPlane>>(
        &self,
        hearing: &Hearing<'_, '_, A>,
        page: &PageRequest,
    ) -> Result<Page<FoundAction>> {
        access::take_time(hearing.tx)?;
        let kind = self.resource.kind.as_str();
        let Some(asked) = hearing.subject(&self.subject, kind)? else { return Ok(nothing()) };
        let mut names = own_actions(hearing.kind(kind)?);
        names.extend(hearing.actions_of(kind)?);
        names.sort_unstable();
        names.dedup();
        let read = |after: Option<&Position>| {
            let behind = names.iter().filter(|name| after.is_none_or(|after| **name > after.id));
            let candidates = behind.map(|name| (by_id(name), name.clone())).collect();
            Ok(Chunk { candidates, more: false })
        };
        sift(hearing, page, read, |name| {
            let action = NamedAction { name, properties: None };
            let answer = hearing.decide(&asked, &action, &self.resource)?;
            Ok(answer.decision.then_some(FoundAction { name: action.name }))
        })
    }
}

/// The actions of Freehold's own that can be done to what a word means.
fn own_actions(kind: Kind<'_>) -> Vec<String> {
    let on = match kind {
        Kind::Noun(noun) => Some(noun),
        Kind::Own => Some("resource"),
        Kind::Of(_, kind) => (!is_elsewhere(kind)).then_some("resource"),
        Kind::Unknown => None,
    };
    let own = action::ALL
        .iter()
        .filter(|action| action.plane == PlaneName::Tenant && Some(action.target) == on);
    own.map(|action| action.name.to_owned()).collect()
}
