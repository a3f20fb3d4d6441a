//! Five hundred damaged, swapped, cut-off, older, foreign and linked files: nobody ever sees a row
//! of another tenant, a file that is another one is refused by its own code, everybody else is
//! served, and the right bytes are served again. With `FREEHOLD_LONG=1` there are five thousand.
//!
//! SQLite keeps no checksums: a flipped bit of a text that no index has is nothing that a database
//! can see. How many of the scribbles are refused, found by the doctor, in bytes that hold nothing,
//! and unseen, the test says; the audit log and the identity are never among the unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use freehold::domain::{Call, Error, ResourceSort, TenantId};
use freehold::storage::Mend;
use serde_json::{Value, json};

use crate::damage::{self, Damage, Kept, REFUSED, SCRIBBLED};
use crate::dice::{Dice, say, seed, times};
use crate::dump;
use crate::files;
use crate::node::{Node, Place, listed};
use crate::program::{Client, Program, verb};
use crate::world;

const TENANTS: usize = 20;
/// Files that are damaged at once, each in its own way.
const AT_ONCE: usize = 8;
/// Every so many rounds the real program is asked, over TCP.
const REAL: usize = 8;

/// How a tenant answers: its rows, or how it refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Rows(BTreeSet<String>),
    Refused(u16, String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{} rows", rows.len()),
            Self::Refused(status, code) => write!(f, "{status} {code}"),
        }
    }
}

struct World {
    place: Place,
    kept: Vec<Kept>,
    registry: Vec<u8>,
    rows: Vec<BTreeSet<String>>,
    tokens: Vec<String>,
    ids: Vec<TenantId>,
}

fn slug(number: usize) -> String {
    format!("tenant-{number:02}")
}

/// Tenants with rows that nobody can mistake for another's, whatever is flipped in them.
fn tenants(dice: &mut Dice) -> Value {
    let slugs: Vec<String> = (0..TENANTS).map(slug).collect();
    let mut file = world::tenants(slugs.iter().map(String::as_str));
    for tenant in file["tenants"].as_array_mut().unwrap() {
        let sign = format!("{:016x}{:016x}", dice.throw(), dice.throw());
        let resources = (0..60).map(|row| {
            json!({"type": "prompt", "workspace": "everyone", "visibility": "tenant",
                "name": format!("{row} {sign}"), "attributes": {"sign": sign}})
        });
        tenant["resources"] = resources.collect();
    }
    file
}

impl World {
    fn new(dice: &mut Dice) -> Self {
        let node = Node::new();
        node.import(&tenants(dice));
        let ids: Vec<TenantId> = (0..TENANTS).map(|number| node.tenant(&slug(number))).collect();
        let place = node.stop();
        let path = |id: &TenantId| files::tenant_file(&place.data(), &id.to_string());
        let older: Vec<_> = ids.iter().map(|id| std::fs::read(path(id)).unwrap()).collect();
        let tokens = change_everything(&place);
        let kept: Vec<Kept> = older
            .into_iter()
            .enumerate()
            .map(|(number, older)| {
                let path = path(&ids[number]);
                Kept { slug: slug(number), right: damage::bytes_of(&path), path, older }
            })
            .collect();
        let node = Node::at(&place, |_| ());
        let rows = (0..TENANTS).map(|number| match in_process(&node, number) {
            Answer::Rows(rows) => rows,
            refused @ Answer::Refused(..) => panic!("{refused}"),
        });
        let rows = rows.collect();
        node.stop();
        let registry = damage::bytes_of(&place.data().join("registry.db"));
        Self { place, kept, registry, rows, tokens, ids }
    }

    /// Puts the registry back: it may have been told of a refusal that a scribbled file wrote down.
    fn restore_registry(&self) {
        std::fs::write(self.place.data().join("registry.db"), &self.registry).unwrap();
    }

    /// No row of anybody else, whatever became of its own.
    fn is_nobody_elses(&self, number: usize, answer: &Answer) {
        let Answer::Rows(rows) = answer else { return };
        for other in (0..TENANTS).filter(|other| *other != number) {
            let foreign: Vec<_> = rows.intersection(&self.rows[other]).collect();
            assert!(
                foreign.is_empty(),
                "{} shows rows of {}: {foreign:?}",
                slug(number),
                slug(other)
            );
        }
    }
}

/// Adds an audit row to every tenant's file, by the real program; hands out a token for each.
fn change_everything(place: &Place) -> Vec<String> {
    let program = Program::serve(place);
    let tokens: Vec<String> =
        (0..TENANTS).map(|number| program.token(&slug(number), "olga")).collect();
    for (number, token) in tokens.iter().enumerate() {
        let path = format!("/v1/tenants/{}/teams", slug(number));
        assert_eq!(program.client(token).post(&path, &json!({"name": "late"})).0, 201);
    }
    program.stop();
    tokens
}

