//! Profiles: `/v1/me/profile`, `/profile-defaults` and `/members/{account}/profile`.

use serde_json::{Map, Value, json};

use crate::app::{Place, TestApp};
use crate::client::{Answer, Client};
use crate::glass::Operator;
use crate::org::{Org, attribute};
use crate::shared;

shared!();

fn define(key: &str, change: &Value) -> Value {
    let mut body = attribute("profile");
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    app().operator().put_new(&format!("/v1/platform/attributes/{key}"), &body).expect(201);
    body
}

fn redefine(key: &str, body: &Value) {
    app().operator().put_over(&format!("/v1/platform/attributes/{key}"), body).expect(200);
}

/// A member with everything that there is of their profile.
struct Subject<'o> {
    org: &'o Org<'o>,
    path: String,
    person: Client,
}

impl<'o> Subject<'o> {
    fn new(org: &'o Org<'o>, name: &str) -> Self {
        let path = format!("/members/{}/profile", org.account(name));
        let person = org.app.person(&format!("import|{}-{name}", org.slug));
        Self { org, path, person }
    }

    fn set(&self, layer: &str, patch: &Value) -> Answer {
        match layer {
            "account" => self.person.patch("/v1/me/profile", patch),
            "tenant" => self.org.owner.patch("/profile-defaults", patch),
            _ => self.org.owner.patch(&self.path, patch),
        }
    }

    /// The value of a key and the layer that it comes from, as the owner sees them.
    fn found(&self, key: &str) -> (Value, String) {
        let read = self.org.owner.get(&self.path).expect(200);
        let found = &read["attributes"][key];
        (found["value"].clone(), found["layer"].as_str().unwrap_or("-").to_owned())
    }
}

#[test]
fn each_layer_wins_over_those_below_it_and_shines_through_when_it_is_taken_away() {
    let org = Org::new(app(), "layered");
    let subject = Subject::new(&org, "member");
    define("p.colour", &json!({"default": "grey"}));
    assert_eq!(subject.found("p.colour"), (json!("grey"), "platform".to_owned()));
    let layers = ["account", "tenant", "member"];
    for layer in layers {
        subject.set(layer, &json!({"p.colour": layer})).expect(200);
        assert_eq!(subject.found("p.colour"), (json!(layer), layer.to_owned()));
    }
    let read = org.owner.get(&subject.path).expect(200);
    let found = &read["attributes"]["p.colour"];
    assert_eq!(found["owner_id"], json!(org.account("member")));
    assert_eq!(found["locked"], false);
    for (layer, below) in [("member", "tenant"), ("tenant", "account")] {
        subject.set(layer, &json!({"p.colour": null})).expect(200);
        assert_eq!(subject.found("p.colour"), (json!(below), below.to_owned()));
    }
    subject.set("account", &json!({"p.colour": null})).expect(200);
    assert_eq!(subject.found("p.colour"), (json!("grey"), "platform".to_owned()));
    let db = app().db(&org.id);
    for action in ["profile_defaults.update", "profile.update"] {
        assert_eq!(db.audited(action, "permit"), 2, "{action}");
    }
    let told = "select count(*) from outbox_events where type = 'profile.updated'";
    assert_eq!(db.number(told, &[]), 4);
}

/// Which layers have a value (platform, account, tenant, member), and which one's counts where the key is not locked, and
/// where it is locked at each of them.
const TABLE: &str = "
    ----   -  -  -  -  -
    p---   p  p  p  p  p
    -a--   a  -  a  a  a
    pa--   a  p  a  a  a
    --t-   t  -  -  t  t
    p-t-   t  p  p  t  t
    -at-   t  -  a  t  t
    pat-   t  p  a  t  t
    ---m   m  -  -  -  m
    p--m   m  p  p  p  m
    -a-m   m  -  a  a  m
    pa-m   m  p  a  a  m
    --tm   m  -  -  t  m
    p-tm   m  p  p  t  m
    -atm   m  -  a  t  m
    patm   m  p  a  t  m
";

