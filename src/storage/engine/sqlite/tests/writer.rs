//! The writer: whatever a statement forgets to say, it writes what was permitted and nothing else.

use super::world::{World, ask, failure, member};
use crate::domain::{RowLevels, RowSecurityMode};
use crate::storage::engine::sqlite::error::Kind;
use crate::storage::engine::sqlite::{Conn, Session, SqlError, Writes};

const NEW: &str = "insert into resources (id, tenant_id, type, workspace_id, name, visibility, created_at, updated_at)";
const ENTRY: &str = "insert into resource_acl (resource_id, principal_id, tenant_id, permission, created_at, updated_at)";

/// Statements on resources and their entries, each with what it is called in the tables below.
fn statement(called: &str) -> String {
    match called {
        "rename" => "update resources set name = 'x' where id = 'mine'",
        "retype" => {
            "update resources set attributes = '{\"a\":1}', version = version + 1 where id = 'mine'"
        }
        "show" => "update resources set visibility = 'tenant' where id = 'mine'",
        "give" => "update resources set owner_id = 'bob' where id = 'mine'",
        "disown" => "update resources set owner_id = null where id = 'mine'",
        "delete" => "delete from resources where id = 'mine'",
        "rename all" => "update resources set name = 'x'",
        "ignore all" => "update or ignore resources set name = 'x'",
        "replace all" => "update or replace resources set name = 'x'",
        "rename theirs" => "update resources set name = 'x' where id = 'theirs'",
        "delete all" => "delete from resources",
        "delete theirs" => "delete from resources where id = 'theirs'",
        "emigrate" => "update resources set tenant_id = 'globex' where id = 'mine'",
        "renumber" => "update resources set id = 'other' where id = 'mine'",
        "move" => "update resources set workspace_id = 'of-bob' where id = 'mine'",
        "add" => {
            return format!(
                "{NEW} values ('new', 'acme', 'note', 'of-alice', 'N', 'private', 1, 1)"
            );
        }
        "add there" => {
            return format!("{NEW} values ('new', 'acme', 'note', 'of-bob', 'N', 'private', 1, 1)");
        }
        "add abroad" => {
            return format!(
                "{NEW} values ('new', 'globex', 'note', 'of-alice', 'N', 'private', 1, 1)"
            );
        }
        "replace mine" => {
            let new = NEW.replace("insert", "insert or replace");
            return format!(
                "{new} values ('mine', 'acme', 'note', 'of-alice', 'x', 'private', 1, 1)"
            );
        }
        // Nothing else goes with it that a trigger could see.
        "replace bare" => {
            let new = NEW.replace("insert", "insert or replace");
            return format!(
                "{new} values ('bare', 'acme', 'note', 'of-alice', 'x', 'private', 1, 1)"
            );
        }
        "replace theirs" => {
            let new = NEW.replace("insert", "replace");
            return format!(
                "{new} values ('theirs', 'acme', 'note', 'of-alice', 'x', 'private', 1, 1)"
            );
        }
        "put mine" => {
            return format!(
                "{NEW} values ('mine', 'acme', 'note', 'of-alice', 'x', 'private', 1, 1)
                on conflict (id) do update set name = excluded.name"
            );
        }
        "put theirs" => {
            return format!(
                "{NEW} values ('theirs', 'acme', 'note', 'of-alice', 'x', 'private', 1, 1)
                on conflict do update set name = excluded.name"
            );
        }
        other => return entry(other),
    }
    .to_owned()
}

