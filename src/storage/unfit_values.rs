//! Stored values that count for nothing, as an examination finds them: by key and number, and never by what they say.

use std::collections::BTreeMap;

use super::engine::{Sql, params};
use super::registry::{self, RegistryFile};
use super::tenant;
use crate::domain::catalog::counts;
use crate::domain::{
    AppliesTo, AttributeKey, Check, Definitions, IgnoredReason, JsonValue, Result, Values,
};

const WHY: &str = "What an attribute's schema does not accept, or no definition stands for, is left out: a layer below shines through.";
const REMEDY: &str =
    "Change the values, take them away, or define the attribute so that it accepts them.";
/// Rows that are looked at at a time.
const BATCH: i64 = 500;

/// How many values of each key do not count, and why.
#[derive(Default)]
struct Unfit {
    looked_at: usize,
    found: BTreeMap<(AttributeKey, IgnoredReason), usize>,
}

impl Unfit {
    fn add(&mut self, key: &AttributeKey, reason: Option<IgnoredReason>) {
        self.looked_at += 1;
        if let Some(reason) = reason {
            *self.found.entry((key.clone(), reason)).or_default() += 1;
        }
    }

    fn add_profile(&mut self, definitions: &Definitions, values: &Values) {
        for (key, value) in &values.0 {
            let reason = match definitions.find(AppliesTo::Profile, key) {
                Some(definition) if definition.accepts(value) => None,
                Some(_) => Some(IgnoredReason::Invalid),
                None => Some(IgnoredReason::Undefined),
            };
            self.add(key, reason);
        }
    }

    fn add_item(
        &mut self,
        definitions: &Definitions,
        key: &AttributeKey,
        value: &JsonValue,
        defined: bool,
    ) {
        let definition = definitions.find(AppliesTo::Catalog, key);
        let reason = match definition {
            _ if counts(definition, value, defined) => None,
            Some(_) => Some(IgnoredReason::Invalid),
            None => Some(IgnoredReason::Undefined),
        };
        self.add(key, reason);
    }

    fn check(self) -> Check {
        if self.found.is_empty() {
            return Check::ok("values", format!("{} stored, all valid", self.looked_at));
        }
        let sentences = self.found.iter().map(|((key, reason), count)| match reason {
            IgnoredReason::Invalid => format!("{key}: {count} not valid"),
            IgnoredReason::Undefined => format!("{key}: {count} without a definition"),
        });
        let sentences: Vec<_> = sentences.collect();
        Check::failed("values", sentences.join("; "), WHY, REMEDY)
    }
}

impl RegistryFile {
    /// Whether every value that the registry holds counts.
    ///
    /// # Errors
    /// Storage failed.
    pub(super) fn unfit_values(&self) -> Result<Check> {
        let definitions = self.definitions(true)?;
        let conn = self.core_pool().get()?;
        let mut unfit = Unfit::default();
        profiles(Sql::on(&conn), registry::profiles::EVERY, |values| {
            unfit.add_profile(&definitions, values);
        })?;
        for (key, item) in &definitions.items {
            unfit.add_item(&definitions, key, &item.value, item.defined);
        }
        Ok(unfit.check())
    }

    /// Whether every value that a tenant's file holds counts.
    ///
    /// # Errors
    /// Storage failed.
    pub(super) fn unfit_values_of(&self, sql: Sql<'_>) -> Result<Check> {
        let definitions = self.definitions(true)?;
        let mut unfit = Unfit::default();
        for statement in [tenant::profiles::EVERY_DEFAULT, tenant::profiles::EVERY] {
            profiles(sql, statement, |values| unfit.add_profile(&definitions, values))?;
        }
        items(sql, |key, value, defined| unfit.add_item(&definitions, key, value, defined))?;
        Ok(unfit.check())
    }
}

/// Every row of values, some at a time.
fn profiles(sql: Sql<'_>, statement: &str, mut look: impl FnMut(&Values)) -> Result<()> {
    let mut after = String::new();
    loop {
        let rows: Vec<(String, Values)> =
            sql.all(statement, params![&after, BATCH], |row| Ok((row.next()?, row.next()?)))?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after.clone_from(last);
        for (_, values) in &rows {
            look(values);
        }
    }
}

/// Every item of a tenant's catalogue, some at a time.
fn items(sql: Sql<'_>, mut look: impl FnMut(&AttributeKey, &JsonValue, bool)) -> Result<()> {
    let (mut owner, mut key) = (String::new(), String::new());
    loop {
        let rows: Vec<(String, AttributeKey, JsonValue, bool)> =
            sql.all(tenant::catalog::EVERY, params![&owner, &key, BATCH], |row| {
                Ok((row.next()?, row.next()?, row.next()?, row.next()?))
            })?;
        let Some((last_owner, last_key, ..)) = rows.last() else { return Ok(()) };
        owner.clone_from(last_owner);
        key = last_key.to_string();
        for (_, key, value, defined) in &rows {
            look(key, value, *defined);
        }
    }
}