/// Over TCP: 16 sets of layers, and for each no lock and one at each layer.
#[test]
fn every_combination_of_layers_and_locks_is_answered_as_the_table_says() {
    let org = Org::new(app(), "combinations");
    let subject = Subject::new(&org, "member");
    let locks = ["none", "platform", "account", "tenant", "member"];
    let key = |place: usize, with_default: bool| format!("combo.{place}.{with_default}");
    let (mut keys, mut bodies) = (Vec::new(), Vec::new());
    for place in 0..locks.len() {
        for with_default in [false, true] {
            let default = if with_default { json!("platform") } else { Value::Null };
            keys.push(key(place, with_default));
            bodies.push(define(&key(place, with_default), &json!({"default": default})));
        }
    }
    let lock_all = |is_locked: bool| {
        for (number, (key, body)) in keys.iter().zip(&bodies).enumerate().skip(2) {
            let mut body = body.clone();
            body["locked_at"] = if is_locked { json!(locks[number / 2]) } else { Value::Null };
            redefine(key, &body);
        }
    };
    let mut combinations = 0;
    for set in 0..8_u32 {
        for (bit, layer) in ["account", "tenant", "member"].iter().enumerate() {
            let value = if set & (1 << bit) == 0 { Value::Null } else { json!(layer) };
            let patch: Map<_, _> = keys.iter().map(|key| (key.clone(), value.clone())).collect();
            subject.set(layer, &Value::Object(patch)).expect(200);
        }
        lock_all(true);
        let read = org.owner.get(&subject.path).expect(200);
        lock_all(false);
        for row in TABLE.lines().map(|row| row.split_whitespace().collect::<Vec<_>>()) {
            let Some(signs) = row.first() else { continue };
            let has = |sign: char| signs.contains(sign);
            let is_set = [('a', 1), ('t', 2), ('m', 4)]
                .iter()
                .all(|(sign, bit)| has(*sign) == (set & bit != 0));
            for place in (0..locks.len()).filter(|_| is_set) {
                let expected = match row[place + 1] {
                    "p" => json!("platform"),
                    "a" => json!("account"),
                    "t" => json!("tenant"),
                    "m" => json!("member"),
                    _ => Value::Null,
                };
                let found = &read["attributes"][key(place, has('p')).as_str()];
                let named = format!("{signs} locked at {}", locks[place]);
                assert_eq!(found["layer"], expected, "{named}");
                assert_eq!(found["value"], expected, "{named}");
                let locked = !["none", "member"].contains(&locks[place]);
                assert!(found.is_null() || found["locked"] == locked, "{named}");
                combinations += 1;
            }
        }
    }
    assert_eq!(combinations, 16 * 5);
}

#[test]
fn a_lock_refuses_what_it_keeps_out_and_lets_it_be_taken_away() {
    let org = Org::new(app(), "locks");
    let subject = Subject::new(&org, "member");
    let mut body = define("l.title", &json!({}));
    subject.set("member", &json!({"l.title": "x"})).expect(200);
    body["locked_at"] = json!("account");
    redefine("l.title", &body);
    assert_eq!(subject.found("l.title").1, "-");
    for layer in ["tenant", "member"] {
        let refused = subject.set(layer, &json!({"l.title": "y"})).problem(422, "invalid");
        assert_eq!(refused.fields(), ["/l.title"]);
        assert_eq!(refused["errors"][0]["detail"], "is locked at the layer account");
    }
    subject.set("account", &json!({"l.title": "mine"})).expect(200);
    assert_eq!(subject.found("l.title"), (json!("mine"), "account".to_owned()));
    subject.set("member", &json!({"l.title": null})).expect(200);
    body["locked_at"] = Value::Null;
    redefine("l.title", &body);
    assert_eq!(subject.found("l.title"), (json!("mine"), "account".to_owned()));
}

