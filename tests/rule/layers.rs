//! Which layer's value counts: every combination of layers and locks against a table that people wrote, and random ones
//! against a rule that is written otherwise.

use freehold::domain::{AppliesTo, Layer, Offer, PrincipalId, Word, resolve};
use proptest::prelude::*;
use uuid::Uuid;

use crate::draft::runner;

/// Which of four layers have a value, the weakest first; then which one's counts where nothing is locked, and where the
/// key is locked at the first to the fourth.
const TABLE: &str = "
    layers  unlocked  1  2  3  4
    ----       -      -  -  -  -
    1---       1      1  1  1  1
    -2--       2      -  2  2  2
    12--       2      1  2  2  2
    --3-       3      -  -  3  3
    1-3-       3      1  1  3  3
    -23-       3      -  2  3  3
    123-       3      1  2  3  3
    ---4       4      -  -  -  4
    1--4       4      1  1  1  4
    -2-4       4      -  2  2  4
    12-4       4      1  2  2  4
    --34       4      -  -  3  4
    1-34       4      1  1  3  4
    -234       4      -  2  3  4
    1234       4      1  2  3  4
";

/// The layers of each, the weakest first, as the documentation lists them.
const ORDERS: [(AppliesTo, [Layer; 4]); 2] = [
    (AppliesTo::Profile, [Layer::Platform, Layer::Account, Layer::Tenant, Layer::Member]),
    (AppliesTo::Catalog, [Layer::Platform, Layer::Tenant, Layer::Team, Layer::Account]),
];

/// Every order of some things.
fn permutations<T: Clone>(things: &[T]) -> Vec<Vec<T>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, first) in things.iter().enumerate() {
        let rest = [&things[..place], &things[place + 1..]].concat();
        for mut one in permutations(&rest) {
            one.insert(0, first.clone());
            all.push(one);
        }
    }
    all
}

fn place(sign: char) -> Option<usize> {
    sign.to_digit(10).map(|digit| digit as usize - 1)
}

#[test]
fn every_combination_of_layers_and_locks_is_resolved_as_the_table_says() {
    let mut combinations = 0;
    for row in TABLE.lines().skip(2).filter(|line| !line.trim().is_empty()) {
        let cells: Vec<_> = row.split_whitespace().collect();
        let present: Vec<usize> = cells[0].chars().filter_map(place).collect();
        for (kind, order) in ORDERS {
            for (column, expected) in cells[1..].iter().enumerate() {
                let lock = column.checked_sub(1).map(|place| order[place]);
                let expected = place(expected.chars().next().unwrap()).map(|place| order[place]);
                for places in permutations(&present) {
                    let offers = places.iter().map(|place| Offer::new(order[*place], None, *place));
                    let found = resolve(kind, lock, offers);
                    let named = format!("{kind} {} locked at {lock:?}", cells[0]);
                    assert_eq!(found.map(|offer| offer.layer), expected, "{named}");
                    if let Some(offer) = found {
                        assert_eq!(order[offer.value], offer.layer, "{named}: the layer's own");
                    }
                }
                combinations += 1;
            }
        }
    }
    assert_eq!(combinations, 16 * 5 * 2);
}

#[test]
fn a_lock_keeps_the_layers_above_it_out_and_no_others() {
    for (kind, order) in ORDERS {
        for (layer_place, layer) in order.iter().enumerate() {
            assert!(!kind.is_locked_out(*layer, None));
            for (lock_place, lock) in order.iter().enumerate() {
                let is_out = kind.is_locked_out(*layer, Some(*lock));
                assert_eq!(is_out, layer_place > lock_place, "{kind}: {layer} locked at {lock}");
            }
        }
    }
}

fn principal(number: u128) -> PrincipalId {
    PrincipalId(Uuid::from_u128(number))
}

/// Every set of six teams, two at each of three depths, in every order; with and without the tenant's value below and
/// the account's above.
#[test]
fn of_several_teams_the_deepest_wins_and_then_the_lower_id() {
    let teams: Vec<(usize, u128)> = vec![(0, 5), (0, 6), (1, 3), (1, 4), (2, 1), (2, 2)];
    let mut sets = 0;
    for set in 0_u32..64 {
        let chosen: Vec<_> = (0..6).filter(|n| set & (1 << n) != 0).map(|n| teams[n]).collect();
        // Deepest first, and there the lower id first.
        let expected = [(2, 1), (2, 2), (1, 3), (1, 4), (0, 5), (0, 6)]
            .into_iter()
            .find(|team| chosen.contains(team));
        for order in permutations(&chosen) {
            let offers: Vec<_> = order
                .iter()
                .map(|(depth, id)| Offer {
                    layer: Layer::Team,
                    owner: Some(principal(*id)),
                    depth: *depth,
                    value: (*depth, *id),
                })
                .collect();
            let below = Offer::new(Layer::Tenant, Some(principal(99)), (9, 99));
            let above = Offer::new(Layer::Account, Some(principal(98)), (9, 98));
            let of = |offers: Vec<Offer<_>>| {
                resolve(AppliesTo::Catalog, None, offers).map(|offer| offer.value)
            };
            assert_eq!(of(offers.clone()), expected);
            let tenant = expected.or(Some((9, 99)));
            assert_eq!(of([offers.clone(), vec![below]].concat()), tenant);
            assert_eq!(of([vec![above, below], offers].concat()), Some((9, 98)));
        }
        sets += 1;
    }
    assert_eq!(sets, 64);
}

/// The rule, written otherwise: layer by layer from the strongest that is not locked out.
fn oracle(kind: AppliesTo, lock: Option<Layer>, offers: &[Offer<usize>]) -> Option<usize> {
    let (_, order) = ORDERS.into_iter().find(|(one, _)| *one == kind).unwrap();
    let mut strongest_first: Vec<Layer> = order.to_vec();
    strongest_first.reverse();
    if let Some(lock) = lock.filter(|lock| order.contains(lock)) {
        while strongest_first[0] != lock {
            strongest_first.remove(0);
        }
    }
    for layer in strongest_first {
        let mut here: Vec<_> = offers.iter().filter(|offer| offer.layer == layer).collect();
        here.sort_by_key(|offer| (usize::MAX - offer.depth, offer.owner));
        if let Some(first) = here.first() {
            return Some(first.value);
        }
    }
    None
}

#[test]
fn random_offers_are_resolved_as_the_rule_says_that_is_written_otherwise() {
    let kinds = prop_oneof![Just(AppliesTo::Profile), Just(AppliesTo::Catalog)];
    let layer = || (0..Layer::ALL.len()).prop_map(|place| Layer::ALL[place]);
    let offer = (layer(), 0..6_u128, 0..4_usize);
    let offers = proptest::collection::vec(offer, 0..12);
    let lock = proptest::option::of(layer());
    let outcome = runner(5_000, 100_000).run(&(kinds, lock, offers), |(kind, lock, offers)| {
        let mut seen = std::collections::BTreeSet::new();
        let offers: Vec<_> = offers
            .into_iter()
            // An owner has one value in a layer, and one place among the others.
            .filter(|(layer, owner, _)| seen.insert((*layer, *owner)))
            .enumerate()
            .map(|(value, (layer, owner, depth))| Offer {
                layer,
                owner: Some(principal(owner)),
                depth,
                value,
            })
            .collect();
        let expected = oracle(kind, lock, &offers);
        let found = resolve(kind, lock, offers).map(|offer| offer.value);
        prop_assert_eq!(found, expected);
        Ok(())
    });
    outcome.unwrap();
}