/// The same on entries.
fn entry(called: &str) -> String {
    match called {
        "share" => return format!("{ENTRY} values ('mine', 'crew', 'acme', 'read', 1, 1)"),
        "share theirs" => {
            return format!("{ENTRY} values ('theirs', 'bob', 'acme', 'admin', 1, 1)");
        }
        "share abroad" => {
            return format!("{ENTRY} values ('mine', 'crew', 'globex', 'read', 1, 1)");
        }
        "share again" => {
            let entry = ENTRY.replace("insert", "insert or replace");
            return format!("{entry} values ('theirs', 'alice', 'acme', 'admin', 1, 1)");
        }
        "raise" => "update resource_acl set permission = 'admin' where resource_id = 'mine'",
        "raise theirs" => {
            "update resource_acl set permission = 'admin' where resource_id = 'theirs'"
        }
        "raise all" => "update resource_acl set permission = 'admin'",
        "carry over" => "update resource_acl set resource_id = 'theirs' where resource_id = 'mine'",
        "hand over" => "update resource_acl set principal_id = 'crew' where resource_id = 'mine'",
        "take out" => "update resource_acl set tenant_id = 'globex' where resource_id = 'mine'",
        "unshare" => "delete from resource_acl where resource_id = 'mine'",
        "unshare theirs" => "delete from resource_acl where resource_id = 'theirs'",
        "unshare all" => "delete from resource_acl",
        "forget crew" => "delete from resource_acl where principal_id = 'crew'",
        "forget alice" => "delete from resource_acl where principal_id = 'alice'",
        other => panic!("{other} is not in the table"),
    }
    .to_owned()
}

const ALL: &[&str] = &[
    "rename",
    "retype",
    "show",
    "give",
    "disown",
    "delete",
    "rename all",
    "ignore all",
    "replace all",
    "rename theirs",
    "delete all",
    "delete theirs",
    "emigrate",
    "renumber",
    "move",
    "add",
    "add there",
    "add abroad",
    "replace mine",
    "replace theirs",
    "replace bare",
    "put mine",
    "put theirs",
    "share",
    "share theirs",
    "share abroad",
    "share again",
    "raise",
    "raise theirs",
    "raise all",
    "carry over",
    "hand over",
    "take out",
    "unshare",
    "unshare theirs",
    "unshare all",
    "forget crew",
    "forget alice",
];

/// What no permit ever lets happen: a row that goes to another tenant, to another place, or becomes another one.
const NEVER: &[&str] = &[
    "emigrate",
    "renumber",
    "move",
    "add abroad",
    "share abroad",
    "carry over",
    "hand over",
    "take out",
    "replace all",
    "replace mine",
    "replace theirs",
    "replace bare",
];

/// Every row that the triggers guard, as the program's own work sees them.
fn rows(conn: &Conn) -> Vec<String> {
    let resources = "select id || tenant_id || workspace_id || name || visibility || attributes
        || coalesce(owner_id, '') || version from main.resources order by 1";
    let entries = "select resource_id || principal_id || tenant_id || permission || version
        from main.resource_acl order by 1";
    [ask(conn, resources).unwrap(), ask(conn, entries).unwrap()].concat()
}

/// Runs a statement as somebody's change, and says whether it changed anything.
fn run(conn: &Conn, session: Option<&Session>, sql: &str) -> Result<bool, SqlError> {
    conn.begin_immediate().unwrap();
    let before = rows(conn);
    let outcome = {
        let _guard = session.map(|session| conn.session(session.clone()));
        conn.set_change(true);
        let outcome = ask(conn, sql);
        conn.set_change(false);
        outcome
    };
    let has_changed = rows(conn) != before;
    conn.rollback();
    assert!(outcome.is_ok() || !has_changed, "{sql} failed, and changed something");
    outcome.map(|_| has_changed)
}

/// Runs every statement under a permit: those that are named change something, all others are refused by a trigger.
fn permits(session: Option<&Session>, allowed: &[&str]) {
    let world = World::new();
    let conn = world.writer();
    for called in ALL {
        let outcome = run(&conn, session, &statement(called));
        let may = allowed.contains(called);
        match outcome {
            Ok(has_changed) => assert!(may && has_changed, "{called} by {session:?}"),
            Err(error) => {
                assert!(!may, "{called} by {session:?}: {error}");
                is_refused(called, &error);
            }
        }
    }
}

