//! Every vector of Wycheproof for signed tokens and their keys, through the real verifier.
//!
//! The files are `wycheproof/*.json` in `$FREEHOLD_TEST_DATA`; where they are not there, it is said so: what the project has
//! of its own is in `tests/it/oidc`.

use std::io::Write;
use std::path::PathBuf;

use freehold::domain::{SigningAlgorithm, Word};
use freehold::identity::jose::{KeySet, Rules, Signed, Typ};
use serde_json::{Value, json};

/// Vectors that are good and refused here: the file, the first and the last of them, and the reason.
const REFUSED: &[(&str, i64, i64, &str)] = &[
    (SIGNATURES, 1, 1, SECRET),
    (SIGNATURES, 264, 267, "RS384 is none of our algorithms"),
    (SIGNATURES, 268, 271, "RS512 is none of our algorithms"),
    (SIGNATURES, 320, 323, "PS384 is none of our algorithms"),
    (SIGNATURES, 325, 328, "PS512 is none of our algorithms"),
    (SIGNATURES, 346, 346, "PS384 is none of our algorithms"),
    (SIGNATURES, 347, 347, "ES512 is none of our algorithms"),
    (SIGNATURES, 348, 348, SECRET),
    (SIGNATURES, 350, 350, "PS384 is none of our algorithms"),
    (SIGNATURES, 351, 351, "ES512 is none of our algorithms"),
    (SIGNATURES, 352, 352, SECRET),
    (SIGNATURES, 357, 359, SECRET),
    (SIGNATURES, 372, 373, "base64url has one spelling here, without characters that say nothing"),
    (SIGNATURES, 376, 377, SECRET),
    (KEYS, 2, 2, SECRET),
    (KEYS, 13, 15, SECRET),
];
const SECRET: &str = "HMAC takes a key that both sides know: no issuer elsewhere has one";
const SIGNATURES: &str = "json_web_signature_test";
const KEYS: &str = "json_web_key_test";

fn file(name: &str) -> Option<Value> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("FREEHOLD_TEST_DATA").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| here.join("../shared/data"));
    let path = folder.join("wycheproof").join(name).with_extension("json");
    if !path.exists() {
        let said = writeln!(std::io::stderr(), "{} is not there", path.display());
        said.unwrap();
        return None;
    }
    serde_json::from_slice(&std::fs::read(path).unwrap()).ok()
}

/// The keys of a group, as an issuer would publish them; what is secret is no less so for that.
fn keys(group: &Value) -> Value {
    let key = if group["public"].is_null() { &group["private"] } else { &group["public"] };
    if key["keys"].is_array() { key.clone() } else { json!({ "keys": [key] }) }
}

fn accepts(keys: &Value, token: &str) -> Result<(), &'static str> {
    // The rules of ID tokens: no vector that is good has a `typ`.
    let rules = Rules { algorithms: SigningAlgorithm::ALL, typ: Typ::AbsentOrJwt };
    let keys = KeySet::parse(keys.to_string().as_bytes())?;
    Signed::parse(token)?.verify(&keys, rules).map(drop)
}

fn run(name: &str) {
    let Some(file) = file(name) else { return };
    let is_listed = |id: i64| {
        REFUSED.iter().any(|(file, from, to, _)| *file == name && (*from..=*to).contains(&id))
    };
    let (mut wrong, mut count) = (Vec::new(), 0);
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let id = test["tcId"].as_i64().unwrap();
            let token = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned);
            let verdict = accepts(&keys(group), &token);
            let expected = test["result"] == "valid" && !is_listed(id);
            if verdict.is_ok() != expected {
                wrong.push(format!("{id} {} {} {verdict:?}", test["comment"], test["result"]));
            }
            count += 1;
        }
    }
    assert_eq!(count, file["numberOfTests"].as_i64().unwrap());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_vector_of_signatures_is_judged_as_it_should_be() {
    run(SIGNATURES);
}

#[test]
fn every_vector_of_keys_is_judged_as_it_should_be() {
    run(KEYS);
}
