//! Cutting the power at every moment of a recording, and looking at what is left.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use freehold_rig::{Event, Fashion, FileId, Image, Model, Random, Recording};

use crate::found::{Found, find};
use crate::journal::{Claim, judge};
use crate::node::Place;

/// How many nodes look at once.
const LOOKERS: usize = 2;

/// How much is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Every so many moments, one.
    pub(crate) stride: usize,
    /// Images by chance of each moment and fashion.
    pub(crate) seeds: u64,
}

impl Extent {
    /// Every moment, or as many as there is time for; all of them in a long run.
    pub(crate) fn every(stride: usize) -> Self {
        if is_long() { Self { stride: 1, seeds: 10 } } else { Self { stride, seeds: 1 } }
    }
}

pub(crate) fn is_long() -> bool {
    #[expect(clippy::disallowed_methods, reason = "how long tests run is told by the environment")]
    std::env::var("FREEHOLD_LONG").is_ok_and(|value| value == "1")
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Moments at which the power was cut.
    pub(crate) moments: usize,
    /// Cuts: a moment, a fashion and a seed.
    pub(crate) cuts: usize,
    /// Data directories that were different, each started over and examined.
    pub(crate) images: usize,
    /// Acknowledged claims that were looked for.
    pub(crate) verified: usize,
    /// Cuts after which something was wrong.
    pub(crate) failed: usize,
    /// The first few of them.
    pub(crate) wrong: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} moments, {} cuts, {} images, {} acknowledged writes looked for, {} cuts that lost",
            self.moments, self.cuts, self.images, self.verified, self.failed
        )
    }
}

/// One cut.
struct Cut {
    what: String,
    digest: u64,
    /// The first of those that leave the same carries it.
    image: Option<Image>,
    acknowledged: usize,
}

/// Cuts the power at the moments of a recording that are chosen, and judges what is found.
pub(crate) fn cut(
    name: &str,
    recording: &Recording,
    base: &Found,
    claims: &[Claim],
    extent: Extent,
    chosen: impl Fn(&Model, Option<FileId>) -> bool,
) -> Verdict {
    let mut verdict = Verdict::default();
    let mut model = recording.base.clone();
    let mut known: HashMap<u64, Found> = HashMap::new();
    let mut waiting: Vec<Cut> = Vec::new();
    let mut random = Random::of(0);
    let mut passed = 0;
    for event in &recording.events {
        if let Event::Acknowledged(_) = event {
            model.apply(event);
        }
        let syncing = if let Event::Syncing(file) = event { *file } else { None };
        if event.is_point() && chosen(&model, syncing) {
            if passed % extent.stride == 0 {
                verdict.moments += 1;
                waiting.extend(cuts_here(&model, syncing, extent.seeds, passed, &mut random));
            }
            passed += 1;
        }
        if !matches!(event, Event::Acknowledged(_)) {
            model.apply(event);
        }
        // Images are large: they are looked at as they come.
        if waiting.iter().filter(|cut| !known.contains_key(&cut.digest)).count() >= 48 {
            settle(&mut waiting, &mut known, base, claims, &model.acknowledged, &mut verdict);
        }
    }
    settle(&mut waiting, &mut known, base, claims, &model.acknowledged, &mut verdict);
    verdict.images = known.len();
    crate::say(&format!("{name}: {verdict}"));
    verdict
}

fn cuts_here(
    model: &Model,
    syncing: Option<FileId>,
    seeds: u64,
    moment: usize,
    random: &mut Random,
) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for fashion in Fashion::ALL {
        let seeds = if fashion == Fashion::Dropped { 1 } else { seeds };
        for seed in 0..seeds {
            let image = model.image(fashion, syncing, random);
            cuts.push(Cut {
                what: format!("moment {moment}, {fashion:?} {seed}"),
                digest: image.digest(),
                image: Some(image),
                acknowledged: model.acknowledged.len(),
            });
        }
    }
    cuts
}

/// Looks at the images that are new, and judges every cut that waits.
fn settle(
    waiting: &mut Vec<Cut>,
    known: &mut HashMap<u64, Found>,
    base: &Found,
    claims: &[Claim],
    acknowledged: &[usize],
    verdict: &mut Verdict,
) {
    let mut fresh: HashMap<u64, Image> = HashMap::new();
    for cut in waiting.iter_mut() {
        if let Some(image) = cut.image.take()
            && !known.contains_key(&cut.digest)
        {
            fresh.entry(cut.digest).or_insert(image);
        }
    }
    let fresh: Vec<(u64, Image)> = fresh.into_iter().collect();
    known.extend(look_at(&fresh));
    for cut in waiting.drain(..) {
        let acknowledged = &acknowledged[..cut.acknowledged];
        let wrong = judge(base, claims, acknowledged, &known[&cut.digest]);
        verdict.cuts += 1;
        verdict.verified += acknowledged.len();
        if !wrong.is_empty() {
            verdict.failed += 1;
            if verdict.wrong.len() < 5 {
                verdict.wrong.push(format!("{}: {wrong:#?}", cut.what));
            }
        }
    }
}

fn look_at(images: &[(u64, Image)]) -> Vec<(u64, Found)> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..LOOKERS {
            scope.spawn(|| {
                while let Some((digest, image)) = images.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let place = Place::new();
                    std::fs::create_dir(place.data()).unwrap();
                    image.put(&place.data()).unwrap();
                    let seen = find(&place.data());
                    found.lock().unwrap().push((*digest, seen));
                }
            });
        }
    });
    found.into_inner().unwrap()
}
