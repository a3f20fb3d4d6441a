//! Power cuts: at every moment at which anything is synced or acknowledged, in every fashion.

use std::cell::Cell;
use std::sync::Arc;

use freehold_rig::{FileId, Model, Recording, Synchronous, World};
use serde_json::Value;

use crate::cuts::{Extent, Verdict, cut};
use crate::found::{self, Found, find};
use crate::journal::{Claim, Honesty, Journal};
use crate::node::{Node, Place};
use crate::work::{self, Worker, at_once};

const SLUGS: [&str; 4] = ["acme", "globex", "initech", "umbrella"];

/// A data directory before anything is recorded.
fn prepared(people: usize) -> Place {
    let place = Place::new();
    let node = Node::start(place.data(), |_| ()).unwrap();
    node.import(&work::organisation(&SLUGS, people)).unwrap();
    node.stop();
    place
}

/// A workload that was recorded, with what was there before it.
struct Run {
    recording: Recording,
    base: Found,
    claims: Vec<Claim>,
}

impl Run {
    fn of(
        place: &Place,
        honesty: Honesty,
        weaken: impl FnOnce(&World),
        work: impl FnOnce(&Arc<World>, &Journal),
    ) -> Self {
        let base = find(&place.copied().data());
        let world = World::over(&place.data()).unwrap();
        weaken(&world);
        world.record().unwrap();
        let journal = Journal::new(&world, honesty);
        work(&world, &journal);
        Self { recording: world.recorded(), base, claims: journal.claims() }
    }

    fn cut(&self, name: &str, extent: Extent) -> Verdict {
        self.cut_where(name, extent, |_, _| true)
    }

    fn cut_where(
        &self,
        name: &str,
        extent: Extent,
        chosen: impl Fn(&Model, Option<FileId>) -> bool,
    ) -> Verdict {
        cut(name, &self.recording, &self.base, &self.claims, extent, chosen)
    }
}

#[track_caller]
fn loses_nothing(verdict: &Verdict, moments: usize) {
    assert_eq!(verdict.failed, 0, "{}", verdict.wrong.join("\n"));
    assert!(verdict.moments >= moments, "{verdict}");
}

fn writes(place: &Place, honesty: Honesty, weaken: impl FnOnce(&World)) -> Run {
    Run::of(place, honesty, weaken, |world, journal| {
        let node = Node::watched(world, place);
        at_once(8, |thread| {
            let slug = SLUGS[thread % SLUGS.len()];
            let worker = Worker::new(&node, slug);
            for turn in 0..7 {
                let text = format!("{thread} {turn}");
                worker.claims_resource(journal, &text, 100 * turn);
                match turn % 3 {
                    0 => worker.claims_team(journal, &text),
                    1 => worker.claims_member(journal, &work::person(thread * 8 + turn)),
                    _ => {}
                }
            }
        });
        node.stop();
    })
}

#[test]
fn writes_of_many_at_once_survive() {
    let place = prepared(64);
    let run = writes(&place, Honesty::After, |_| ());
    loses_nothing(&run.cut("write", Extent::every(1)), 150);
}

#[test]
fn tenants_are_made_whole_or_not_at_all() {
    let place = prepared(0);
    let run = creates(&place, |_| ());
    loses_nothing(&run.cut("create tenant", Extent::every(1)), 150);
}

fn creates(place: &Place, weaken: impl FnOnce(&World)) -> Run {
    Run::of(place, Honesty::After, weaken, |world, journal| {
        let node = Node::watched(world, place);
        for number in 0..9 {
            let slug = format!("tenant-{number}");
            journal.ask(work::created(&slug), || work::create(&node, &slug));
        }
        node.stop();
    })
}

#[test]
fn a_suspension_that_was_acknowledged_stands() {
    let place = prepared(0);
    let run = Run::of(
        &place,
        Honesty::After,
        |_| (),
        |world, journal| {
            let node = Node::watched(world, &place);
            for turn in 0..48 {
                let slug = SLUGS[turn / 2 % 4];
                if turn % 2 == 0 {
                    journal.ask(Claim::status(slug, "suspended"), || work::suspend(&node, slug));
                } else {
                    journal.ask(Claim::status(slug, "active"), || work::resume(&node, slug));
                }
            }
            node.stop();
        },
    );
    loses_nothing(&run.cut("suspend", Extent::every(1)), 90);
}