#[test]
fn a_merge_patch_changes_what_it_names_and_nothing_else() {
    let org = Org::new(app(), "patches");
    let subject = Subject::new(&org, "member");
    let object = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    define("m.object", &json!({"schema": object}));
    define("m.text", &json!({"schema": {"type": "string", "maxLength": 3}}));
    let (set, path) = (|patch: Value| subject.set("member", &patch), subject.path.as_str());
    assert_eq!(org.owner.get(path).expect(200).etag(), "\"0\"");
    let first = set(json!({"m.object": {"n": 1, "more": true}, "m.text": "a"})).expect(200);
    assert_eq!((first.etag().as_str(), &first["layer"]), ("\"1\"", &json!("member")));
    // A value is replaced whole: what is in it is the application's.
    let second = set(json!({"m.object": {"n": 2}})).expect(200);
    assert_eq!(second["attributes"]["m.object"]["value"], json!({"n": 2}));
    assert_eq!(second["attributes"]["m.text"]["value"], "a");
    // What changes nothing makes no version.
    assert_eq!(set(json!({})).expect(200).etag(), "\"2\"");
    assert_eq!(set(json!({"m.text": "a"})).expect(200).etag(), "\"2\"");
    assert_eq!(set(json!({"m.text": null})).expect(200).etag(), "\"3\"");
    assert_eq!(set(json!({"m.text": null})).expect(200).etag(), "\"3\"");
    let cases = [
        (json!({"never.was": 1}), vec!["/never.was"]),
        (json!({"never.was": null}), vec!["/never.was"]),
        (json!({"Not a/key~": 1}), vec!["/Not a~1key~0"]),
        (json!({"": 1}), vec!["/"]),
        (json!({"m.text": 7}), vec!["/m.text"]),
        (json!({"m.text": "long"}), vec!["/m.text"]),
        (json!({"m.object": {"n": "x"}}), vec!["/m.object/n"]),
        (json!({"m.object": {"n": 1.5}, "m.text": "fine"}), vec!["/m.object/n", "/m.text"]),
        (
            json!({"m.object": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}}}),
            vec!["/m.object"],
        ),
        (json!({"m.object": {"a": "x".repeat(17_000)}}), vec!["/m.object"]),
    ];
    for (patch, fields) in cases {
        let refused = set(patch.clone()).problem(422, "invalid");
        assert_eq!(refused.fields(), fields, "{patch}: {}", refused.text);
    }
    let wrong = set(json!({"m.object": {"n": "kittiwake"}})).problem(422, "invalid");
    let detail = wrong["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("/properties/n/type of its schema"), "{detail}");
    assert!(!detail.contains("kittiwake"), "{detail}");
    assert_eq!(org.owner.get(path).expect(200).etag(), "\"3\"");
    org.owner.request("PATCH", path).json(&json!({})).send().problem(428, "precondition_required");
    let stale = org.owner.request("PATCH", path).header("if-match", "\"2\"").json(&json!({}));
    stale.send().problem(412, "stale_version");
    let body = org.owner.request("PATCH", path).header("if-match", "\"3\"");
    assert_eq!(body.json(&json!([])).send().problem(422, "invalid").fields(), [""]);
}

#[test]
fn of_changes_meant_for_one_version_one_is_made() {
    let org = Org::new(app(), "profile-races");
    let subject = Subject::new(&org, "member");
    define("r.n", &json!({}));
    for version in ["\"0\"", "\"1\""] {
        let change = |n: usize| {
            let request = org.owner.request("PATCH", &subject.path).header("if-match", version);
            request.json(&json!({"r.n": format!("{version}{n}")})).send().status
        };
        let change = &change;
        let mut statuses: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..8).map(|n| scope.spawn(move || change(n))).collect();
            running.into_iter().map(|one| one.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [[200].as_slice(), &[412; 7]].concat());
    }
}

#[test]
fn what_the_account_layer_holds_goes_into_every_tenant_and_is_changed_from_none() {
    let (one, other) = (Org::new(app(), "global-one"), Org::new(app(), "global-other"));
    define("g.pronouns", &json!({}));
    let account = one.account("member");
    let body = json!({"account_id": account, "role": "member"});
    other.owner.post("/members", &body).expect(201);
    let person = app().person("import|global-one-member");
    let mine = person.patch("/v1/me/profile", &json!({"g.pronouns": "they"})).expect(200);
    assert_eq!((&mine["id"], &mine["layer"]), (&json!(account), &json!("account")));
    for org in [&one, &other] {
        let read = org.owner.get(&format!("/members/{account}/profile")).expect(200);
        assert_eq!(read["attributes"]["g.pronouns"]["layer"], "account");
    }
    // Each tenant's own value is seen there alone.
    one.owner
        .patch(&format!("/members/{account}/profile"), &json!({"g.pronouns": "here"}))
        .expect(200);
    let read = other.owner.get(&format!("/members/{account}/profile")).expect(200);
    assert_eq!(read["attributes"]["g.pronouns"]["value"], "they");
    assert_eq!(
        person.get("/v1/me/profile").expect(200)["attributes"]["g.pronouns"]["value"],
        "they"
    );
    let of_one = one.member.root();
    assert_eq!(of_one.get("/v1/me/profile").expect(200).etag(), "\"1\"");
    let refused = of_one.patch("/v1/me/profile", &json!({"g.pronouns": "evil"}));
    refused.problem(403, "forbidden");
    assert_eq!(person.get("/v1/me/profile").expect(200).etag(), "\"1\"");
}

