//! Every connection is what it must be: read back from each of them.

use std::collections::BTreeMap;

use freehold::storage::Setting;

use crate::node::{Node, Place};
use crate::world;

/// What is promised, whatever the program says of itself.
const PROMISED: &[(&str, &str)] = &[
    ("journal_mode", "wal"),
    ("synchronous", "2"),
    ("foreign_keys", "1"),
    ("recursive_triggers", "1"),
    ("trusted_schema", "0"),
    ("cell_size_check", "1"),
    ("mmap_size", "0"),
    ("temp_store", "2"),
    ("defensive", "1"),
    ("writable_schema", "0"),
    ("double_quoted_strings_dml", "0"),
    ("double_quoted_strings_ddl", "0"),
    ("limit_attached", "0"),
];

/// Limits that are lower than SQLite's own.
const LOWERED: &[(&str, i64)] = &[
    ("limit_length", 1_000_000_000),
    ("limit_sql_length", 1_000_000_000),
    ("limit_expr_depth", 1_000),
    ("limit_compound_select", 500),
    ("limit_like_pattern_length", 50_000),
    ("limit_variable_number", 32_766),
    ("limit_trigger_depth", 1_000),
];

fn keeps_its_promises(connection: &[(Setting, String)]) {
    for (setting, found) in connection {
        assert_eq!(found, setting.value, "{}", setting.name);
    }
    let found: BTreeMap<&str, &str> =
        connection.iter().map(|(setting, found)| (setting.name, found.as_str())).collect();
    for (name, value) in PROMISED {
        assert_eq!(found.get(name), Some(value), "{name}");
    }
    for (name, default) in LOWERED {
        let limit: i64 = found[name].parse().unwrap();
        assert!(limit < *default, "{name} is {limit}");
    }
    assert!(["1", "2"].contains(&found["secure_delete"]), "what is deleted is overwritten");
    let timeout: i64 = found["busy_timeout"].parse().unwrap();
    assert!(timeout > 0);
}

#[test]
fn every_connection_of_the_registry_and_of_a_tenant_is_what_it_must_be() {
    let node = Node::at(&Place::new(), |settings| {
        settings.readers_per_tenant = 5;
        settings.registry_readers = 7;
    });
    node.import(&world::tenants(["acme"]));
    let of_registry = node.registry.contracts().unwrap();
    let of_tenant = node.store("acme").contracts().unwrap();
    assert_eq!((of_registry.len(), of_tenant.len()), (7 + 1, 5 + 1), "readers, and the writer");
    of_registry.iter().chain(&of_tenant).for_each(|connection| keeps_its_promises(connection));
    node.stop();
}

#[test]
fn a_connection_is_what_it_must_be_after_a_writer_and_readers_have_worked() {
    let node = Node::new();
    node.import(&world::tenants(["acme"]));
    let (store, mark) = (node.store("acme"), node.call("acme", "mark"));
    let workspace = world::workspace(&store, &mark, "of mark");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (store, mark) = (&store, &mark);
            scope.spawn(move || {
                for number in 0..20 {
                    world::create(store, mark, workspace, &format!("{thread} {number}")).unwrap();
                    world::workspace(store, mark, "of mark");
                }
            });
        }
    });
    store.contracts().unwrap().iter().for_each(|connection| keeps_its_promises(connection));
    drop(store);
    node.stop();
}
