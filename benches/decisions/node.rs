//! A node in this process, and what is asked of it.

use std::sync::Arc;
use std::time::Duration;

use freehold::cli::SystemClock;
use freehold::domain::action::{EvaluateOwnAccess, ListResources};
use freehold::domain::{
    AccountId, Call, Caller, EvaluationRequest, Identity, IdentityPart, PageRequest,
    ResourceFilter, Subject, TenantId, TenantReference, Timestamp,
};
use freehold::policy::Policy;
use freehold::services::imports::{self, OnProgress, Run};
use freehold::services::{access, accounts, resources};
use freehold::storage::{Registry, Settings, TenantStore};
use serde_json::json;
use tempfile::TempDir;

use super::organisation::{Organisation, slug};

/// Everything but a server, with so many copies of the organisation.
pub(crate) struct Node {
    registry: Registry,
    _data: TempDir,
}

/// One tenant of it, and somebody who asks about themselves.
pub(crate) struct Asker {
    store: TenantStore,
    call: Call,
    account: AccountId,
}

impl Node {
    pub(crate) fn with(organisation: &Organisation, tenants: usize) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let policy = Arc::new(Policy::embedded().expect("policies"));
        let settings = Settings::new(data.path().join("data"));
        let registry =
            Registry::start(settings, policy, Arc::new(SystemClock)).expect("a registry");
        let file = imports::parse(organisation.times(tenants).as_bytes()).expect("a file");
        let quiet: OnProgress = Arc::new(|_| ());
        imports::run(&registry, &call(Subject::Host, None), &file, Run::Real, &quiet)
            .expect("an import");
        Self { registry, _data: data }
    }

    /// Somebody in one of the copies; a stranger is an account that nobody has.
    pub(crate) fn asker(&self, number: usize, person: &str) -> Asker {
        let reference = TenantReference::parse(&slug(number)).expect("a slug");
        let entry = self.registry.resolve(&reference).expect("a look").expect("a tenant");
        let store = self.registry.open_blocking(&entry).expect("an open file");
        let part = |text: &str| IdentityPart::parse(text).expect("a word");
        let identity = Identity { issuer: part("import"), subject: part(person) };
        let found = accounts::of_identity(&self.registry, &identity).expect("a look");
        let account = found.unwrap_or(AccountId(uuid::Uuid::nil()));
        Asker { call: call(Subject::Account(account), Some(entry.id)), store, account }
    }

    pub(crate) fn stop(self) {
        self.registry.close(Duration::from_mins(1));
    }
}

impl Asker {
    pub(crate) fn tenant(&self) -> TenantId {
        self.store.tenant()
    }

    /// Name and id of every resource; for an owner.
    pub(crate) fn resources(&self) -> Vec<(String, String)> {
        let filter = ResourceFilter::default();
        let page = self.store.read_blocking::<ListResources, _>(&self.call, self.tenant(), |tx| {
            resources::list(tx, &filter, &PageRequest::first(200))
        });
        let page = page.expect("a page");
        assert!(page.next.is_none(), "more resources than fit on a page");
        page.items.iter().map(|it| (it.name.to_string(), it.id.to_string())).collect()
    }

    /// A question about oneself.
    pub(crate) fn question(&self, action: &str, resource: &str) -> EvaluationRequest {
        let question = json!({
            "subject": {"type": "account", "id": self.account},
            "action": {"name": action},
            "resource": {"type": "repository", "id": resource},
        });
        serde_json::from_value(question).expect("a question")
    }

    /// Asks, in one transaction. One who is no member is refused as a whole, and may nothing.
    pub(crate) fn ask(&self, questions: &[EvaluationRequest]) -> Vec<bool> {
        let tenant = self.tenant();
        let answers = self.store.read_blocking::<EvaluateOwnAccess, _>(&self.call, tenant, |tx| {
            let ask = |one| access::evaluate_own(tx, tenant, one).map(|it| it.decision);
            questions.iter().map(ask).collect::<Result<Vec<_>, _>>()
        });
        answers.unwrap_or_else(|_| vec![false; questions.len()])
    }
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
