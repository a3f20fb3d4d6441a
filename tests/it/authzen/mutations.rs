//! Whatever is made of a question, it is answered or refused, and nothing breaks.

use serde_json::{Value, json};

use super::{app, bind, entity, policy, record};
use crate::org::Org;

/// Bodies of each path.
const MUTATIONS: usize = 100;

/// Numbers that look thrown.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count
    }

    fn odd(&mut self) -> Value {
        let values = [
            Value::Null,
            json!(true),
            json!(0),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
            json!(""),
            json!("user"),
            json!("\u{0}"),
            json!("\u{202e}'; drop table resources; --"),
            json!("x".repeat(300)),
            json!([]),
            json!({}),
            json!([[[]]]),
            json!({"type": "record", "id": []}),
            json!({"name": {"name": "read"}}),
            json!({"type": "tenant", "id": "🦀"}),
            json!([{}, 1, null]),
            json!("resource.read"),
            json!("account"),
        ];
        values[self.below(values.len())].clone()
    }

    /// Somewhere in a body something is put, taken away, or put beside.
    fn mutate(&mut self, value: &mut Value) {
        let depth = self.below(4);
        let mut place = value;
        for _ in 0..depth {
            let count = match &*place {
                Value::Object(members) => members.len(),
                Value::Array(items) => items.len(),
                _ => 0,
            };
            if count == 0 {
                break;
            }
            let next = self.below(count);
            place = match place {
                Value::Object(members) => members.iter_mut().nth(next).unwrap().1,
                Value::Array(items) => &mut items[next],
                _ => return,
            };
        }
        let odd = self.odd();
        match place {
            Value::Object(members) if self.below(3) > 0 => {
                let name = members.keys().nth(self.below(members.len().max(1))).cloned();
                let name = name.unwrap_or_else(|| "type".to_owned());
                if self.below(2) == 0 {
                    members.remove(&name);
                } else {
                    members.insert(name, odd);
                }
            }
            place => *place = odd,
        }
    }
}

#[test]
fn five_hundred_odd_bodies_are_answered_or_refused() {
    let org = Org::new(app(), "mutated");
    let text = policy("all", "permit", "m_do", "resource has a && context.properties has b");
    bind(
        &org,
        &json!({
            "name": "mutated", "title": "Mutated", "subject_types": [{"name": "user", "issuer": "import"}],
            "resource_types": [{"name": "m_kind", "attributes": [{"name": "a", "type": "string", "source": "request"}]}],
            "actions": [{"name": "m_do", "resource_types": ["m_kind"], "properties": [{"name": "b", "type": "string_set"}]}],
            "policies": [{"name": "main", "text": text}],
        }),
    );
    let id = record(&org, "m_kind", "one", &json!({}));
    let good = json!({
        "subject": {"type": "user", "id": "mutated-member", "properties": {"a": 1}},
        "action": {"name": "m_do", "properties": {"b": ["x"]}},
        "resource": {"type": "m_kind", "id": id, "properties": {"a": "text"}},
        "context": {"time": "now"}, "page": {"limit": 2, "token": ""},
        "options": {"evaluations_semantic": "execute_all"},
    });
    let mut several = good.clone();
    several["evaluations"] = json!([{}, {"subject": entity("account", &org.account("owner"))}, {"resource": entity("tenant", &org.id)}]);
    let paths = [
        ("evaluation", &good),
        ("evaluations", &several),
        ("search/subject", &good),
        ("search/resource", &good),
        ("search/action", &good),
    ];
    let mut dice = Dice(42);
    let mut counts = [0; 2];
    for (path, good) in paths {
        for _ in 0..MUTATIONS {
            let mut body = good.clone();
            for _ in 0..=dice.below(3) {
                dice.mutate(&mut body);
            }
            let answer = org.admin.post(&format!("/access/v1/{path}"), &body);
            assert!(
                [200, 400].contains(&answer.status),
                "{path} {body}: {} {}",
                answer.status,
                answer.text
            );
            counts[usize::from(answer.status == 400)] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}