fn in_process(node: &Node, number: usize) -> Answer {
    let slug = slug(number);
    let asked = || {
        let entry = node.registry.resolve(&crate::node::by_slug(&slug))?.unwrap();
        let store = node.registry.open_blocking(&entry)?;
        let call: Call = node.call(&slug, "olga");
        listed(&store, &call, ResourceSort::Created, 200)
    };
    match asked() {
        Ok(rows) => {
            let row = |it: freehold::domain::Resource| {
                format!("{} {}", it.name, serde_json::to_string(&it.attributes).unwrap())
            };
            Answer::Rows(rows.into_iter().map(row).collect())
        }
        Err(error @ Error::Internal(_)) => panic!("{slug}: {error}"),
        Err(error @ (Error::NotFound | Error::Forbidden)) => {
            Answer::Refused(404, error.code().into())
        }
        Err(error) => Answer::Refused(503, error.code().to_owned()),
    }
}

fn over_tcp(client: &Client, number: usize) -> Answer {
    let path = format!("/v1/tenants/{}/resources?limit=200", slug(number));
    let (status, page) = match client.get(&path) {
        // The server may close a connection that was idle for long at the very moment it is used.
        (0, _) => client.get(&path),
        answer => answer,
    };
    if status != 200 {
        return Answer::Refused(status, page["code"].as_str().unwrap_or_default().to_owned());
    }
    let row = |it: &Value| format!("{} {}", it["name"].as_str().unwrap(), it["attributes"]);
    Answer::Rows(page["items"].as_array().unwrap().iter().map(row).collect())
}

/// A node, in this process or the real one.
enum Asked {
    Here(Box<Node>),
    There(Program, Vec<Client>),
}

impl Asked {
    fn start(world: &World, is_real: bool) -> Self {
        if is_real {
            let program = Program::serve(&world.place);
            let clients = world.tokens.iter().map(|token| program.client(token)).collect();
            Self::There(program, clients)
        } else {
            Self::Here(Box::new(Node::at(&world.place, |_| ())))
        }
    }

    fn ask(&self, number: usize) -> Answer {
        match self {
            Self::Here(node) => in_process(node, number),
            Self::There(_, clients) => over_tcp(&clients[number], number),
        }
    }

    /// What the doctor says of a tenant: whether all is well, and all of its words.
    fn doctor(&self, world: &World, number: usize) -> (bool, String) {
        match self {
            Self::Here(node) => {
                let report = node.registry.examine(Some(world.ids[number]), Mend::Nothing).unwrap();
                (report.healthy, format!("{report:?}"))
            }
            Self::There(..) => {
                let said = verb(&world.place, &["doctor", "--tenant", &slug(number)]);
                assert!(said.status == 0 || said.status == 1, "{said:?}");
                (said.status == 0, said.out)
            }
        }
    }

    fn stop(self) {
        match self {
            Self::Here(node) => drop(node.stop()),
            Self::There(program, _) => program.stop(),
        }
    }
}

/// What became of the scribbles.
#[derive(Debug, Default)]
struct Counts(BTreeMap<Damage, BTreeMap<&'static str, usize>>);

impl Counts {
    fn add(&mut self, damage: Damage, fate: &'static str) {
        *self.0.entry(damage).or_default().entry(fate).or_default() += 1;
    }

    fn all(&self, fate: &str) -> usize {
        self.0.values().filter_map(|fates| fates.get(fate)).sum()
    }
}

/// The victims of a round, each with what is done to it.
fn victims(round: usize, dice: &mut Dice) -> Vec<(usize, Damage)> {
    let damages: Vec<Damage> = (0..AT_ONCE)
        .map(|turn| {
            // Each of those that are always refused in its turn; the others by dice.
            if turn % 2 == 0 {
                REFUSED[(round * AT_ONCE / 2 + turn / 2) % REFUSED.len()].0
            } else {
                SCRIBBLED[dice.below(SCRIBBLED.len())]
            }
        })
        .collect();
    dice.some_of(AT_ONCE, TENANTS).into_iter().zip(damages).collect()
}

fn round(world: &World, round: usize, dice: &mut Dice, counts: &mut Counts) -> usize {
    let victims = victims(round, dice);
    let is_victim = |number: usize| victims.iter().any(|(victim, _)| *victim == number);
    let sound: Vec<usize> = (0..TENANTS).filter(|number| !is_victim(*number)).collect();
    for (victim, damage) in &victims {
        let other = &world.kept[sound[dice.below(sound.len())]];
        damage::inflict(*damage, &world.kept[*victim], other, world.place.root(), dice);
    }
    let asked = Asked::start(world, round.is_multiple_of(REAL));
    let mut open = Vec::new();
    for (victim, damage) in &victims {
        let answer = asked.ask(*victim);
        world.is_nobody_elses(*victim, &answer);
        match damage::code(*damage) {
            Some(code) => {
                assert_eq!(answer, Answer::Refused(503, code.to_owned()), "{damage:?}");
                let (is_well, said) = asked.doctor(world, *victim);
                assert!(!is_well && said.contains(code), "{damage:?}: {said}");
            }
            None => open.push((*victim, *damage, answer)),
        }
    }
    for number in sound {
        assert_eq!(
            asked.ask(number),
            Answer::Rows(world.rows[number].clone()),
            "beside {victims:?}"
        );
    }
    let open: Vec<_> = open
        .into_iter()
        .map(|(victim, damage, answer)| (victim, damage, fate(world, &asked, victim, &answer)))
        .collect();
    is_served_again(world, &asked, &victims);
    asked.stop();
    world.restore_registry();
    for (victim, damage, fate) in open {
        counts.add(damage, fate.unwrap_or_else(|| unseen(&world.kept[victim])));
        world.kept[victim].restore();
    }
    victims.len()
}

/// What became of a scribble, as far as a running node can tell.
fn fate(world: &World, asked: &Asked, victim: usize, answer: &Answer) -> Option<&'static str> {
    match answer {
        // Its identity, a page or a value in it cannot be what it must be.
        Answer::Refused(503, code) if code == "storage_failed" || code.starts_with("file_") => {
            Some("refused")
        }
        // What is unseen may be who the caller is.
        Answer::Rows(_) | Answer::Refused(403 | 404, _) => {
            let (is_well, _) = asked.doctor(world, victim);
            (!is_well).then_some("found by the doctor")
        }
        Answer::Refused(status, code) => panic!("{status} {code}"),
    }
}