/// A trigger says that it is row-level security; `or replace` is refused before any runs, for what it looks at.
#[track_caller]
fn is_refused(called: &str, error: &SqlError) {
    let why = if called.starts_with("replace") { "guarded table" } else { "row-level security" };
    assert!(error.to_string().contains(why), "{called}: {error}");
}

fn with(writes: Writes) -> Session {
    member("alice", RowSecurityMode::Enforce, writes)
}

fn on_mine(level: i64) -> Session {
    with(Writes::Resource("mine".into(), level))
}

#[test]
fn without_a_session_or_a_permit_nothing_is_written() {
    permits(None, &[]);
    permits(Some(&with(Writes::Nothing)), &[]);
}

#[test]
fn to_see_all_is_no_permit_to_write() {
    for mode in [RowSecurityMode::Off, RowSecurityMode::Shadow, RowSecurityMode::Enforce] {
        let session = Session { levels: RowLevels::ALL, mode, ..with(Writes::Nothing) };
        permits(Some(&session), &[]);
    }
}

#[test]
fn a_permit_for_a_resource_reaches_that_resource_as_far_as_it_goes() {
    permits(Some(&on_mine(0)), &[]);
    permits(Some(&on_mine(1)), &[]);
    let to_write = ["rename", "retype"];
    permits(Some(&on_mine(2)), &to_write);
    let to_rule = ["show", "give", "disown", "delete", "share", "raise", "unshare"];
    permits(Some(&on_mine(3)), &[&to_write[..], &to_rule].concat());
    permits(Some(&with(Writes::Resource("nothing".into(), 3))), &[]);
}

#[test]
fn a_permit_for_a_workspace_adds_there_and_nowhere_else() {
    permits(Some(&with(Writes::Workspace("of-alice".into()))), &["add"]);
    permits(Some(&with(Writes::Workspace("of-bob".into()))), &["add there"]);
    permits(Some(&with(Writes::Workspace("nowhere".into()))), &[]);
}

#[test]
fn a_statement_of_several_rows_adds_all_or_none() {
    let world = World::new();
    let conn = world.writer();
    let row = |id: &str, place: &str| {
        format!("('{id}', 'acme', 'note', '{place}', 'N', 'private', 1, 1)")
    };
    let session = with(Writes::Workspace("of-alice".into()));
    let sql = format!("{NEW} values {}, {}", row("new", "of-alice"), row("newer", "of-bob"));
    run(&conn, Some(&session), &sql).unwrap_err();
}

#[test]
fn a_permit_for_a_principal_drops_its_entries_alone() {
    permits(Some(&with(Writes::Principal("crew".into()))), &["forget crew"]);
    permits(Some(&with(Writes::Principal("alice".into()))), &["forget alice"]);
}

#[test]
fn what_goes_with_its_principal_needs_the_same_permit() {
    let world = World::new();
    let conn = world.writer();
    let dismiss = |writes| {
        conn.begin_immediate().unwrap();
        let guard = conn.session(with(writes));
        let outcome = ask(&conn, "delete from teams where id = 'crew'")
            .and_then(|_| ask(&conn, "delete from principals where id = 'crew'"));
        drop(guard);
        let left = ask(&conn, "select count(*) from main.resource_acl").unwrap();
        conn.rollback();
        (outcome.is_ok(), left)
    };
    assert_eq!(dismiss(Writes::Principal("crew".into())), (true, vec!["2".to_owned()]));
    for other in [Writes::Nothing, Writes::Principal("bob".into()), on_mine(3).writes] {
        assert_eq!(dismiss(other.clone()), (false, vec!["3".to_owned()]), "{other:?}");
    }
}

#[test]
fn an_import_writes_every_row_of_its_own_tenant() {
    let session = with(Writes::Everything);
    let world = World::new();
    let conn = world.writer();
    for called in ALL.iter().filter(|called| !NEVER.contains(called)) {
        assert!(run(&conn, Some(&session), &statement(called)).unwrap(), "{called}");
    }
    for called in NEVER {
        let refused = run(&conn, Some(&session), &statement(called)).unwrap_err();
        is_refused(called, &refused);
    }
}

