//! Making tenants: whole, beside making a file by running the migrations, and by copying one that is migrated.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use freehold::domain::TenantId;
use refinery::Runner;
use rusqlite::Connection;

use super::node::Node;
use super::{median, show};

/// Tenants that the other parts find.
const TENANTS: usize = 2_000;
/// Files that are made by hand.
const FILES: usize = 100;

/// Makes tenants, and returns them.
pub(crate) fn run(data: &Path) -> Vec<TenantId> {
    println!("\nMaking {TENANTS} tenants, and {FILES} files by hand; medians\n");
    let node = Node::start(data);
    let mut made = Vec::new();
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        let begun = Instant::now();
        tenants.push(node.create(&format!("tenant-{number:04}")));
        made.push(begun.elapsed());
    }
    node.stop();
    let template = template(data);
    let (mut migrated, mut copied) = (Vec::new(), Vec::new());
    for number in 0..FILES {
        migrated.push(timed(|| migrate(&data.join(format!("migrated-{number}.db")))));
        copied.push(timed(|| copy(&template, &data.join(format!("copied-{number}.db")))));
    }
    let migrated = median(migrated);
    show("a file, by copying the template", median(copied), "by migrations", migrated);
    show("a tenant, whole and acknowledged", median(made), "by migrations", migrated);
    tenants
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn template(data: &Path) -> std::path::PathBuf {
    let folder = data.join("data/template");
    let mut files = std::fs::read_dir(folder).expect("a folder").flatten().map(|it| it.path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "db")).expect("it")
}

/// A durable file with every migration run on it.
fn migrate(path: &Path) {
    let mut file = Connection::open(path).expect("a file");
    settle(&file);
    let migrations = refinery::load_sql_migrations("migrations/tenant").expect("migrations");
    Runner::new(&migrations).set_grouped(true).run(&mut file).expect("migrated");
    finish(file, path);
}

/// A durable copy of the template, opened and closed once.
fn copy(template: &Path, path: &Path) {
    std::fs::copy(template, path).expect("a copy");
    let file = Connection::open(path).expect("a file");
    settle(&file);
    finish(file, path);
}

fn settle(file: &Connection) {
    file.pragma_update(None, "journal_mode", "wal").expect("a log");
    file.pragma_update(None, "synchronous", "full").expect("durable commits");
}

fn finish(file: Connection, path: &Path) {
    file.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).expect("a checkpoint");
    file.close().expect("closed");
    File::open(path).and_then(|file| file.sync_all()).expect("synced");
}
