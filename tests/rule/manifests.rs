//! Experiments.
use freehold::domain::{DecisionPoint, Manifest};
use freehold::policy::Policy;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

fn manifest(text: &str) -> Arc<Manifest> {
    Arc::new(
        serde_json::from_value(json!({"name":"docs-app","title":"Docs",
      "resource_types":[{"name":"document"}],
      "actions":[{"name":"document.view","resource_types":["document"]}],
      "policies":[{"name":"main","text":text}]}))
        .unwrap(),
    )
}
fn head() -> String {
    "@id(\"a\") @sentence(\"S.\") permit (principal, action, resource) when { ".to_owned()
}

fn try_depth(name: &'static str, make: fn(usize) -> String, stack: usize) {
    for n in [100usize, 300, 1000, 3000, 10000] {
        let text = make(n);
        if text.len() > 65536 {
            break;
        }
        println!("{name} {n} start");
        let h = std::thread::Builder::new()
            .stack_size(stack)
            .spawn(move || {
                let t = Instant::now();
                let p = Policy::embedded().unwrap();
                let base = t.elapsed();
                let t = Instant::now();
                let r = p.compile(&manifest(&text)).map(|_| ()).map_err(|e| {
                    e.into_iter()
                        .map(|e| e.detail.chars().take(80).collect::<String>())
                        .take(1)
                        .collect::<Vec<_>>()
                });
                println!("{name} {n} {:?} (base {base:?}): {r:?}", t.elapsed());
            })
            .unwrap();
        h.join().unwrap();
    }
}
fn parens(n: usize) -> String {
    format!("{}{}true{} }};", head(), "(".repeat(n), ")".repeat(n))
}
fn ands(n: usize) -> String {
    format!("{}true{} }};", head(), "&&true".repeat(n))
}
fn plus(n: usize) -> String {
    format!("{}1{} == 1 }};", head(), "+1".repeat(n))
}
fn dots(n: usize) -> String {
    format!("{}principal{} }};", head(), ".a".repeat(n))
}
fn ifs(n: usize) -> String {
    format!("{}{}true }};", head(), "if true then true else ".repeat(n))
}
fn opens(n: usize) -> String {
    format!("{}{}", head(), "(".repeat(n))
}
fn whens(n: usize) -> String {
    format!(
        "@id(\"a\") @sentence(\"S.\") permit (principal, action, resource) {};",
        "when{true}".repeat(n)
    )
}
fn sets(n: usize) -> String {
    format!("{}{}{} == [] }};", head(), "[".repeat(n), "]".repeat(n))
}
fn pols(n: usize) -> String {
    (0..n)
        .map(|i| format!("@id(\"a{i}\")@sentence(\"S\")permit(principal,action,resource);"))
        .collect()
}

#[test]
fn depth() {
    let which = std::env::var("WHICH").unwrap();
    let stack: usize = std::env::var("STACK").unwrap().parse::<usize>().unwrap() * 1024;
    let all: &[(&'static str, fn(usize) -> String)] = &[
        ("parens", parens),
        ("ands", ands),
        ("plus", plus),
        ("dots", dots),
        ("ifs", ifs),
        ("opens", opens),
        ("whens", whens),
        ("sets", sets),
        ("pols", pols),
    ];
    for (n, f) in all {
        if *n == which {
            try_depth(n, *f, stack)
        }
    }
}

#[test]
fn wide() {
    for (types, actions, per, policies) in [
        (100usize, 200usize, 100usize, 20usize),
        (100, 200, 100, 200),
        (10, 50, 10, 200),
        (10, 200, 10, 500),
    ] {
        let m = json!({"name":"docs-app","title":"Docs",
          "resource_types": (0..types).map(|i| json!({"name": format!("t{i}"), "attributes": [{"name":"a","type":"string"}]})).collect::<Vec<_>>(),
          "actions": (0..actions).map(|i| json!({"name": format!("a{i}"), "resource_types": (0..per).map(|j| format!("t{j}")).collect::<Vec<_>>()})).collect::<Vec<_>>(),
          "policies": (0..10).map(|k| json!({"name": format!("p{k}"), "text": (0..policies/10).map(|i| format!("@id(\"a{k}-{i}\")@sentence(\"S\")permit(principal,action,resource) when {{ principal.role == \"member\" && resource.permission > 1 }};")).collect::<String>()})).collect::<Vec<_>>()});
        let m: Arc<Manifest> = Arc::new(serde_json::from_value(m).unwrap());
        let p = Policy::embedded().unwrap();
        let t = Instant::now();
        let r = p.compile(&m).map(|_| ()).map_err(|e| e.into_iter().take(1).collect::<Vec<_>>());
        println!(
            "types {types} actions {actions} per {per} policies {policies}: {:?} {r:?}",
            t.elapsed()
        );
    }
}