#[test]
fn whoever_works_for_another_tenant_writes_nothing_here() {
    for writes in [
        Writes::Everything,
        Writes::Resource("mine".into(), 3),
        Writes::Workspace("of-alice".into()),
        Writes::Principal("crew".into()),
    ] {
        let session = Session { tenant: "globex".into(), ..with(writes) };
        let world = World::new();
        let conn = world.writer();
        for called in ALL {
            let outcome = run(&conn, Some(&session), &statement(called));
            assert!(!outcome.unwrap_or(false), "{called} by {session:?}");
        }
    }
}

/// Looks at guarded tables that a change must not take, in which `{table}` is one.
const LOOKS: &[&str] = &[
    "select * from {table}",
    "select count(*) from main.{table}",
    "select 1 from {table} limit 1",
    "with it as (select tenant_id from {table}) select * from it",
    "with {table} as (select * from main.{table}) select * from {table}",
    "with resources_update_is_permitted as (select * from main.{table})
        select * from resources_update_is_permitted",
    "select * from (select tenant_id from {table})",
    "select 1 where exists (select 1 from {table})",
    "select (select max(tenant_id) from {table})",
    "select id from teams where tenant_id in (select tenant_id from {table})",
    "insert into teams (id, tenant_id, name, created_at, updated_at)
        select 'x', tenant_id, 'x', 1, 1 from {table}",
    "insert into teams (id, tenant_id, name, created_at, updated_at)
        with it as (select tenant_id from {table}) select 'x', tenant_id, 'x', 1, 1 from it",
    "update teams set name = (select tenant_id from {table})",
    "with it as (select tenant_id from {table}) update teams set name = (select tenant_id from it)",
    "update teams set name = it.tenant_id from (select tenant_id from {table}) as it",
    "delete from teams where exists (select 1 from {table})",
    "delete from teams returning (select count(*) from {table})",
    "create temp view it as select * from {table}",
];

#[test]
fn a_change_does_not_look_at_guarded_tables() {
    let world = World::new();
    let conn = world.writer();
    let _session = conn.session(with(Writes::Everything));
    conn.set_change(true);
    for table in ["resources", "resource_acl"] {
        let looks = LOOKS.iter().map(|look| look.replace("{table}", table));
        // Twice: what was refused is not found again as a statement that was prepared before.
        let is_open = |sql: &String| (0..2).any(|_| failure(&conn, sql) != Some(Kind::Refused));
        let open: Vec<String> = looks.filter(is_open).collect();
        assert!(open.is_empty(), "{open:#?}");
    }
}

#[test]
fn the_door_looks_before_the_change_and_after_it() {
    let world = World::new();
    let conn = world.writer();
    let look = "select id from main.resources where id = 'mine'";
    conn.set_change(true);
    assert_eq!(failure(&conn, look), Some(Kind::Refused));
    conn.set_change(false);
    assert_eq!(ask(&conn, look).unwrap(), ["mine"]);
}

#[test]
fn a_writer_keeps_what_is_only_ever_added_to() {
    let world = World::new();
    let conn = world.writer();
    let _session = conn.session(with(Writes::Everything));
    for table in ["audit_log", "outbox_events"] {
        for sql in [
            format!("update {table} set tenant_id = tenant_id"),
            format!("delete from {table}"),
            format!("with it as (select 1) delete from {table}"),
        ] {
            assert_eq!(failure(&conn, &sql), Some(Kind::Refused), "{sql}");
        }
    }
    for sql in [
        "create temp trigger t after insert on teams begin select 1; end",
        "drop table resources",
        "alter table resources rename to other",
        "pragma recursive_triggers = off",
        "pragma foreign_keys = off",
        "pragma writable_schema = on",
        "attach database ':memory:' as other",
    ] {
        assert_eq!(failure(&conn, sql), Some(Kind::Refused), "{sql}");
    }
}
