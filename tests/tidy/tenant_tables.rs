//! Every table of a tenant's file names the tenant and references its one organization: a row in
//! the wrong file is impossible, not only unlikely.

use crate::source::Source;
use crate::sql::{Table, tables};

/// What the column refers to, and so cannot refer from.
const ROOT: &str = "organizations";

fn rule(sources: &[Source]) -> Vec<String> {
    let files = sources.iter().filter(|source| source.is_sql());
    files.filter(|source| source.is_under("migrations/tenant")).flat_map(file).collect()
}

fn file(source: &Source) -> Vec<String> {
    let tables = tables(&source.text);
    let strays = tables.iter().filter(|table| table.name != ROOT && !names_the_tenant(table));
    strays
        .map(|table| {
            let sentence = format!(
                "table {} has no `tenant_id text not null references {ROOT} (id)`.",
                table.name
            );
            source.violation(table.start, &sentence)
        })
        .collect()
}

fn names_the_tenant(table: &Table) -> bool {
    table.columns.iter().any(|column| {
        column.starts_with("tenant_id text not null ")
            && column.contains(&format!("references {ROOT} (id)"))
    })
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{assert_none, assert_tells_apart, sources};

    const FILE: &str = "migrations/tenant/V0001__a.sql";

    #[test]
    fn every_table_of_a_tenant_references_its_organization() {
        assert_none(&rule(&sources("migrations/tenant")));
    }

    #[test]
    fn a_planted_table_without_its_tenant_is_found() {
        assert_tells_apart(
            rule,
            &[
                (FILE, "create table a (id text not null primary key) strict;"),
                (FILE, "create table a (tenant_id text references organizations (id));"),
                (FILE, "create table a (tenant_id text not null, b references organizations (id))"),
                (
                    FILE,
                    "create table a (-- tenant_id text not null references organizations (id)\n b)",
                ),
                (FILE, "create table a (tenant_id text not null references tenants (id));"),
                (FILE, "create temp table if not exists a as select 1;"),
            ],
            &[
                (FILE, "create table organizations (id text not null primary key) strict;"),
                (
                    FILE,
                    "create table a (\n tenant_id text not null\n references organizations (id))",
                ),
                (
                    FILE,
                    "create table a (tenant_id text not null unique references organizations (id))",
                ),
                (FILE, "-- create table a (id text)\ncreate index i on a (id);"),
                ("migrations/registry/V0001__a.sql", "create table a (id text);"),
            ],
        );
    }
}
