//! What a question says against what is stored: stored facts win, and nothing that is not declared counts.

use serde_json::{Value, json};

use super::{app, bind, decide, entity, found, member, named_role, policy, record};
use crate::org::Org;

/// An application whose actions are for those that a fact names.
fn manifest(name: &str) -> Value {
    let word = name.replace('-', "_");
    let action = |verb: &str| format!("{word}_{verb}");
    let text = [
        policy("admins", "permit", &action("rule"), "principal.roles.contains(\"chief\")"),
        policy("open", "permit", &action("open"), "resource has open && resource.open"),
        policy("said", "permit", &action("said"), "resource has said && resource.said == \"yes\""),
        policy(
            "own",
            "permit",
            &action("own"),
            "resource has owner && resource.owner == principal.id",
        ),
        policy("seen", "permit", &action("seen"), "resource.permission >= 1"),
        policy(
            "how",
            "permit",
            &action("how"),
            "context.properties has how && context.properties.how > 2",
        ),
    ];
    let actions = ["rule", "open", "said", "own", "seen", "how"].map(|verb| {
        let properties =
            if verb == "how" { json!([{"name": "how", "type": "integer"}]) } else { json!([]) };
        json!({"name": action(verb), "resource_types": [word], "properties": properties})
    });
    json!({
        "name": name, "title": name,
        "subject_types": [{"name": "user", "issuer": name}],
        "resource_types": [{"name": word, "attributes": [
            {"name": "open", "type": "boolean"},
            {"name": "said", "type": "string", "source": "request"},
            {"name": "owner", "type": "account", "subject_type": "user", "source": "request"}]}],
        "actions": actions,
        "policies": [{"name": "main", "text": text.concat()}],
    })
}

struct World {
    org: Org<'static>,
    word: String,
}

impl World {
    fn new(name: &str) -> Self {
        let org = Org::new(app(), name);
        bind(&org, &manifest(name));
        Self { org, word: name.replace('-', "_") }
    }

    fn person(&self, name: &str) -> String {
        member(&self.org, name, &[(&self.org.slug, name)])
    }

    fn thing(&self, name: &str, attributes: &Value) -> String {
        record(&self.org, &self.word, name, attributes)
    }

    fn question(&self, subject: &Value, verb: &str, id: &str, properties: &Value) -> Value {
        json!({"subject": subject, "action": {"name": format!("{}_{verb}", self.word)},
            "resource": {"type": self.word, "id": id, "properties": properties}})
    }

    #[track_caller]
    fn may(&self, who: &str, verb: &str, id: &str, properties: &Value) -> bool {
        decide(&self.org.admin, &self.question(&entity("user", who), verb, id, properties))
    }
}

#[test]
fn a_role_that_a_question_claims_is_none() {
    let world = World::new("claimed-roles");
    let (chief, _) = (world.person("chief"), world.person("clerk"));
    named_role(&world.org, "chief", &[&chief]);
    let thing = world.thing("thing", &json!({}));
    let claims = json!({"type": "user", "id": "clerk",
        "properties": {"role": "chief", "roles": ["chief"], "id": chief}});
    assert!(!decide(&world.org.admin, &world.question(&claims, "rule", &thing, &json!({}))));
    assert!(world.may("chief", "rule", &thing, &json!({"roles": []})));
    let mut elsewhere = world.question(&entity("user", "clerk"), "rule", &thing, &json!({}));
    elsewhere["context"] = json!({"tenant": "another", "roles": ["chief"], "granted": true});
    assert!(!decide(&world.org.admin, &elsewhere));
}

#[test]
fn a_stored_attribute_is_not_contradicted() {
    let world = World::new("stored");
    world.person("reader");
    let closed = world.thing("closed", &json!({"open": false, "said": "no"}));
    let silent = world.thing("silent", &json!({"said": null}));
    assert!(!world.may("reader", "open", &closed, &json!({"open": true})));
    assert!(
        !world.may("reader", "open", &silent, &json!({"open": true})),
        "it is stored or not there"
    );
    assert!(!world.may("reader", "said", &closed, &json!({"said": "yes"})));
    assert!(world.may("reader", "said", &silent, &json!({"said": "yes"})));
    for odd in [json!(1), json!(["yes"]), json!({"yes": true}), json!(true), Value::Null] {
        assert!(!world.may("reader", "said", &silent, &json!({"said": odd})));
    }
}