/// Whoever leaves takes what is theirs along; what the tenant had of them is gone.
#[test]
fn a_removed_member_is_looked_after_no_more() {
    let org = Org::new(app(), "leavers");
    define("v.note", &json!({}));
    let account = org.newcomer("leaver", "member");
    let path = format!("/members/{account}/profile");
    org.owner.patch(&path, &json!({"v.note": "tenant's"})).expect(200);
    let item = format!("/catalog/accounts/{account}/v.item");
    org.owner.put_new(&item, &json!({"value": 1})).expect(201);
    app().person("local|leavers-leaver").patch("/v1/me/profile", &json!({"v.note": "own"})).done();
    org.owner.delete(&format!("/members/{account}")).expect(204);
    org.owner.get(&path).problem(404, "not_found");
    let late = org.owner.request("PATCH", &path).header("if-match", "\"1\"");
    late.json(&json!({"v.note": "x"})).send().problem(404, "not_found");
    org.owner.put_new(&item, &json!({"value": 1})).problem(404, "not_found");
    let left = |table: &str, column: &str| {
        let sql = format!("select count(*) from {table} where {column} = ?1");
        app().db(&org.id).number(&sql, &[&account])
    };
    assert_eq!(left("member_attributes", "account_id"), 0);
    assert_eq!(left("catalog_items", "owner_id"), 0);
    org.owner.post("/members", &json!({"account_id": account, "role": "member"})).expect(201);
    let back = org.owner.get(&path).expect(200);
    assert_eq!(
        (back["attributes"]["v.note"]["value"].as_str(), back.etag()),
        (Some("own"), "\"0\"".into())
    );
}

/// Who reads and who writes each attribute, for each caller: what the words say, and no more than the door lets.
#[test]
fn readers_and_writers_are_whom_a_definition_names() {
    let org = Org::new(app(), "audiences");
    let glass = Operator::new(app(), "audiences-operator", "support");
    let entry = glass.enter(app(), "audiences", &["*"]);
    let target = org.account("member");
    // The word, then who of: the account itself, another member, an administrator, an operator by break-glass.
    let table = [
        ("account", [true, false, false, false]),
        ("maintainer", [false, false, false, false]),
        ("member", [true, true, true, false]),
        ("admin", [false, false, true, false]),
        ("operator", [false, false, false, true]),
    ];
    let callers = [
        org.member.clone(),
        org.caller("other"),
        org.admin.clone(),
        org.seen_by(&glass.by(&entry)),
    ];
    // Whom the door lets change somebody's profile at all.
    let may_change = [true, false, true, true];
    let path = format!("/members/{target}/profile");
    for (word, _) in table {
        define(&format!("read.{word}"), &json!({"readers": [word], "default": "value"}));
        define(&format!("write.{word}"), &json!({"writers": [word]}));
    }
    for (place, caller) in callers.iter().enumerate() {
        let read = caller.get(&path).expect(200);
        for (word, may) in table {
            let found = &read["attributes"][format!("read.{word}").as_str()];
            assert_eq!(!found.is_null(), may[place], "read.{word} by caller {place}");
            let change = json!({ format!("write.{word}"): format!("by {place}") });
            let answer = caller.patch(&path, &change);
            match (may_change[place], may[place]) {
                (true, true) => drop(answer.expect(200)),
                (true, false) => {
                    let denied = answer.problem(403, "forbidden");
                    assert_eq!(denied.fields(), [format!("/write.{word}")]);
                }
                (false, _) => assert!(answer.problem(403, "forbidden").fields().is_empty()),
            }
        }
    }
    // What some keys forbid, the others do not save.
    let both = json!({"write.account": "x", "write.admin": "x"});
    let denied = org.admin.patch(&path, &both).problem(403, "forbidden");
    assert_eq!(denied.fields(), ["/write.account"]);
    // An own profile without a tenant: what is the account's own, and what every member would see.
    let mine = app().person("import|audiences-member").get("/v1/me/profile").expect(200);
    let seen: Vec<_> = mine["attributes"].as_object().unwrap().keys().collect();
    let seen: Vec<_> = seen.into_iter().filter(|key| key.starts_with("read.")).collect();
    assert_eq!(seen, ["read.account", "read.member"]);
    let denials = app().db(&org.id).audited("profile.update", "deny");
    assert!(denials > 0, "denials of keys are audited");
}