/// A scribble that nobody has noticed: it changed nothing that anybody keeps, or what no checksum
/// covers.
fn unseen(kept: &Kept) -> &'static str {
    let right = kept.path.with_extension("right");
    std::fs::write(&right, &kept.right).unwrap();
    let (found, meant) = (dump::open(&kept.path), dump::open(&right));
    let schema =
        |file: &rusqlite::Connection| dump::try_rows(file, "select sql from sqlite_schema").ok();
    let all = |file: &rusqlite::Connection| dump::contents(file, |_| true).ok();
    let proven = ["audit_log", "identity"];
    let chained = |file: &rusqlite::Connection| {
        let chosen = |table: &str| proven.contains(&table);
        dump::contents(file, chosen).ok()
    };
    let is_same = all(&found) == all(&meant) && schema(&found) == schema(&meant);
    // A refusal, which a caller whose own row was hit may meet, is one more row.
    let (found_rows, meant_rows) = (chained(&found), chained(&meant));
    let is_kept = is_same || goes_on(found_rows.as_deref(), meant_rows.as_deref());
    assert!(is_kept, "{}: an unseen change: {found_rows:?} {meant_rows:?}", kept.slug);
    drop((found, meant));
    std::fs::remove_file(right).unwrap();
    if is_same { "in bytes that hold nothing" } else { "unseen" }
}

/// Whether every line that was meant is there.
fn goes_on(found: Option<&str>, meant: Option<&str>) -> bool {
    let (Some(found), Some(meant)) = (found, meant) else { return false };
    let found: BTreeSet<&str> = found.lines().collect();
    meant.lines().all(|line| found.contains(line))
}

/// The right bytes are served as soon as they are there, without a restart.
fn is_served_again(world: &World, asked: &Asked, victims: &[(usize, Damage)]) {
    let refused = victims.iter().filter(|(_, damage)| damage::code(*damage).is_some());
    for (victim, damage) in refused {
        world.kept[*victim].restore();
        let answer = asked.ask(*victim);
        assert_eq!(answer, Answer::Rows(world.rows[*victim].clone()), "restored after {damage:?}");
    }
}

#[test]
fn a_damaged_or_wrong_file_is_never_served_as_another_and_the_right_one_is_served_again() {
    let mut dice = Dice::new(seed("damaged files"));
    let world = World::new(&mut dice);
    let (mut cases, mut rounds, mut counts) = (0, 0, Counts::default());
    while cases < times(504, 5000) {
        cases += round(&world, rounds, &mut dice, &mut counts);
        rounds += 1;
    }
    let fates = ["refused", "found by the doctor", "in bytes that hold nothing", "unseen"];
    let fates = fates.map(|fate| format!("{} {fate}", counts.all(fate)));
    let real = rounds.div_ceil(REAL) * AT_ONCE;
    say(&format!(
        "{cases} damaged files, {real} of them by the real program; every other file and"
    ));
    say(&format!("every change of identity refused; of the scribbles {}", fates.join(", ")));
    say(&format!("{:?}", counts.0));
    assert!(counts.all("refused") > 0 && counts.all("found by the doctor") > 0, "{counts:?}");
    assert!(real >= 50, "the real program is asked about fifty files at least");
    let node = Node::at(&world.place, |_| ());
    let report = node.registry.examine(None, Mend::Nothing).unwrap();
    assert!(report.healthy, "{report:#?}");
    node.stop();
}
