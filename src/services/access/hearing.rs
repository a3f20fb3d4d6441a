//! A hearing: the questions of one request, answered in one transaction. What was found out for one of them is known for
//! the next.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::asked_about;
use crate::domain::action::{self, TenantPlane};
use crate::domain::{
    AccountId, Action, ApplicationPolicy, ApplicationResourceType, Caller, Entity, Evaluation,
    IdentityPart, NamedAction, PlaneName, Properties, QuestionParts, Reason, ResourceKeeper,
    ResourceKey, ResourceTypeName, Result, Subject, Target, TenantId,
};
use crate::storage::tenant::access::{self, Asked, Asking, Ruling, TypeOwner};
use crate::storage::tenant::application_bindings::Bound;
use crate::storage::{ReadTx, Tx as _};

/// An application that the tenant has bound, and what decides its actions.
pub(super) type Application = (Bound, Arc<dyn ApplicationPolicy>);

/// Whose an identity is: an issuer, what it calls them, and the account.
type Known = (IdentityPart, String, Option<AccountId>);

/// The questions of one request.
#[derive(Debug)]
pub struct Hearing<'h, 't, A: Action<Plane = TenantPlane>> {
    pub(super) tx: &'h ReadTx<'t, A>,
    pub(super) tenant: TenantId,
    applications: OnceCell<Vec<Application>>,
    people: RefCell<HashMap<Subject, Rc<Asked>>>,
    /// Whose the last identity was that a question named.
    last: RefCell<Option<Known>>,
    owners: RefCell<HashMap<String, TypeOwner>>,
}

/// What a word for resources means here.
#[derive(Clone, Copy)]
pub(super) enum Kind<'h> {
    /// A noun of the tenant.
    Noun(&'static str),
    /// A resource type of the tenant's own.
    Own,
    /// A resource type of an application.
    Of(&'h Application, &'h ApplicationResourceType),
    /// Nothing.
    Unknown,
}

const NOUNS: &[&str] =
    &["tenant", "member", "team", "workspace", "resource_type", "role", "service_account"];
/// Those nouns whose word may be a resource type's of the tenant's own: it was there before them.
const LATER_NOUNS: &[&str] = &["role", "service_account"];

impl<'h, 't, A: Action<Plane = TenantPlane>> Hearing<'h, 't, A> {
    pub(super) fn new(tx: &'h ReadTx<'t, A>, tenant: TenantId) -> Self {
        Self {
            tx,
            tenant,
            applications: OnceCell::new(),
            people: RefCell::default(),
            last: RefCell::default(),
            owners: RefCell::default(),
        }
    }

    /// The same, with policies in place of those that are bound.
    pub(super) fn supposing(self, applications: Vec<Application>) -> Self {
        Self { applications: applications.into(), ..self }
    }

    /// The applications that are bound, by name.
    pub(super) fn applications(&self) -> Result<&[Application]> {
        if let Some(known) = self.applications.get() {
            return Ok(known);
        }
        let found = access::applications(self.tx)?;
        Ok(self.applications.get_or_init(|| found))
    }