#[test]
fn a_changed_schema_leaves_out_what_it_does_not_accept_and_diagnostics_find_it() {
    let app = TestApp::dev();
    let org = Org::new(&app, "changed-schema");
    let operator = app.operator().at("/v1/platform");
    let put = |change: &Value| {
        let mut body = attribute("profile");
        body["schema"] = change.clone();
        body["default"] = json!("0000");
        body
    };
    operator.put_new("/attributes/phone", &put(&json!({"type": "string"}))).expect(201);
    let subject = Subject::new(&org, "member");
    subject.set("account", &json!({"phone": "1111"})).expect(200);
    subject.set("member", &json!({"phone": "kittiwake"})).expect(200);
    let examine = || operator.get("/tenants/changed-schema/diagnostics").expect(200);
    assert_eq!(examine()["healthy"], true, "{}", examine().text);
    let narrow = put(&json!({"type": "string", "pattern": "^[0-9]+$"}));
    operator.put_over("/attributes/phone", &narrow).expect(200);
    assert_eq!(subject.found("phone"), (json!("1111"), "account".to_owned()));
    let ignored = json!([{"key": "phone", "layer": "member", "reason": "invalid"}]);
    assert_eq!(org.owner.get(&subject.path).expect(200)["ignored"], ignored);
    let found = examine();
    assert_eq!(found["healthy"], false);
    let checks = found["reports"][0]["checks"].as_array().unwrap().clone();
    let check = checks.iter().find(|check| check["name"] == "values").unwrap();
    assert_eq!(
        (&check["state"], &check["found"]),
        (&json!("failed"), &json!("phone: 1 not valid"))
    );
    assert!(!found.text.contains("kittiwake"));
    // What is valid again counts again.
    operator.put_over("/attributes/phone", &put(&json!({"type": "string"}))).expect(200);
    assert_eq!(subject.found("phone"), (json!("kittiwake"), "member".to_owned()));
    assert_eq!(examine()["healthy"], true);
    operator
        .put_over(
            "/attributes/phone",
            &put(&json!({"type": ["string"], "minLength": 4, "maxLength": 4})),
        )
        .expect(200);
    subject.set("member", &json!({"phone": null})).expect(200);
    assert_eq!(examine()["healthy"], true);
}

/// A word that stands nowhere but in values.
const CANARIES: [&str; 7] = [
    "kittiwakeglobal",
    "kittiwakedefault",
    "kittiwakemember",
    "kittiwakerefused",
    "kittiwakeitem",
    "kittiwakesecond",
    "kittiwakeschema",
];