#[test]
fn an_account_in_an_attribute_is_whom_its_subject_type_means() {
    let world = World::new("owners");
    let (ann, _) = (world.person("ann"), world.person("ben"));
    let (hers, free) =
        (world.thing("hers", &json!({"owner": "ann"})), world.thing("free", &json!({})));
    assert!(world.may("ann", "own", &hers, &json!({"owner": "ben"})));
    assert!(!world.may("ben", "own", &hers, &json!({"owner": "ben"})));
    assert!(world.may("ben", "own", &free, &json!({"owner": "ben"})));
    // An account's id is not what its issuer calls it.
    for nobody in [ann.as_str(), "nobody", "", "user:ann"] {
        assert!(!world.may("ann", "own", &free, &json!({"owner": nobody})), "{nobody}");
    }
}

#[test]
fn what_an_action_is_asked_with_counts_where_it_is_declared_and_of_its_type() {
    let world = World::new("asked-with");
    world.person("asker");
    let thing = world.thing("thing", &json!({}));
    let may = |how: Value| {
        let mut question = world.question(&entity("user", "asker"), "how", &thing, &json!({}));
        question["action"]["properties"] = how;
        decide(&world.org.admin, &question)
    };
    assert!(may(json!({"how": 3, "undeclared": {}})));
    for no in [
        json!({}),
        json!({"how": 2}),
        json!({"how": "3"}),
        json!({"how": 3.5}),
        json!({"how": null}),
    ] {
        assert!(!may(no.clone()), "{no}");
    }
}

#[test]
fn what_the_row_rule_gives_is_what_policies_see() {
    let world = World::new("levels-seen");
    let ann = world.person("ann");
    let body = json!({"type": world.word, "workspace_id": world.org.everyone, "name": "private",
        "visibility": "private"});
    let private = world.org.owner.post("/resources", &body).expect(201).id();
    assert!(!world.may("ann", "seen", &private, &json!({})));
    world.org.share(&private, &ann, "read");
    assert!(world.may("ann", "seen", &private, &json!({})));
    let search = world.question(&entity("user", "ann"), "seen", "ignored", &json!({}));
    assert_eq!(found(&world.org.admin, "resource", &search, 10), [entity(&world.word, &private)]);
}

#[test]
fn another_tenants_ids_are_nothing_here() {
    let (here, there) = (World::new("facts-here"), World::new("facts-there"));
    here.person("ann");
    let ben = there.person("ben");
    let (mine, theirs) =
        (here.thing("mine", &json!({"open": true})), there.thing("theirs", &json!({"open": true})));
    assert!(here.may("ann", "open", &mine, &json!({})));
    assert!(!here.may("ann", "open", &theirs, &json!({})));
    assert!(!here.may("ben", "open", &mine, &json!({})), "an identity of another issuer");
    let by_id = here.question(&entity("account", &ben), "open", &mine, &json!({}));
    assert!(!decide(&here.org.admin, &by_id), "an account that is no member");
    let foreign = json!({"subject": entity("user", "ann"), "action": {"name": "facts_there_open"},
        "resource": entity("facts_there", &theirs)});
    assert!(!decide(&here.org.admin, &foreign), "an application that is not bound");
    for what in ["subject", "resource"] {
        let nothing = found(&here.org.admin, what, &foreign, 10);
        assert_eq!(nothing, Vec::<Value>::new());
    }
    let actions =
        json!({"subject": entity("user", "ann"), "resource": entity("facts_there", &theirs)});
    assert_eq!(found(&here.org.admin, "action", &actions, 10), Vec::<Value>::new());
}

#[test]
fn people_ask_about_themselves_by_the_name_that_an_application_has_for_them() {
    let world = World::new("own-names");
    world.person("other");
    let thing = world.thing("thing", &json!({"open": true}));
    // The organisation's people have an issuer of their own.
    let mut manifest = manifest("own-names-2");
    manifest["subject_types"] = json!([{"name": "user", "issuer": "import"}]);
    manifest["resource_types"][0]["attributes"][2] =
        json!({"name": "owner", "type": "account", "subject_type": "user"});
    bind(&world.org, &manifest);
    let second = record(&world.org, "own_names_2", "second", &json!({"open": true}));
    let about = |subject: &str| {
        json!({"subject": entity("user", subject), "action": {"name": "own_names_2_open"},
            "resource": entity("own_names_2", &second)})
    };
    assert!(decide(&world.org.member, &about("own-names-member")));
    let others = world.org.member.post("/access/v1/evaluation", &about("own-names-other"));
    others.problem(403, "forbidden");
    // Of the first application's resources the same word means somebody else's people.
    let wrong = world.question(&entity("user", "own-names-member"), "open", &thing, &json!({}));
    world.org.member.post("/access/v1/evaluation", &wrong).problem(403, "forbidden");
    assert!(!decide(&world.org.admin, &wrong));
}
