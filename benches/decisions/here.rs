//! Decisions in this process, in turns with casbin's.

use std::time::{Duration, Instant};

use freehold::domain::EvaluationRequest;

use super::node::{Asker, Node};
use super::organisation::{ACTIONS, Organisation, slug};
use super::rival::Rival;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(1);
/// Questions of a batch.
pub(crate) const BATCH: usize = 100;

/// A question, for either.
struct Question {
    action: &'static str,
    resource: String,
    ours: EvaluationRequest,
}

/// Compares and measures, with so many tenants.
pub(crate) fn run(organisation: &Organisation, tenants: usize) {
    let (node, rival) = (Node::with(organisation, tenants), Rival::of(organisation, tenants));
    println!(
        "\nDecisions in this process, {tenants} tenant(s); the ratio is to casbin, one by one\n"
    );
    let number = tenants - 1;
    let resources = node.asker(number, &organisation.owners[0]).resources();
    for (name, person) in organisation.people() {
        let asker = node.asker(number, &person);
        let questions = questions(&asker, &resources);
        agree(&asker, &rival, &person, number, &questions);
        let (mut one, mut batch, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            one.push(rate(&questions, |question| {
                asker.ask(std::slice::from_ref(&question.ours));
                1
            }));
            let all: Vec<_> = questions.iter().map(|it| it.ours.clone()).collect();
            let all: Vec<_> = all.iter().cycle().take(BATCH).cloned().collect();
            batch.push(rate(&questions[..1], |_| asker.ask(&all).len()));
            let tenant = slug(number);
            theirs.push(rate(&questions, |question| {
                rival.allows(&person, &tenant, &question.resource, question.action);
                1
            }));
        }
        show(name, median(one), median(batch), median(theirs));
    }
    node.stop();
}

fn questions(asker: &Asker, resources: &[(String, String)]) -> Vec<Question> {
    let pairs = resources.iter().flat_map(|it| ACTIONS.iter().map(move |action| (it, action.0)));
    pairs
        .map(|((name, id), action)| Question {
            action,
            resource: name.clone(),
            ours: asker.question(action, id),
        })
        .collect()
}

/// Both answer every question alike.
fn agree(asker: &Asker, rival: &Rival, person: &str, number: usize, questions: &[Question]) {
    let ours: Vec<_> = questions.iter().map(|it| it.ours.clone()).collect();
    let tenant = slug(number);
    for (question, ours) in questions.iter().zip(asker.ask(&ours)) {
        let theirs = rival.allows(person, &tenant, &question.resource, question.action);
        assert_eq!(ours, theirs, "{person} {} {}", question.action, question.resource);
    }
}

/// Decisions a second.
fn rate(questions: &[Question], ask: impl Fn(&Question) -> usize) -> f64 {
    let (begun, mut count) = (Instant::now(), 0);
    for question in questions.iter().cycle() {
        count += ask(question);
        if begun.elapsed() > ROUND {
            break;
        }
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn show(name: &str, one: f64, batch: f64, theirs: f64) {
    println!(
        "{name:<32} one by one {one:>9.0}/s x{:<7.1} {BATCH} in a batch {batch:>9.0}/s x{:<7.1} casbin {theirs:>9.0}/s",
        one / theirs,
        batch / theirs
    );
}
