//! Dice that fall the same way for the same seed. `FREEHOLD_SEED`, in hexadecimal, brings back a
//! run that failed; with `FREEHOLD_LONG=1` what is thrown often is thrown much more often.

use std::hash::{BuildHasher, RandomState};

pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (`SplitMix64`).
    pub(crate) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.throw() % end as u64).unwrap()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.throw().to_le_bytes()[0]
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    /// Some of many, each once.
    pub(crate) fn some_of(&mut self, count: usize, of: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..of).collect();
        (0..count).map(|_| all.swap_remove(self.below(all.len()))).collect()
    }
}

/// The seed of this run, said for whoever wants to see it again.
pub(crate) fn seed(what: &str) -> u64 {
    let given = std::env::var_os("FREEHOLD_SEED").map(|seed| seed.into_string().unwrap());
    let seed = given.map_or_else(
        || RandomState::new().hash_one(what),
        |seed| u64::from_str_radix(&seed, 16).unwrap(),
    );
    say(&format!("{what}: FREEHOLD_SEED={seed:x}"));
    seed
}

/// How often, in a run that has little time and in one that has much.
pub(crate) fn times(short: usize, long: usize) -> usize {
    if std::env::var_os("FREEHOLD_LONG").is_some_and(|it| it == "1") { long } else { short }
}

/// A line for people, also where a test that goes well is not heard otherwise.
pub(crate) fn say(line: &str) {
    use std::io::Write as _;
    let mut error = std::io::stderr();
    error.write_all(format!("{line}\n").as_bytes()).unwrap();
}
