//! Statements on `attributes`; and every definition, ready to hold values against.
//!
//! Definitions and the platform's items of the catalogue are kept with the revision that they were read at, and with the
//! epoch at which that revision was last seen to hold: what was made of schemas is made anew when one of them moved, not
//! whenever the registry did. The revision is noted before the reading: what is kept may be newer than it says, never
//! older.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::RegistryFile;
use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, AppliesTo, Attribute, AttributeFilter, AttributeKey, Definition, Definitions,
    Description, Direction, Error, Page, PageRequest, PlatformItem, Position, PutAttribute, Result,
};
use crate::storage::door::{self, Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, Sql, SqlError, params};

/// What is kept of definitions: epoch, revision, and what was read.
pub(super) type Known = Mutex<Option<(u64, i64, Arc<Definitions>)>>;

impl RegistryFile {
    /// Every definition now.
    ///
    /// # Errors
    /// Storage failed; [`Error::TooManySteps`] where schemas must be made ready, and whoever asks may not wait.
    pub(in crate::storage) fn definitions(&self, may_wait: bool) -> Result<Arc<Definitions>> {
        let epoch = self.gate.epoch();
        let kept = self.definitions.lock().clone();
        if let Some((seen, _, definitions)) = &kept
            && *seen == epoch
        {
            return Ok(definitions.clone());
        }
        let conn = self.lookups.get()?;
        let sql = Sql::on(&conn);
        let revision = revision(sql)?;
        let definitions = match kept {
            Some((_, known, definitions)) if known == revision => definitions,
            _ if !may_wait => return Err(Error::TooManySteps),
            kept => Arc::new(read(sql, kept.map(|(.., earlier)| earlier).as_deref())?),
        };
        *self.definitions.lock() = Some((epoch, revision, definitions.clone()));
        Ok(definitions)
    }
}

fn revision(sql: Sql<'_>) -> Result<i64> {
    let found = sql.one("select revision from value_revision", &[], |row| row.next())?;
    found.ok_or_else(|| Error::Storage("the registry has no revision of values".to_owned()))
}

fn read(sql: Sql<'_>, earlier: Option<&Definitions>) -> Result<Definitions> {
    let attributes = sql.all(
        "select key, title, description, applies_to, schema, default_value, locked_at, readers, writers, personal_data,
            created_at, updated_at, version
        from attributes",
        &[],
        attribute,
    )?;
    let items = sql.all("select key, value, defined from catalog_items", &[], |row| {
        Ok((row.next()?, PlatformItem { value: row.next()?, defined: row.next()? }))
    })?;
    let ready = |it: Attribute| {
        let earlier = earlier.and_then(|earlier| earlier.attributes.get(&it.key));
        (it.key.clone(), Arc::new(Definition::again(it, earlier.map(|earlier| &**earlier))))
    };
    let attributes: BTreeMap<_, _> = attributes.into_iter().map(ready).collect();
    for definition in attributes.values().filter(|definition| !definition.is_readable()) {
        tracing::error!(attribute.key = %definition.attribute.key, "an attribute's schema is none to this program: no value of it counts");
    }
    Ok(Definitions { attributes, items: items.into_iter().collect() })
}

fn attribute(row: &mut Row<'_>) -> Result<Attribute, SqlError> {
    let key: AttributeKey = row.next()?;
    Ok(Attribute {
        id: key.clone(),
        key,
        title: row.next()?,
        description: row.next()?,
        applies_to: row.next()?,
        schema: row.next()?,
        default: row.next()?,
        locked_at: row.next()?,
        readers: row.next()?,
        writers: row.next()?,
        personal_data: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// Every definition now, for a transaction of the registry's.
pub(crate) fn definitions(tx: &impl Tx) -> Result<Arc<Definitions>> {
    door::definitions(tx)
}

/// One definition.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    key: &AttributeKey,
) -> Result<Option<Attribute>> {
    Ok(sql(tx).one(
        "select key, title, description, applies_to, schema, default_value, locked_at, readers, writers, personal_data,
            created_at, updated_at, version
        from attributes where key = ?1",
        params![key],
        attribute,
    )?)
}

/// A page of definitions, by key.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &AttributeFilter,
    page: &PageRequest,
) -> Result<Page<Attribute>> {
    let mut listing = Listing::new(
        "select key, title, description, applies_to, schema, default_value, locked_at, readers, writers, personal_data,
            created_at, updated_at, version
        from attributes where true",
    );
    listing.and_if("applies_to = ?", filter.applies_to);
    let (text, params) = listing.page_by_id("key", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, attribute)?;
    let weight = |it: &Attribute| serde_json::to_vec(it).map_or(0, |text| text.len());
    let position = |it: &Attribute| Position { key: String::new(), id: it.key.to_string() };
    Ok(Page::cut_by_weight(rows, page, weight, position))
}

/// How many attributes there are.
pub(crate) fn count(tx: &impl Tx<Plane = PlatformPlane>) -> Result<i64> {
    let count = sql(tx).one("select count(*) from attributes", &[], |row| row.next())?;
    Ok(count.unwrap_or(0))
}

/// Defines an attribute; `None` where it is defined already.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    key: &AttributeKey,
    new: &PutAttribute,
) -> Result<Option<Attribute>> {
    Ok(sql(tx).one(
        "insert into attributes (key, title, description, applies_to, schema, default_value, locked_at, readers, writers,
            personal_data, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)
        on conflict (key) do nothing
        returning key, title, description, applies_to, schema, default_value, locked_at, readers, writers, personal_data,
            created_at, updated_at, version",
        params![
            key,
            &new.title,
            new.description.as_ref().unwrap_or(&Description::default()),
            new.applies_to,
            &new.schema,
            new.default.as_ref(),
            new.locked_at,
            &*new.readers,
            &*new.writers,
            new.personal_data,
            tx.now(),
        ],
        attribute,
    )?)
}

/// Defines an attribute otherwise, if it has the version expected.
pub(crate) fn update<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    key: &AttributeKey,
    new: &PutAttribute,
    version: i64,
) -> Result<Option<Attribute>> {
    Ok(sql(tx).one(
        "update attributes
        set title = ?3, description = ?4, schema = ?5, default_value = ?6, locked_at = ?7, readers = ?8, writers = ?9,
            personal_data = ?10, updated_at = ?11, version = version + 1
        where key = ?1 and version = ?2
        returning key, title, description, applies_to, schema, default_value, locked_at, readers, writers, personal_data,
            created_at, updated_at, version",
        params![
            key,
            version,
            &new.title,
            new.description.as_ref().unwrap_or(&Description::default()),
            &new.schema,
            new.default.as_ref(),
            new.locked_at,
            &*new.readers,
            &*new.writers,
            new.personal_data,
            tx.now(),
        ],
        attribute,
    )?)
}

/// Whether the registry holds a value of an attribute.
pub(crate) fn has_values<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    key: &AttributeKey,
    kind: AppliesTo,
) -> Result<bool> {
    let statement = match kind {
        AppliesTo::Profile => {
            "select 1 from account_attributes a, json_each(a.attributes) v where v.key = ?1 limit 1"
        }
        AppliesTo::Catalog => "select 1 from catalog_items where key = ?1",
    };
    let found: Option<i64> = sql(tx).one(statement, params![key], |row| row.next())?;
    Ok(found.is_some())
}

/// Defines an attribute no more, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    key: &AttributeKey,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx)
        .execute("delete from attributes where key = ?1 and version = ?2", params![key, version])?;
    Ok(deleted > 0)
}
