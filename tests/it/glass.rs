//! Operators, and their entries into tenants.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::Client;

/// The header that names an entry.
pub(crate) const HEADER: &str = "freehold-break-glass";

/// An operator of one test's own.
#[derive(Clone)]
pub(crate) struct Operator {
    pub(crate) account: String,
    pub(crate) client: Client,
}

impl Operator {
    /// A new account of this name, with a platform role.
    pub(crate) fn new(app: &TestApp, name: &str, role: &str) -> Self {
        let account = app.account(name);
        appoint(app, &account, role);
        Self { client: person(app, &account), account }
    }

    /// As the audit log names it.
    pub(crate) fn actor(&self) -> String {
        format!("account:{}", self.account)
    }

    /// Asks for entry, for a day.
    pub(crate) fn ask(&self, tenant: &str, actions: &[&str]) -> String {
        self.client.post("/v1/platform/break-glass", &request(tenant, actions)).expect(201).id()
    }

    /// Asks for entry, and the host approves it.
    pub(crate) fn enter(&self, app: &TestApp, tenant: &str, actions: &[&str]) -> String {
        let entry = self.ask(tenant, actions);
        app.host().act(&path(&entry, "/approve")).expect(200);
        entry
    }

    /// The operator, who names an entry with every request.
    pub(crate) fn by(&self, entry: &str) -> Client {
        self.client.with_header(HEADER, entry)
    }
}

/// Gives an account a platform role.
pub(crate) fn appoint(app: &TestApp, account: &str, role: &str) {
    let path = format!("/v1/platform/operators/{account}");
    app.host().put_new(&path, &json!({"role": role})).expect(201);
}

/// Somebody with a token for no tenant.
pub(crate) fn person(app: &TestApp, account: &str) -> Client {
    let minted = app.host().post("/v1/platform/tokens", &json!({"account": account})).expect(200);
    app.bearer(minted["token"].as_str().unwrap())
}

/// A good request for entry.
pub(crate) fn request(tenant: &str, actions: &[&str]) -> Value {
    json!({"tenant": tenant, "reason": "ticket 4711: lists are empty", "actions": actions, "duration_s": 86_400})
}

/// Where an entry stands.
pub(crate) fn path(entry: &str, suffix: &str) -> String {
    format!("/v1/platform/break-glass/{entry}{suffix}")
}