#[test]
fn files_that_are_closed_and_opened_again_are_whole() {
    let place = prepared(0);
    let run = Run::of(
        &place,
        Honesty::After,
        |_| (),
        |world, journal| {
            // One file is open at a time, or a few: each write closes another, and writes its log back.
            let node = Node::start(place.data(), |settings| {
                settings.faults = world.clone();
                settings.max_open_tenants = 1;
            });
            let node = node.unwrap();
            let workers = SLUGS.map(|slug| Worker::new(&node, slug));
            for turn in 0..40 {
                workers[turn % 4].claims_resource(journal, &format!("turn {turn}"), 50);
            }
            drop(workers);
            node.stop();
        },
    );
    loses_nothing(&run.cut("checkpoint by closing", Extent::every(4)), 60);
}

#[test]
fn a_log_that_is_written_back_by_itself_loses_nothing() {
    let place = prepared(0);
    let run = Run::of(
        &place,
        Honesty::After,
        |_| (),
        |world, journal| {
            let node = Node::watched(world, &place);
            at_once(8, |thread| {
                let worker = Worker::new(&node, "acme");
                // 8,000 pages, and some more.
                for turn in 0..300 {
                    worker.claims_resource(journal, &format!("{thread} {turn}"), 15_000);
                }
            });
            // Not stopped: closing writes the log back whatever came before.
            std::mem::forget(node);
        },
    );
    // Around the sync of a file into which a log was written back.
    let near = Cell::new(0_usize);
    let verdict = run.cut_where("checkpoint by itself", Extent::every(1), |model, file| {
        let is_written_back = file.is_some_and(|file| {
            model.is_named(file, |path| path.extension().is_some_and(|it| it == "db"))
                && model.waiting(file) > 100
        });
        near.set(if is_written_back { 6 } else { near.get().saturating_sub(1) });
        near.get() > 0
    });
    loses_nothing(&verdict, 3);
}

/// What takes a file back to the first version, for as long as there are two.
pub(crate) const TENANT_BACK: &str = "
    drop table webhook_deliveries;
    drop table webhooks;
    drop index audit_log_by_time;
    drop trigger audit_log_is_not_deleted;
    create trigger audit_log_is_not_deleted before delete on audit_log
    begin
        select raise(abort, 'the audit log is append-only');
    end;
    drop table audit_checkpoints;
    drop trigger a_new_member_is_counted;
    drop trigger a_member_who_comes_or_goes_is_counted;
    drop trigger a_new_team_is_counted;
    drop trigger a_lost_team_is_counted;
    drop trigger a_new_workspace_is_counted;
    drop trigger a_lost_workspace_is_counted;
    drop trigger a_new_resource_is_counted;
    drop trigger a_lost_resource_is_counted;
    drop trigger a_resource_of_another_length_is_counted;
    drop table reservations;
    drop table quota_snapshots;
    drop table usage_counters;
    drop table usage_records;
    drop table invitations;
    drop table catalog_items;
    drop table member_attributes;
    drop table tenant_attributes;
    drop table issuers;
    drop table api_keys;
    drop table service_accounts;
    drop index resource_types_by_application;
    alter table resource_types drop column application;
    drop table application_bindings;
    drop table role_assignments;
    drop table roles;
    drop table row_security_report;
    alter table organizations add column row_security text not null default 'enforce'
        check (row_security in ('off', 'shadow', 'enforce'));
    create trigger authority_moves_with_row_security after update of row_security on organizations
    when new.row_security <> old.row_security
    begin
        update organizations set authority_version = authority_version + 1;
    end;
    delete from refinery_schema_history where version > 1;
    pragma user_version = 1";
