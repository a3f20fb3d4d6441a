//! A clean end: nothing is left in any log, and the registry knows every file.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::dump;
use crate::node::{Node, Place};
use crate::program::{Program, verb};
use crate::world;

/// Every file below a directory.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn is_clean(place: &Place) {
    let logs =
        files(&place.data()).into_iter().filter(|path| path.to_string_lossy().ends_with("-wal"));
    for log in logs {
        assert_eq!(log.metadata().unwrap().len(), 0, "{}", log.display());
    }
    let registry = dump::open(&place.data().join("registry.db"));
    assert_eq!(dump::rows(&registry, "select count(*) from tenant_files where dirty <> 0"), ["0"]);
    let anchored = "select tenant_id, audit_seq from tenant_files order by tenant_id";
    let known = dump::rows(&registry, anchored);
    let ends = "select tenant_id, max(seq) from audit_log";
    let files = dump::tenant_files(&place.data());
    let mut found: Vec<String> =
        files.iter().flat_map(|path| dump::rows(&dump::open(path), ends)).collect();
    found.sort_unstable();
    assert_eq!(known, found, "the registry knows where every audit log ends");
}

#[test]
fn a_server_that_is_told_to_stop_leaves_nothing_undone() {
    let node = Node::new();
    node.import(&world::tenants(["acme", "globex", "initech"]));
    let place = node.stop();
    is_clean(&place);
    let program = Program::serve(&place);
    for slug in ["acme", "globex"] {
        let client = program.client(&program.token(slug, "olga"));
        let (status, answer) =
            client.post(&format!("/v1/tenants/{slug}/teams"), &json!({"name": "late"}));
        assert_eq!(status, 201, "{answer}");
        let guest = program.client(&program.token(slug, "gus"));
        for _ in 0..3 {
            let refused =
                guest.post(&format!("/v1/tenants/{slug}/teams"), &json!({"name": "never"}));
            assert_eq!(refused.0, 403, "{}", refused.1);
        }
    }
    program.stop();
    is_clean(&place);
    verb(&place, &["doctor"]).ended(0);
    is_clean(&place);
}
