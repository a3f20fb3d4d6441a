//! A node in this process, and an owner of every tenant.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freehold::cli::SystemClock;
use freehold::domain::action::{CreateAccount, ListTeams};
use freehold::domain::{
    AccountId, Call, Caller, Identity, IdentityPart, Name, NewAccount, NewTenant, PageRequest,
    Platform, Slug, Subject, TeamFilter, TenantId, TenantReference, Timestamp,
};
use freehold::policy::Policy;
use freehold::services::{accounts, teams, tenants};
use freehold::storage::{Registry, Settings};

/// Everything but servers.
pub(crate) struct Node {
    registry: Registry,
    owner: AccountId,
}

impl Node {
    pub(crate) fn start(data: &Path) -> Self {
        let mut settings = Settings::new(data.join("data"));
        settings.max_open_tenants = 4096;
        let policy = Arc::new(Policy::embedded().expect("policies"));
        let registry =
            Registry::start(settings, policy, Arc::new(SystemClock)).expect("a registry");
        registry.migrate(None, &|_, _| ()).expect("migrated files");
        let owner = owner(&registry);
        Self { registry, owner }
    }

    /// Makes a tenant.
    pub(crate) fn create(&self, slug: &str) -> TenantId {
        let new = NewTenant {
            slug: Slug::parse(slug).expect("a slug"),
            name: Name::parse(slug).expect("a name"),
            description: None,
            kind: None,
            data_region: None,
            owner_id: Some(self.owner),
        };
        tenants::create(&self.registry, &host(), &new).expect("a tenant").id
    }

    /// Reads a page of a tenant, as its owner.
    pub(crate) fn read(&self, tenant: TenantId) {
        let entry = self.registry.resolve(&TenantReference::Id(tenant)).expect("a look");
        let store = self.registry.open_blocking(&entry.expect("a tenant")).expect("an open file");
        let call = call(Subject::Account(self.owner), Some(tenant));
        store
            .read_blocking::<ListTeams, _>(&call, tenant, |tx| {
                teams::list(tx, &TeamFilter::default(), &PageRequest::first(50))
            })
            .expect("a page");
    }

    pub(crate) fn stop(self) {
        self.registry.close(Duration::from_mins(1));
    }
}

/// Whoever owns every tenant, made where there is nobody yet.
fn owner(registry: &Registry) -> AccountId {
    let part = |text: &str| IdentityPart::parse(text).expect("a word");
    let identity = Identity { issuer: part("bench"), subject: part("owner") };
    if let Some(owner) = accounts::of_identity(registry, &identity).expect("a look") {
        return owner;
    }
    let display_name = Name::parse("Olga").expect("a name");
    let new = NewAccount { display_name, email: None, identities: vec![identity] };
    let made = registry.write_blocking::<CreateAccount, _, _>(&host(), Platform, move |tx| {
        accounts::create(tx, &new)
    });
    made.expect("an account").id
}

fn host() -> Call {
    call(Subject::Host, None)
}

fn call(subject: Subject, tenant: Option<TenantId>) -> Call {
    Call {
        caller: Arc::new(Caller {
            subject,
            tenant,
            issuer: "bench".into(),
            credential: Arc::default(),
            actor: None,
            assurance: Arc::default(),
            scopes: None,
            break_glass: None,
            expires_at: Timestamp(i64::MAX),
        }),
        request_id: "bench".into(),
        correlation_id: "bench".into(),
        idempotency: None,
        reservation: None,
    }
}