    /// What a word for resources means.
    pub(super) fn kind(&self, word: &str) -> Result<Kind<'_>> {
        let noun = NOUNS.iter().find(|noun| **noun == word);
        // A tenant's own type may have had the name before there was a noun of it.
        let owner = match noun {
            Some(noun) if !LATER_NOUNS.contains(noun) => return Ok(Kind::Noun(noun)),
            _ => self.owner(word)?,
        };
        let declared = |(bound, policy): &Application| {
            let kind = policy.manifest().resource_type(word);
            kind.is_some_and(|kind| match &owner {
                TypeOwner::Application(owner) => *owner == bound.application,
                TypeOwner::Tenant => false,
                TypeOwner::Nobody => is_elsewhere(kind),
            })
        };
        let mut known = self.applications()?.iter().filter(|one| declared(one));
        Ok(match (known.next(), known.next(), &owner, noun) {
            // Two applications that keep things of one name do not mean the same ones.
            (Some(one), None, ..) => match one.1.manifest().resource_type(word) {
                Some(kind) => Kind::Of(one, kind),
                None => Kind::Unknown,
            },
            (.., TypeOwner::Nobody, Some(noun)) => Kind::Noun(noun),
            (.., TypeOwner::Nobody, None) => Kind::Unknown,
            _ => Kind::Own,
        })
    }

    fn owner(&self, word: &str) -> Result<TypeOwner> {
        if let Some(known) = self.owners.borrow().get(word) {
            return Ok(known.clone());
        }
        let found = access::owner_of_type(self.tx, word)?;
        self.owners.borrow_mut().insert(word.to_owned(), found.clone());
        Ok(found)
    }

    /// The issuer whose subjects a word for people means, where a resource type is asked about: by the application of
    /// that type, else by all that have the word, if they mean one issuer.
    pub(super) fn issuer(&self, word: &str, resource_type: &str) -> Result<Option<&IdentityPart>> {
        if let Kind::Of((_, policy), _) = self.kind(resource_type)?
            && let Some(declared) = policy.manifest().subject_type(word)
        {
            return Ok(Some(&declared.issuer));
        }
        let declared = self.applications()?.iter();
        let mut issuers = declared
            .filter_map(|(_, policy)| policy.manifest().subject_type(word))
            .map(|kind| &kind.issuer);
        let first = issuers.next();
        Ok(first.filter(|first| issuers.all(|other| other == *first)))
    }

    /// Whom a word and an id mean, if they can mean anybody.
    fn somebody(&self, subject: &Entity, resource_type: &str) -> Result<Option<Subject>> {
        match subject.kind.as_str() {
            "account" => return Ok(subject.id.parse().ok().map(Subject::Account)),
            "service_account" => return Ok(subject.id.parse().ok().map(Subject::ServiceAccount)),
            _ => {}
        }
        let Some(issuer) = self.issuer(&subject.kind, resource_type)? else { return Ok(None) };
        if let Some((by, known, account)) = &*self.last.borrow()
            && by == issuer
            && *known == subject.id
        {
            return Ok(account.map(Subject::Account));
        }
        let account = access::account_of(self.tx, issuer, &subject.id)?;
        *self.last.borrow_mut() = Some((issuer.clone(), subject.id.clone(), account));
        Ok(account.map(Subject::Account))
    }

    /// Whether a question is about whoever asks.
    pub(super) fn is_caller(&self, subject: &Entity, resource_type: &str) -> Result<bool> {
        let somebody = self.somebody(subject, resource_type)?;
        Ok(somebody == Some(self.tx.caller().subject))
    }

    /// Who is asked about, if it is anybody.
    pub(super) fn subject(
        &self,
        subject: &Entity,
        resource_type: &str,
    ) -> Result<Option<Rc<Asked>>> {
        let somebody = self.somebody(subject, resource_type)?;
        somebody.map(|somebody| self.asked(somebody)).transpose()
    }

    /// A person, as they would call.
    pub(super) fn person(&self, account: AccountId) -> Result<Rc<Asked>> {
        self.asked(Subject::Account(account))
    }

    /// The same, of one among very many: nothing is kept of them.
    pub(super) fn passer_by(&self, account: AccountId) -> Result<Asked> {
        let caller = self.as_calling(Subject::Account(account));
        access::asked(self.tx, caller)
    }

    /// Somebody's call. The caller is known as they do call.
    fn as_calling(&self, somebody: Subject) -> Caller {
        let caller = self.tx.caller();
        if caller.subject == somebody { caller.clone() } else { asked_about(self.tenant, somebody) }
    }

    /// Somebody, as they would call: a service account by the best of its keys. Whoever asks is known as they do call.
    pub(super) fn asked(&self, somebody: Subject) -> Result<Rc<Asked>> {
        if let Some(known) = self.people.borrow().get(&somebody) {
            return Ok(known.clone());
        }
        let asked = Rc::new(access::asked(self.tx, self.as_calling(somebody))?);
        self.people.borrow_mut().insert(somebody, asked.clone());
        Ok(asked)
    }

    /// Answers a question.
    pub(super) fn evaluate(&self, question: QuestionParts<'_>) -> Result<Evaluation> {
        let QuestionParts { subject, action, resource } = question;
        match self.subject(subject, &resource.kind)? {
            Some(asked) => Ok(self.decide(&asked, action, resource)?.evaluation()),
            None => Ok(Evaluation::plain(false)),
        }
    }

    /// Answers a question about somebody who is known. Whatever evaluates, searches, explains or simulates asks here.
    pub(super) fn decide(
        &self,
        asked: &Asked,
        action: &NamedAction,
        resource: &Entity,
    ) -> Result<Ruling> {
        access::check_budget(self.tx)?;
        if let Some(name) = tenant_action(&action.name) {
            let kind = self.kind(&resource.kind)?;
            let Some((target, kind)) = self.target(kind, resource)? else {
                return Ok(Ruling::unknown(Reason::UnknownResource));
            };
            return access::evaluate(self.tx, asked, name, &target, kind.as_ref());
        }
        match self.asking(action, &resource.kind, resource.properties.as_ref())? {
            Some(asking) => access::evaluate_application(self.tx, asked, asking, &resource.id),
            None if self.has_action(&action.name)? => Ok(Ruling::unknown(Reason::UnknownResource)),
            None => Ok(Ruling::unknown(Reason::UnknownAction)),
        }
    }

    /// Whether an action is there: one of Freehold's own, or of an application that is bound.
    pub(super) fn has_action(&self, name: &str) -> Result<bool> {
        if tenant_action(name).is_some() {
            return Ok(true);
        }
        let mut declared = self.applications()?.iter();
        Ok(declared.any(|(_, policy)| policy.manifest().action(name).is_some()))
    }

    /// What an application is asked, if one declares the action for the type. No two that are bound declare one action.
    pub(super) fn asking<'q>(
        &'q self,
        action: &'q NamedAction,
        resource_type: &str,
        attributes: Option<&'q Properties>,
    ) -> Result<Option<Asking<'q>>> {
        for (bound, policy) in self.applications()? {
            let manifest = policy.manifest();
            let (Some(declared), Some(kind)) =
                (manifest.action(&action.name), manifest.resource_type(resource_type))
            else {
                continue;
            };
            if declared.resource_types.contains(&kind.name) && self.is_of(kind, bound)? {
                let (policy, properties) = (&**policy, action.properties.as_ref());
                let action = declared;
                return Ok(Some(Asking { bound, policy, action, kind, properties, attributes }));
            }
        }
        Ok(None)
    }

    /// The names of the actions that applications declare for a type.
    pub(super) fn actions_of(&self, resource_type: &str) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for (bound, policy) in self.applications()? {
            let manifest = policy.manifest();
            let Some(kind) = manifest.resource_type(resource_type) else { continue };
            if self.is_of(kind, bound)? {
                let of_type =
                    manifest.actions.iter().filter(|it| it.resource_types.contains(&kind.name));
                names.extend(of_type.map(|action| action.name.to_string()));
            }
        }
        Ok(names)
    }

    /// Whether the word means a type of this application: one that it keeps itself, or one that is its own here.
    fn is_of(&self, kind: &ApplicationResourceType, bound: &Bound) -> Result<bool> {
        let own = || TypeOwner::Application(bound.application.clone());
        Ok(is_elsewhere(kind) || self.owner(kind.name.as_str())? == own())
    }

    /// What a question is about: a noun by its own name, or a resource by its type and that type's key.
    fn target(
        &self,
        kind: Kind<'_>,
        resource: &Entity,
    ) -> Result<Option<(Target, Option<ResourceTypeName>)>> {
        let id = resource.id.as_str();
        let noun = match kind {
            Kind::Noun(noun) => return Ok(noun_target(noun, id, self.tenant).map(|it| (it, None))),
            Kind::Of(_, declared) if declared.key == Some(ResourceKey::Name) => {
                access::resource_named(self.tx, declared, id)?
            }
            Kind::Own | Kind::Of(..) => id.parse().ok(),
            Kind::Unknown => None,
        };
        let name = ResourceTypeName::parse(resource.kind.as_str()).ok();
        Ok(noun.zip(name).map(|(id, name)| (Target::Resource(id), Some(name))))
    }
}

fn noun_target(noun: &str, id: &str, tenant: TenantId) -> Option<Target> {
    match noun {
        "tenant" => id.parse().ok().filter(|id| *id == tenant).map(Target::Tenant),
        "member" => id.parse().ok().map(Target::Member),
        "team" => id.parse().ok().map(Target::Team),
        "workspace" => id.parse().ok().map(Target::Workspace),
        "resource_type" => ResourceTypeName::parse(id).ok().map(Target::ResourceType),
        "role" => id.parse().ok().map(Target::Role),
        "service_account" => id.parse().ok().map(Target::ServiceAccount),
        _ => None,
    }
}

/// Whether an application keeps resources of a type itself.
pub(super) fn is_elsewhere(kind: &ApplicationResourceType) -> bool {
    kind.kept_by == Some(ResourceKeeper::Application)
}

/// An action of Freehold's own in a tenant.
pub(super) fn tenant_action(name: &str) -> Option<&'static str> {
    action::ALL
        .iter()
        .find(|action| action.plane == PlaneName::Tenant && action.name == name)
        .map(|action| action.name)
}