/// Values of every layer, good ones and refused ones, read and found by diagnostics: no log, audit row, event or kept
/// answer repeats one.
#[test]
fn no_value_is_in_a_log_an_audit_row_an_event_or_a_kept_answer() {
    let place = Place::new();
    let app = TestApp::serve_at(&place, &[("FREEHOLD__LOG__LEVEL", "trace")]);
    let org = Org::new(&app, "leaks");
    let operator = app.operator().at("/v1/platform");
    let mut body = attribute("profile");
    body["personal_data"] = json!(true);
    body["schema"] = json!({"type": "string"});
    body["default"] = json!("kittiwakeschema");
    operator.put_new("/attributes/secret", &body).expect(201);
    let subject = Subject::new(&org, "member");
    subject.set("account", &json!({"secret": "kittiwakeglobal"})).expect(200);
    subject.set("tenant", &json!({"secret": "kittiwakedefault"})).expect(200);
    subject.set("member", &json!({"secret": "kittiwakemember"})).expect(200);
    subject.set("member", &json!({"secret": ["kittiwakerefused"]})).problem(422, "invalid");
    subject.set("member", &json!({"secret": "kittiwakesecond"})).expect(200);
    org.member
        .patch("/profile-defaults", &json!({"secret": "kittiwakerefused"}))
        .problem(403, "forbidden");
    let item = json!({"value": {"word": "kittiwakeitem"}});
    org.owner.put_new("/catalog/tenant/item", &item).expect(201);
    operator.put_new("/catalog/item", &item).expect(201);
    body["schema"] = json!({"type": "string", "const": "kittiwakeschema"});
    operator.put_over("/attributes/secret", &body).expect(200);
    let report = operator.get("/diagnostics").expect(200);
    let said: String = [
        report.text,
        org.owner.get("/audit").text,
        org.owner.get("/events").text,
        operator.get("/audit").text,
        operator.get("/events").text,
    ]
    .concat();
    let mut told = said;
    for file in ["platform", &org.id] {
        for table in ["audit_log", "outbox_events", "idempotency_keys"] {
            let rows = app.db(file).texts(&row_of(&app, file, table), &[]);
            assert!(table == "idempotency_keys" || !rows.is_empty(), "{file} {table}");
            told.extend(rows);
        }
    }
    assert!(told.contains("profile.updated") && told.contains("\"secret\""), "the keys are told");
    let log = app.log();
    assert!(log.len() > 1_000, "something was logged");
    for canary in CANARIES {
        assert!(!told.contains(canary), "{canary} is told");
        assert!(!log.contains(canary), "{canary} is logged");
    }
    // They are kept where they belong.
    let stored = app.db(&org.id).texts("select attributes from member_attributes", &[]);
    assert!(stored.concat().contains("kittiwakesecond"));
}

/// A statement that makes one text of each row of a table.
fn row_of(app: &TestApp, file: &str, table: &str) -> String {
    let columns = format!("select name from pragma_table_info('{table}')");
    let columns = app.db(file).texts(&columns, &[]).join(", ");
    format!("select json_array({columns}) from {table}")
}

#[test]
fn what_break_glass_reads_and_changes_of_a_profile_is_written_down() {
    let org = Org::new(app(), "glass-profile");
    define("o.note", &json!({"readers": ["operator"], "writers": ["operator"]}));
    let glass = Operator::new(app(), "glass-profile-operator", "support");
    let entry = glass.enter(app(), "glass-profile", &["profile.read", "profile.update"]);
    let caller = org.seen_by(&glass.by(&entry));
    let path = format!("/members/{}/profile", org.account("member"));
    caller.patch(&path, &json!({"o.note": "x"})).expect(200);
    assert_eq!(caller.get(&path).expect(200)["attributes"]["o.note"]["value"], "x");
    assert_eq!(org.owner.get(&path).expect(200)["attributes"]["o.note"], Value::Null);
    assert!(app().db(&org.id).audited("profile.read", "permit") >= 1);
    assert!(app().db("platform").audited("profile.update", "permit") >= 1);
    caller.get("/catalog").problem(404, "not_found");
}

/// Scopes leave profiles or they do not.
#[test]
fn a_narrowed_token_reads_and_changes_values_as_its_scopes_leave() {
    let org = Org::new(app(), "value-scopes");
    define("s.note", &json!({}));
    let path = format!("/members/{}/profile", org.account("member"));
    let (read, write) =
        (org.scoped("owner", "values:read"), org.scoped("owner", "values:write people:read"));
    read.get(&path).expect(200);
    read.get("/catalog/tenant").expect(200);
    assert!([403, 404].contains(&read.patch(&path, &json!({"s.note": 1})).status));
    write.patch(&path, &json!({"s.note": 1})).expect(200);
    assert!([403, 404].contains(&org.scoped("owner", "people:read").get(&path).status));
}
