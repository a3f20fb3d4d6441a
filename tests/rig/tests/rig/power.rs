//! Power cuts: at every moment at which anything is synced or acknowledged, in every fashion.

use std::sync::Arc;

use freehold_rig::{FileId, Model, Recording, World};

use crate::cuts::{Extent, Verdict, cut};
use crate::found::{Found, find};
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
            for turn in 0..8 {
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
    loses_nothing(&run.cut("write", Extent::every(1)), 100);
}