const REGISTRY_BACK: &str = "
    drop table sign_in_revocations;
    drop table tenants_with_webhooks;
    drop table webhook_deliveries;
    drop table webhooks;
    drop index audit_log_by_time;
    drop trigger audit_log_is_not_deleted;
    create trigger audit_log_is_not_deleted before delete on audit_log
    begin
        select raise(abort, 'the audit log is append-only');
    end;
    drop table audit_checkpoints;
    alter table tenants drop column audit_retention_days;
    drop table tenant_usage;
    drop table tenant_quotas;
    drop table plans;
    drop table personal_tenants;
    drop table invitations;
    drop table tenant_domains;
    alter table account_identities drop column email_verified;
    alter table account_identities drop column email;
    drop table value_revision;
    drop table catalog_items;
    drop table account_attributes;
    drop table attributes;
    drop table tenant_issuers;
    drop table sessions;
    drop table api_keys;
    drop table service_accounts;
    drop table signing_keys;
    drop table revoked_tokens;
    alter table accounts drop column tokens_not_before_id;
    alter table accounts drop column tokens_not_before;
    drop table application_requirements;
    drop table application_versions;
    drop table applications;
    drop table break_glass;
    drop table tenant_hosts;
    alter table tenants drop column row_security;
    update tenant_files set schema_version = 1;
    delete from refinery_schema_history where version > 1;
    pragma user_version = 1";

/// A data directory that the first version of the program has left.
fn outdated() -> Place {
    let place = prepared(0);
    for file in found::tenant_files(&place.data()) {
        found::open(&file).unwrap().execute_batch(TENANT_BACK).unwrap();
    }
    let registry = found::open(&place.data().join("registry.db")).unwrap();
    registry.execute_batch(REGISTRY_BACK).unwrap();
    for template in std::fs::read_dir(place.data().join("template")).unwrap() {
        std::fs::remove_file(template.unwrap().path()).unwrap();
    }
    place
}

#[test]
fn a_migration_is_whole_or_starts_again() {
    let place = outdated();
    let run = Run::of(
        &place,
        Honesty::After,
        |_| (),
        |world, journal| {
            let node = Node::watched(world, &place);
            // What was migrated is written to.
            for slug in SLUGS {
                Worker::new(&node, slug).claims_resource(journal, "after", 10);
            }
            node.stop();
        },
    );
    loses_nothing(&run.cut("migrate", Extent::every(1)), 60);
}

#[test]
fn a_tenant_is_imported_whole_or_waits_for_the_import_to_be_run_again() {
    let file: Value = serde_json::from_str(include_str!("../../../../config/demo.json")).unwrap();
    let reference = {
        let place = prepared(0);
        let node = Node::start(place.data(), |_| ()).unwrap();
        node.import(&imported(&file)).unwrap();
        node.stop();
        find(&place.copied().data())
    };
    let place = prepared(0);
    let run = Run::of(
        &place,
        Honesty::After,
        |_| (),
        |world, journal| {
            let node = Node::watched(world, &place);
            let tenants = imported(&file);
            for tenant in tenants["tenants"].as_array().unwrap() {
                let slug = tenant["slug"].as_str().unwrap();
                let rows = reference.rows(slug).iter().cloned().collect();
                let claim = Claim { slug: slug.to_owned(), status: Some("active"), rows };
                let mut alone = tenants.clone();
                alone["tenants"] = Value::Array(vec![tenant.clone()]);
                // A tenant that waits for its import is being made.
                journal.may_be(slug, "provisioning");
                journal.ask(claim, || node.import(&alone));
            }
            node.stop();
        },
    );
    loses_nothing(&run.cut("import", Extent::every(1)), 30);
}

/// The same file, with tenants that are not there yet.
fn imported(file: &Value) -> Value {
    let mut file = file.clone();
    for tenant in file["tenants"].as_array_mut().unwrap() {
        tenant["slug"] = Value::String(format!("new-{}", tenant["slug"].as_str().unwrap()));
    }
    file
}

#[test]
fn the_rig_catches_what_syncs_too_little_or_says_too_much() {
    let place = prepared(64);
    let run = writes(&place, Honesty::After, |world| world.weaken(Synchronous::Normal));
    loses(&run.cut("control: synchronous=normal", Extent { stride: 6, seeds: 1 }));
    let place = prepared(64);
    let run = writes(&place, Honesty::After, |world| world.weaken(Synchronous::Off));
    loses(&run.cut("control: synchronous=off", Extent { stride: 6, seeds: 1 }));
    let place = prepared(64);
    let run = writes(&place, Honesty::Before, |_| ());
    loses(&run.cut("control: acknowledged before", Extent { stride: 12, seeds: 1 }));
    let place = prepared(0);
    let run = creates(&place, World::forget_directories);
    loses(&run.cut("control: directories not synced", Extent { stride: 12, seeds: 1 }));
}

#[track_caller]
fn loses(verdict: &Verdict) {
    assert!(verdict.failed > 0, "{verdict}");
}
