//! The database's words are the program's: each `check (… in (…))` lists the words of one
//! enumeration.

use std::collections::BTreeSet;
use std::path::Path;

use freehold::domain::{
    AccountState, AppliesTo, AuditDecision, BreakGlassState, DeliveryState, InvitationState,
    IssuerState, ItemLayer, JoinRole, Layer, MemberState, MeterPeriod, OperatorRole, Permission,
    PrincipalType, Role, RowSecurityMode, ServiceRole, SigningKeyState, TeamRole, TenantKind,
    TenantStatus, Visibility, WebhookDisabledReason, WebhookState, WithheldReason, Word,
};

type Words = BTreeSet<String>;

fn words<W: Word>() -> Words {
    W::ALL.iter().map(|word| word.as_str().to_owned()).collect()
}

/// A number that is no or yes.
fn truth() -> Words {
    ["0", "1"].map(str::to_owned).into()
}

/// File, table, column, and the enumeration whose words the column takes.
type Entry = (&'static str, &'static str, &'static str, fn() -> Words);

const COLUMNS: &[Entry] = &[
    ("registry", "tenants", "kind", words::<TenantKind>),
    ("registry", "tenants", "status", words::<TenantStatus>),
    ("registry", "tenants", "status_before", words::<TenantStatus>),
    ("registry", "tenants", "row_security", words::<RowSecurityMode>),
    ("registry", "tenants", "importing", truth),
    ("registry", "tenant_files", "dirty", truth),
    ("registry", "accounts", "state", words::<AccountState>),
    ("registry", "operators", "role", words::<OperatorRole>),
    ("registry", "memberships", "role", words::<Role>),
    ("registry", "memberships", "state", words::<MemberState>),
    ("registry", "break_glass", "state", words::<BreakGlassState>),
    ("registry", "application_requirements", "kind", words::<TenantKind>),
    ("registry", "account_identities", "email_verified", truth),
    ("registry", "tenant_domains", "join_role", words::<JoinRole>),
    ("registry", "invitations", "role", words::<Role>),
    ("registry", "invitations", "state", words::<InvitationState>),
    ("registry", "attributes", "applies_to", words::<AppliesTo>),
    ("registry", "attributes", "locked_at", words::<Layer>),
    ("registry", "attributes", "personal_data", truth),
    ("registry", "catalog_items", "defined", truth),
    ("registry", "audit_log", "decision", words::<AuditDecision>),
    ("registry", "signing_keys", "state", words::<SigningKeyState>),
    ("registry", "service_accounts", "role", words::<OperatorRole>),
    ("registry", "service_accounts", "state", words::<AccountState>),
    ("tenant", "service_accounts", "role", words::<ServiceRole>),
    ("tenant", "service_accounts", "state", words::<AccountState>),
    ("tenant", "organizations", "kind", words::<TenantKind>),
    ("tenant", "principals", "type", words::<PrincipalType>),
    ("tenant", "org_members", "role", words::<Role>),
    ("tenant", "org_members", "state", words::<MemberState>),
    ("tenant", "team_members", "role", words::<TeamRole>),
    ("tenant", "workspaces", "owner_type", words::<PrincipalType>),
    ("tenant", "resource_types", "built_in", truth),
    ("tenant", "resources", "visibility", words::<Visibility>),
    ("tenant", "resource_acl", "permission", words::<Permission>),
    ("tenant", "invitations", "role", words::<Role>),
    ("tenant", "invitations", "state", words::<InvitationState>),
    ("tenant", "audit_log", "decision", words::<AuditDecision>),
    ("tenant", "catalog_items", "layer", words::<ItemLayer>),
    ("tenant", "catalog_items", "defined", truth),
    ("tenant", "issuers", "state", words::<IssuerState>),
    ("tenant", "row_security_report", "reason", words::<WithheldReason>),
    ("tenant", "usage_records", "period", words::<MeterPeriod>),
    ("tenant", "usage_counters", "period", words::<MeterPeriod>),
    ("tenant", "webhooks", "state", words::<WebhookState>),
    ("tenant", "webhooks", "disabled_reason", words::<WebhookDisabledReason>),
    ("tenant", "webhook_deliveries", "state", words::<DeliveryState>),
    ("registry", "webhooks", "state", words::<WebhookState>),
    ("registry", "webhooks", "disabled_reason", words::<WebhookDisabledReason>),
    ("registry", "webhook_deliveries", "state", words::<DeliveryState>),
];

/// A check of the schema: table, column, words.
type Check = (String, String, Words);

/// Every `check (column in (…))` of a text, beside the table that it stands in.
fn checks(text: &str) -> Vec<Check> {
    let text: String = text.lines().map(|line| line.split("--").next().unwrap()).collect();
    let mut found = Vec::new();
    for table in text.split("create table ").flat_map(|part| part.split("alter table ")).skip(1) {
        let name = table.split([' ', '(']).next().unwrap();
        for check in table.split("check (").skip(1) {
            let Some((column, rest)) = check.split_once(" in (") else { continue };
            let column = column.trim();
            if column.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                let listed = rest.split(')').next().unwrap().split(',');
                let words = listed.map(|word| word.trim().trim_matches('\'').to_owned()).collect();
                found.push((name.to_owned(), column.to_owned(), words));
            }
        }
    }
    found
}

/// The columns that a migration drops: table, column.
fn dropped(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("alter table ").skip(1).filter_map(|change| {
        let (statement, _) = change.split_once(';')?;
        statement.split_once(" drop column ")
    })
}

/// Every check of a folder of migrations; a later one of the same column replaces an earlier one.
fn folder(file: &str) -> Vec<Check> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(file);
    let mut files: Vec<_> =
        std::fs::read_dir(path).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut found: Vec<Check> = Vec::new();
    for text in files.iter().map(|file| std::fs::read_to_string(file).unwrap()) {
        for gone in dropped(&text) {
            found.retain(|(table, column, _)| (table.as_str(), column.as_str()) != gone);
        }
        for check in checks(&text) {
            found.retain(|(table, column, _)| (table, column) != (&check.0, &check.1));
            found.push(check);
        }
    }
    found
}

#[test]
fn every_check_of_the_schema_lists_the_words_of_its_enumeration() {
    for file in ["registry", "tenant"] {
        let mut entries: Vec<&Entry> = COLUMNS.iter().filter(|entry| entry.0 == file).collect();
        for (table, column, words) in folder(file) {
            let place = entries.iter().position(|entry| entry.1 == table && entry.2 == column);
            let place =
                place.unwrap_or_else(|| panic!("{file}.{table}.{column} has no entry here"));
            let (.., expected) = entries.remove(place);
            assert_eq!(words, expected(), "{file}.{table}.{column}");
        }
        let gone: Vec<_> = entries.iter().map(|entry| (entry.1, entry.2)).collect();
        assert!(gone.is_empty(), "{file} has no check of {gone:?}");
    }
}

#[test]
fn a_check_is_found_however_it_is_laid_out() {
    let text = "
create table one (
    a text check (a in ('x', 'y')),
    b text -- a comment, check (c in ('z'))
        check (
            b in (
                'z')
        ),
    d text check (d = 'x'),
    e text check (json_valid(e))
);";
    let found: Vec<_> = checks(text)
        .into_iter()
        .map(|(table, column, words)| (table, column, words.len()))
        .collect();
    let expected = [("one", "a", 2), ("one", "b", 1)];
    assert_eq!(
        found,
        expected.map(|(table, column, words)| (table.to_owned(), column.to_owned(), words))
    );
}
