//! `/invitations` and `/v1/me/invitations`: somebody asked into a tenant, and what becomes of it.

use std::sync::{Arc, Barrier};

use freehold::cli::SystemClock;
use freehold::domain::Clock;
use freehold::identity::{Claims, SigningKey, install_crypto};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::app::{Db, TestApp, eventually};
use crate::client::{Answer, Client};
use crate::org::Org;
use crate::shared;

shared!();

const MINE: &str = "/v1/me/invitations";

/// A token of the local issuer, which says of its subject's address what it is told to say.
pub(crate) fn said(app: &TestApp, subject: &str, claims: &Value) -> Client {
    install_crypto();
    let path = app.place().data().join("keys").join("local.key");
    let kid = SigningKey::load(&path).unwrap().unwrap().jwk().kid;
    let key = EncodingKey::from_ed_der(&std::fs::read(path).unwrap());
    let now = SystemClock.now().seconds();
    let mut all = json!({
        "iss": "local", "sub": subject, "aud": "freehold", "exp": now + 600, "nbf": now, "iat": now,
        "jti": format!("{subject}-{claims}"),
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let claims: Claims = serde_json::from_value(all).unwrap();
    let mut header = Header::new(Algorithm::EdDSA);
    (header.typ, header.kid) = (Some("at+jwt".to_owned()), Some(kid));
    app.bearer(&jsonwebtoken::encode(&header, &claims, &key).unwrap())
}

/// Somebody new, whose issuer says that an address is theirs.
pub(crate) fn verified(app: &TestApp, name: &str, email: &str) -> Client {
    app.account(name);
    said(app, name, &json!({"email": email, "email_verified": true}))
}

fn invite(org: &Org, email: &str, role: &str) -> String {
    org.owner.post("/invitations", &json!({"email": email, "role": role})).expect(201).id()
}

fn mine(caller: &Client) -> Vec<String> {
    caller.root().column(MINE, "id")
}

fn answer(caller: &Client, id: &str, verb: &str) -> Answer {
    caller.root().act(&format!("{MINE}/{id}/{verb}"))
}

/// Waits until whom an invitation is for finds it.
fn found(caller: &Client, id: &str) {
    eventually(|| mine(caller).contains(&id.to_owned()).then_some(()));
}

fn state(org: &Org, id: &str) -> String {
    let found = org.owner.get(&format!("/invitations/{id}")).expect(200);
    found["state"].as_str().unwrap().to_owned()
}

fn account_of(caller: &Client) -> String {
    caller.root().get("/v1/me").expect(200)["account"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn whoever_is_asked_in_by_an_address_that_is_theirs_becomes_what_it_says() {
    let org = Org::new(app(), "asked-in");
    let team = org.team("crew");
    let body = json!({
        "email": "Ann@Asked-In.example", "role": "member", "team_ids": [team], "message": "Do come.",
        "expires_in_s": 7200,
    });
    let made = org.owner.post("/invitations", &body).expect(201);
    assert_eq!((&made["state"], &made["team_ids"]), (&json!("pending"), &json!([team])));
    assert_eq!(made["invited_by"], json!(org.account("owner")));
    let ann = verified(app(), "asked-in-ann", "ann@asked-in.EXAMPLE");
    found(&ann, &made.id());
    let shown = &ann.get(MINE).expect(200)["items"][0];
    assert_eq!(
        (&shown["tenant_slug"], &shown["message"]),
        (&json!("asked-in"), &json!("Do come."))
    );
    let taken = answer(&ann, &made.id(), "accept").expect(200);
    assert_eq!((&taken["state"], &taken["tenant_id"]), (&json!("accepted"), &json!(org.id)));
    let member = org.owner.get(&format!("/members/{}", account_of(&ann))).expect(200);
    assert_eq!((&member["role"], &member["state"]), (&json!("member"), &json!("active")));
    let place = org.owner.get(&format!("/teams/{team}/members/{}", account_of(&ann))).expect(200);
    assert_eq!(place["role"], "member");
    // The registry has heard of it before the answer.
    assert_eq!(ann.column("/v1/me/tenants", "slug"), ["asked-in"]);
    assert!(mine(&ann).is_empty());
    let kept = org.owner.get(&format!("/invitations/{}", made.id())).expect(200);
    assert_eq!(
        (&kept["state"], &kept["account_id"]),
        (&json!("accepted"), &json!(account_of(&ann)))
    );
}

#[test]
fn a_service_account_asks_people_in_while_it_may() {
    let org = Org::new(app(), "asked-by-key");
    let (robot, id, _) = org.robot("robot", "admin");
    let body =
        |name: &str, role: &str| json!({"email": format!("{name}@by-key.example"), "role": role});
    let made = robot.post("/invitations", &body("ada", "member")).expect(201);
    assert_eq!(made["invited_by"], json!(id));
    robot.post("/invitations", &body("own", "owner")).problem(403, "forbidden");
    let ada = verified(app(), "by-key-ada", "ada@by-key.example");
    found(&ada, &made.id());
    answer(&ada, &made.id(), "accept").expect(200);
    // What it may no more, its invitations give no more.
    let late = robot.post("/invitations", &body("bea", "member")).expect(201);
    let account = format!("/service-accounts/{id}");
    org.owner.patch(&account, &json!({"role": "member"})).expect(200);
    let bea = verified(app(), "by-key-bea", "bea@by-key.example");
    found(&bea, &late.id());
    answer(&bea, &late.id(), "accept").problem(409, "invitation_revoked");
}

#[test]
fn the_event_has_what_whoever_sends_mail_needs_and_the_audit_log_has_no_address() {
    let org = Org::new(app(), "mailed");
    let id = invite(&org, "Bo@mailed.example", "guest");
    let events = org.owner.get("/events?type=invitation.created").expect(200);
    let data = &events["items"][0]["data"];
    assert_eq!(data["delivery"]["recipient"], "Bo@mailed.example");
    let link = data["delivery"]["link"].as_str().unwrap();
    assert!(
        link.starts_with("https://") && link.contains(&id) && link.contains("mailed"),
        "{link}"
    );
    let text = data["delivery"]["text"].as_str().unwrap();
    assert!(text.contains(link) && text.contains("guest") && !text.contains('{'), "{text}");
    let log = app().db(&org.id).texts("select summary from audit_log", &[]).join("\n");
    assert!(log.contains(&id), "what happened is written down");
    assert!(!log.to_lowercase().contains("bo@mailed.example"), "{log}");
}

#[test]
fn an_identity_is_asked_in_too() {
    let org = Org::new(app(), "by-identity");
    let account = app().account("by-identity-cy");
    let identity = json!({"issuer": "local", "subject": "by-identity-cy"});
    let body = json!({"identity": identity, "role": "admin"});
    let id = org.owner.post("/invitations", &body).expect(201).id();
    let cy = app().person(&account);
    found(&cy, &id);
    answer(&cy, &id, "accept").expect(200);
    org.owner.post("/invitations", &body).problem(409, "already_member");
    org.owner.delete(&format!("/members/{account}")).expect(204);
    let again = org.owner.post("/invitations", &body).expect(201).id();
    found(&cy, &again);
    answer(&cy, &again, "accept").expect(200);
    assert_eq!(org.owner.get(&format!("/members/{account}")).expect(200)["role"], "admin");
}

/// Every state, and what becomes of it by each verb: the status, the code, and the state behind it.
#[test]
fn what_has_ended_stays_ended() {
    let org = Org::new(app(), "states");
    let brings = |state: &str, id: &str, caller: &Client| match state {
        "accepted" => answer(caller, id, "accept").expect(200),
        "declined" => answer(caller, id, "decline").expect(200),
        "revoked" => org.owner.act(&format!("/invitations/{id}/revoke")).expect(200),
        "expired" => {
            passes(&org, id);
            org.owner.get(&format!("/invitations/{id}")).expect(200)
        }
        _ => org.owner.get(&format!("/invitations/{id}")).expect(200),
    };
    let table = [
        ("pending", "accept", 200, "", "accepted"),
        ("pending", "decline", 200, "", "declined"),
        ("pending", "revoke", 200, "", "revoked"),
        ("accepted", "accept", 409, "wrong_state", "accepted"),
        ("accepted", "decline", 409, "wrong_state", "accepted"),
        ("accepted", "revoke", 409, "wrong_state", "accepted"),
        ("declined", "accept", 409, "wrong_state", "declined"),
        ("declined", "decline", 409, "wrong_state", "declined"),
        ("declined", "revoke", 409, "wrong_state", "declined"),
        ("revoked", "accept", 409, "wrong_state", "revoked"),
        ("revoked", "decline", 409, "wrong_state", "revoked"),
        ("revoked", "revoke", 409, "wrong_state", "revoked"),
        ("expired", "accept", 409, "invitation_expired", "expired"),
        ("expired", "decline", 409, "invitation_expired", "expired"),
        ("expired", "revoke", 409, "wrong_state", "expired"),
    ];
    for (index, (from, verb, status, code, to)) in table.into_iter().enumerate() {
        let email = format!("states-{index}@states.example");
        let id = invite(&org, &email, "guest");
        let caller = verified(app(), &format!("states-{index}"), &email);
        found(&caller, &id);
        brings(from, &id, &caller);
        let found = match verb {
            "revoke" => org.owner.act(&format!("/invitations/{id}/revoke")),
            verb => answer(&caller, &id, verb),
        };
        let said = found.json["code"].as_str().unwrap_or_default();
        assert_eq!((found.status, said), (status, code), "{from} {verb}: {}", found.text);
        assert_eq!(state(&org, &id), to, "{from} {verb}");
        let is_member = org.owner.get(&format!("/members/{}", account_of(&caller))).status == 200;
        assert_eq!(is_member, to == "accepted", "{from} {verb}");
    }
}

/// Lets the time of an invitation pass, in the files themselves: nobody waits an hour for it.
fn passes(org: &Org, id: &str) {
    let data = app().place().data();
    let folders = std::fs::read_dir(data.join("tenants")).unwrap();
    let mut files = folders.map(|folder| folder.unwrap().path().join(format!("{}.db", org.id)));
    let file = files.find(|file| file.exists()).unwrap();
    for path in [file, data.join("registry.db")] {
        let file = rusqlite::Connection::open(path).unwrap();
        file.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        let sql = "update invitations set expires_at = 1 where id = ?1";
        eventually(|| (file.execute(sql, [id]).unwrap() == 1).then_some(()));
    }
}

#[test]
fn the_keeper_writes_down_what_is_over() {
    let org = Org::new(app(), "kept-over");
    let id = invite(&org, "max@kept-over.example", "guest");
    passes(&org, &id);
    let written = "select state from invitations where id = ?1";
    eventually(|| (app().db(&org.id).texts(written, &[&id]) == ["expired"]).then_some(()));
    let actor = "select actor from outbox_events where type = 'invitation.expired'";
    assert_eq!(app().db(&org.id).texts(actor, &[]), ["system:invitations"]);
    eventually(|| (app().db("platform").texts(written, &[&id]) == ["expired"]).then_some(()));
}

#[test]
fn nobody_takes_what_is_for_somebody_else() {
    let org = Org::new(app(), "not-theirs");
    let email = "dee@not-theirs.example";
    let id = invite(&org, email, "admin");
    let dee = verified(app(), "not-theirs-dee", email);
    found(&dee, &id);
    let own_field = app().account("not-theirs-field");
    let path = format!("/v1/platform/accounts/{own_field}");
    app().operator().patch(&path, &json!({"email": email})).expect(200);
    let claims = |name: &str, claims: Value| {
        app().account(name);
        said(app(), name, &claims)
    };
    let others = [
        ("nothing said", claims("not-theirs-a", json!({}))),
        ("not verified", claims("not-theirs-b", json!({"email": email, "email_verified": false}))),
        ("verification not said", claims("not-theirs-c", json!({"email": email}))),
        ("a word", claims("not-theirs-d", json!({"email": email, "email_verified": "true"}))),
        ("a number", claims("not-theirs-e", json!({"email": email, "email_verified": 1}))),
        (
            "another address",
            claims(
                "not-theirs-f",
                json!({"email": "dee@sub.not-theirs.example", "email_verified": true}),
            ),
        ),
        ("no address", claims("not-theirs-g", json!({"email": [email], "email_verified": true}))),
        ("the account's own field", app().person(&own_field)),
        ("one's own word", app().person("local|not-theirs-a")),
    ];
    let own = others[8].1.get("/v1/me").expect(200);
    let change = others[8].1.request("PATCH", "/v1/me").header("if-match", &own.etag());
    change.json(&json!({"email": email})).send().expect(200);
    for (why, caller) in &others {
        assert!(mine(caller).is_empty(), "{why}");
        for verb in ["accept", "decline"] {
            answer(caller, &id, verb).problem(404, "not_found");
        }
    }
    // Nor do those who keep the tenant take it in somebody's place.
    for caller in [&org.owner, &org.admin, &app().operator()] {
        answer(caller, &id, "accept").problem(404, "not_found");
    }
    assert_eq!(state(&org, &id), "pending");
    answer(&dee, &id, "accept").expect(200);
}

#[test]
fn an_account_with_somebodys_address_and_another_subject_gets_nothing_of_theirs() {
    let org = Org::new(app(), "same-address");
    let email = "eve@same-address.example";
    let first = verified(app(), "same-address-first", email);
    let id = invite(&org, email, "admin");
    found(&first, &id);
    answer(&first, &id, "accept").expect(200);
    let second = verified(app(), "same-address-second", email);
    assert!(mine(&second).is_empty());
    assert!(second.column("/v1/me/tenants", "slug").is_empty());
    answer(&second, &id, "accept").problem(409, "wrong_state");
    let name = json!("local|same-address-second");
    let wanted = json!({"tenant": org.slug, "account": name});
    app().host().post("/v1/platform/tokens", &wanted).problem(422, "invalid");
    assert_ne!(account_of(&first), account_of(&second));
}

#[test]
fn an_address_that_is_theirs_no_more_takes_nothing() {
    let org = Org::new(app(), "moved-address");
    let id = invite(&org, "flo@moved-address.example", "guest");
    let flo = verified(app(), "moved-address-flo", "flo@moved-address.example");
    found(&flo, &id);
    let other = json!({"email": "flo@elsewhere.example", "email_verified": true});
    let moved = said(app(), "moved-address-flo", &other);
    assert!(mine(&moved).is_empty());
    answer(&moved, &id, "accept").problem(404, "not_found");
    let heard = app().db("platform").audited("system.hear", "permit");
    assert!(heard >= 2, "what issuers say is written down: {heard}");
}

/// How whoever asked somebody in loses what they gave.
type Fall = fn(&Org, &str);

#[test]
fn what_whoever_asked_may_do_no_more_is_taken_back() {
    let org = Org::new(app(), "demoted");
    let team = org.team("demoted");
    let falls: [(&str, &str, Fall); 4] = [
        ("guest", "role", |org, account| {
            org.owner.patch(&format!("/members/{account}"), &json!({"role": "guest"})).expect(200);
        }),
        ("member", "suspended", |org, account| {
            org.owner.act(&format!("/members/{account}/suspend")).expect(200);
        }),
        ("member", "removed", |org, account| {
            org.owner.delete(&format!("/members/{account}")).expect(204);
        }),
        ("admin", "halted", |_, account| {
            app().host().act(&format!("/v1/platform/accounts/{account}/suspend")).expect(200);
        }),
    ];
    for (role, how, fall) in falls {
        let inviter = org.newcomer(&format!("inviter-{how}"), "admin");
        let client = eventually(|| {
            let wanted = json!({"tenant": org.slug, "account": inviter});
            let minted = app().host().post("/v1/platform/tokens", &wanted);
            (minted.status == 200).then(|| app().bearer(minted["token"].as_str().unwrap()))
        });
        let email = format!("{how}@demoted.example");
        let body = json!({"email": email, "role": role, "team_ids": [team]});
        let id = org.seen_by(&client).post("/invitations", &body).expect(201).id();
        let caller = verified(app(), &format!("demoted-{how}"), &email);
        found(&caller, &id);
        fall(&org, &inviter);
        answer(&caller, &id, "accept").problem(409, "invitation_revoked");
        assert_eq!(state(&org, &id), "revoked", "{how}");
        org.owner.get(&format!("/members/{}", account_of(&caller))).problem(404, "not_found");
    }
}

#[test]
fn an_invitation_is_taken_once_however_many_take_it_at_once() {
    let org = Org::new(app(), "at-once");
    let email = "gil@at-once.example";
    // Two accounts whose issuer says that they have the same address.
    let callers = [verified(app(), "at-once-a", email), verified(app(), "at-once-b", email)];
    let id = invite(&org, email, "guest");
    for caller in &callers {
        found(caller, &id);
    }
    let barrier = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let (caller, id, barrier) = (callers[number % 2].clone(), id.clone(), barrier.clone());
            std::thread::spawn(move || {
                barrier.wait();
                answer(&caller, &id, "accept").status
            })
        })
        .collect();
    let answers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| [200, 409].contains(status)), "{answers:?}");
    let members = org.owner.all("/members?role=guest", 200).len();
    assert_eq!(members, 2, "the organisation's own guest, and one more");
    let created = app().db(&org.id).audited("invitation.accept", "permit");
    assert_eq!(created, 1);
}

#[test]
fn whoever_asks_gives_no_more_than_they_may() {
    let org = Org::new(app(), "givers");
    let team = org.team("givers");
    let new = |role: &str, tag: &str| json!({"email": format!("{role}-{tag}@givers.example"), "role": role});
    org.admin.post("/invitations", &new("owner", "a")).problem(403, "forbidden");
    org.admin.post("/invitations", &new("admin", "a")).expect(201);
    org.member.post("/invitations", &new("guest", "m")).problem(403, "forbidden");
    // Somebody whose custom role lets them ask people in, and no more.
    let role = org.role("inviters", &json!(["invitation.create", "member.create"]));
    org.assign(&role, &org.account("member"));
    org.member.post("/invitations", &new("guest", "b")).expect(201);
    org.member.post("/invitations", &new("admin", "b")).problem(403, "forbidden");
    let mut placed = new("guest", "c");
    placed["team_ids"] = json!([team]);
    org.member.post("/invitations", &placed).problem(403, "forbidden");
    // Whoever has it as a guest has nothing by it.
    org.assign(&role, &org.account("guest"));
    org.guest.post("/invitations", &new("guest", "d")).problem(403, "forbidden");
    // What the team has, they would give.
    let strong = org.role("strong", &json!(["audit.list"]));
    org.assign(&strong, &team);
    let placers = org.role("placers", &json!(["team.read", "team_member.update"]));
    org.assign(&placers, &org.account("member"));
    let found = org.member.post("/invitations", &placed).problem(403, "exceeds_granter");
    assert_eq!(found.fields(), ["/team_ids/0"]);
    let pattern = json!({"name": "takers", "permissions": ["invitation.accept"]});
    let found = org.owner.post("/roles", &pattern).problem(422, "invalid");
    assert_eq!(found.fields(), ["/permissions/0"]);
    org.role("all-of-it", &json!(["invitation.*"]));
}

#[test]
fn what_cannot_be_accepted_is_told_by_field() {
    let org = Org::new(app(), "by-field");
    let fields = |body: Value| {
        let found = org.owner.post("/invitations", &body).problem(422, "invalid");
        found.fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let identity = json!({"issuer": "local", "subject": "x"});
    assert_eq!(fields(json!({"role": "guest"})), ["/email"]);
    let both = json!({"role": "guest", "email": "a@b.example", "identity": identity});
    assert_eq!(fields(both), ["/email"]);
    let of = |more: Value| {
        let mut body = json!({"email": "a@b.example", "role": "guest"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for seconds in [0, 3599, 2_592_001] {
        assert_eq!(fields(of(json!({"expires_in_s": seconds}))), ["/expires_in_s"]);
    }
    let nobody = "01890000-0000-7000-8000-000000000000";
    let team = org.team("fields");
    assert_eq!(
        fields(of(json!({"team_ids": [team, nobody, team]}))),
        ["/team_ids/1", "/team_ids/2"]
    );
    assert_eq!(fields(of(json!({"email": "nowhere"}))), ["/email"]);
    assert_eq!(fields(of(json!({"state": "accepted"}))).len(), 1);
    assert_eq!(fields(of(json!({"role": "king"}))), ["/role"]);
    invite(&org, "a@b.example", "guest");
    org.owner
        .post("/invitations", &of(json!({"email": "A@B.example"})))
        .problem(409, "already_invited");
}

#[test]
fn several_are_asked_in_together_or_none() {
    let org = Org::new(app(), "several-asked");
    let one =
        |number: usize| json!({"email": format!("{number}@several.example"), "role": "guest"});
    let many = |count: usize| json!({"invitations": (0..count).map(one).collect::<Vec<_>>()});
    let bulk = |body: &Value| org.owner.post("/invitations/bulk", body);
    for count in [0, 201] {
        assert_eq!(bulk(&many(count)).problem(422, "invalid").fields(), ["/invitations"]);
    }
    let mut wrong = many(5);
    wrong["invitations"][1]["expires_in_s"] = json!(1);
    wrong["invitations"][3]["email"] = json!("0@several.example");
    wrong["invitations"][4]["team_ids"] = json!(["01890000-0000-7000-8000-000000000000"]);
    let found = bulk(&wrong).problem(422, "invalid");
    let expected = ["/invitations/1/expires_in_s", "/invitations/3", "/invitations/4/team_ids/0"];
    assert_eq!(found.fields(), expected);
    assert!(org.owner.all("/invitations", 200).is_empty(), "none was made");
    let made = bulk(&many(200)).expect(200);
    assert_eq!(made["items"].as_array().unwrap().len(), 200);
    assert_eq!(made["items"][7]["email"], "7@several.example");
    assert_eq!(org.owner.all("/invitations", 50).len(), 200);
    let one = org.owner.get("/invitations?email=7@SEVERAL.example&state=pending").expect(200);
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
}

/// Puts invitations into a tenant's file, and the registry's projection of it: thousands would take their time.
fn put(org: &Org, group: &str, count: i64, state: &str) {
    let inviter = org.account("owner");
    for (file, tail) in [(org.id.as_str(), "invited_by"), ("platform", "outbox_seq")] {
        let db = rusqlite::Connection::open(Db::path(app().place(), file)).unwrap();
        db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        let (columns, values) = match tail {
            "invited_by" => ("invited_by, teams, updated_at", "?4, '[]', 0"),
            _ => ("outbox_seq", "length(?4)"),
        };
        let sql = format!(
            "with recursive n (n) as (select 1 union all select n + 1 from n where n < ?1)
            insert into invitations (id, tenant_id, address, email, role, state, message, expires_at, created_at, {columns})
            select printf('01890000-0000-7000-{group}-%012d', n), ?2, n || '@put.example', n || '@put.example', 'guest',
                ?3, '', 9000000000000000, 0, {values} from n"
        );
        db.execute(&sql, rusqlite::params![count, org.id, state, inviter]).unwrap();
    }
}

#[test]
fn ten_thousand_invitations_of_a_tenant_are_pending_at_most() {
    let org = Org::new(app(), "pending-limit");
    put(&org, "8001", 9_900, "pending");
    let many = |from: usize, count: usize| {
        let one = |n| json!({"email": format!("{n}@pending.example"), "role": "guest"});
        let all: Vec<_> = (from..from + count).map(one).collect();
        org.owner.post("/invitations/bulk", &json!({"invitations": all}))
    };
    many(0, 101).problem(409, "invitation_limit");
    let made = many(0, 99).expect(200);
    let one =
        |email: &str| org.owner.post("/invitations", &json!({"email": email, "role": "guest"}));
    one("last@pending.example").expect(201);
    one("more@pending.example").problem(409, "invitation_limit");
    many(200, 1).problem(409, "invitation_limit");
    let first = made["items"][0]["id"].as_str().unwrap();
    org.owner.act(&format!("/invitations/{first}/revoke")).expect(200);
    one("more@pending.example").expect(201);
    let count = "select count(*) from invitations where tenant_id = ?1 and state = 'pending'";
    for file in [org.id.as_str(), "platform"] {
        eventually(|| (app().db(file).number(count, &[&org.id]) == 10_000).then_some(()));
    }
}

#[test]
fn a_thousand_invitations_that_have_ended_are_kept_in_both_files() {
    let org = Org::new(app(), "ended-limit");
    put(&org, "8002", 999, "revoked");
    let count = "select count(*) from invitations where tenant_id = ?1 and state <> 'pending'";
    let waits = invite(&org, "waits@ended.example", "guest");
    for n in 0..3 {
        let id = invite(&org, &format!("{n}@ended.example"), "guest");
        org.owner.act(&format!("/invitations/{id}/revoke")).expect(200);
        assert_eq!(app().db(&org.id).number(count, &[&org.id]), 1_000);
        org.owner.get(&format!("/invitations/{id}")).expect(200);
    }
    org.owner.get("/invitations/01890000-0000-7000-8002-000000000002").problem(404, "not_found");
    org.owner.get("/invitations/01890000-0000-7000-8002-000000000003").expect(200);
    assert_eq!(state(&org, &waits), "pending");
    let ids = "select id from invitations where tenant_id = ?1 order by id";
    let here = app().db(&org.id).texts(ids, &[&org.id]);
    eventually(|| (app().db("platform").texts(ids, &[&org.id]) == here).then_some(()));
}

#[test]
fn what_is_over_is_seen_at_once_and_makes_room() {
    let org = Org::new(app(), "over");
    let email = "hal@over.example";
    let id = invite(&org, email, "guest");
    let hal = verified(app(), "over-hal", email);
    found(&hal, &id);
    passes(&org, &id);
    assert_eq!(state(&org, &id), "expired");
    let listed = |state: &str| org.owner.column(&format!("/invitations?state={state}"), "id");
    assert!(listed("pending").is_empty());
    assert_eq!(listed("expired"), std::slice::from_ref(&id));
    org.owner.act(&format!("/invitations/{id}/revoke")).problem(409, "wrong_state");
    // They can be asked again, and what was over is closed by it.
    let again = invite(&org, email, "guest");
    let written = "select state from invitations order by id";
    assert_eq!(app().db(&org.id).texts(written, &[]), ["expired", "pending"]);
    found(&hal, &again);
    answer(&hal, &again, "accept").expect(200);
}

#[test]
fn whoever_is_out_of_service_takes_nothing() {
    let org = Org::new(app(), "no-service");
    let email = "ida@no-service.example";
    let id = invite(&org, email, "guest");
    let ida = verified(app(), "no-service-ida", email);
    found(&ida, &id);
    let operator = app().operator();
    operator.act("/v1/platform/tenants/no-service/suspend").expect(200);
    assert!(mine(&ida).is_empty(), "a tenant that is out of service asks nobody");
    answer(&ida, &id, "accept").problem(403, "tenant_suspended");
    operator.act("/v1/platform/tenants/no-service/resume").expect(200);
    let account = account_of(&ida);
    operator.act(&format!("/v1/platform/accounts/{account}/suspend")).expect(200);
    answer(&ida, &id, "accept").problem(404, "not_found");
    ida.get(MINE).problem(404, "not_found");
    operator.act(&format!("/v1/platform/accounts/{account}/resume")).expect(200);
    let narrow = json!({"email": email, "email_verified": true, "scope": "resources:read"});
    answer(&said(app(), "no-service-ida", &narrow), &id, "accept").problem(404, "not_found");
    let wide = json!({"email": email, "email_verified": true, "scope": "account:write"});
    answer(&said(app(), "no-service-ida", &wide), &id, "accept").expect(200);
}

#[test]
fn a_suspended_member_stays_one_whoever_asks_them_in() {
    let org = Org::new(app(), "stays-out");
    let email = "jan@stays-out.example";
    let jan = verified(app(), "stays-out-jan", email);
    let account = account_of(&jan);
    org.owner.post("/members", &json!({"account_id": account, "role": "guest"})).expect(201);
    org.owner.act(&format!("/members/{account}/suspend")).expect(200);
    // Of an address it is not told whose it is.
    let id = invite(&org, email, "admin");
    found(&jan, &id);
    answer(&jan, &id, "accept").problem(409, "already_member");
    let member = org.owner.get(&format!("/members/{account}")).expect(200);
    assert_eq!((&member["role"], &member["state"]), (&json!("guest"), &json!("suspended")));
    assert_eq!(state(&org, &id), "pending");
}

#[test]
fn the_same_request_twice_is_answered_alike() {
    let org = Org::new(app(), "twice-taken");
    let email = "kai@twice-taken.example";
    let id = invite(&org, email, "guest");
    let kai = verified(app(), "twice-taken-kai", email);
    found(&kai, &id);
    let take = || {
        let request = kai.request("POST", &format!("{MINE}/{id}/accept"));
        request.header("idempotency-key", "twice-taken").send().expect(200)
    };
    let (first, again) = (take(), take());
    assert_eq!(first["state"], "accepted");
    assert_eq!(first.text, again.text);
}

#[test]
fn recycled_addresses_members_and_slugs_bring_no_old_authority_back() {
    let rounds = 1_000;
    let org = Org::new(app(), "recycled");
    let (email, role) = ("lou@recycled.example", org.role("old", &json!(["audit.list"])));
    let lou = verified(app(), "recycled-lou", email);
    let account = account_of(&lou);
    let team = org.team("recycled");
    let (path, mut slug) = (format!("/members/{account}"), org.slug.clone());
    let operator = app().operator();
    let mut owner = org.owner.clone();
    for round in 0..rounds {
        let id =
            owner.post("/invitations", &json!({"email": email, "role": "guest"})).expect(201).id();
        found(&lou, &id);
        answer(&lou, &id, "accept").expect(200);
        let member = owner.get(&path).expect(200);
        assert_eq!(member["role"], "guest", "round {round}: what they were before is gone");
        let places = owner.get(&format!("/teams/{team}/members/{account}")).status;
        assert_eq!(places, 404, "round {round}: no old place");
        let assigned = owner.get(&format!("/roles/{role}/assignments/{account}")).status;
        assert_eq!(assigned, 404, "round {round}: no old role");
        answer(&lou, &id, "accept").problem(409, "wrong_state");
        // They rise, and go.
        owner.patch(&path, &json!({"role": "admin"})).expect(200);
        owner
            .put_new(&format!("/teams/{team}/members/{account}"), &json!({"role": "maintainer"}))
            .done();
        owner.put_bare(&format!("/roles/{role}/assignments/{account}")).done();
        owner.delete(&path).expect(204);
        let next = format!("recycled-{round}");
        let place = format!("/v1/platform/tenants/{slug}");
        operator.patch(&place, &json!({"slug": next})).expect(200);
        operator.get(&format!("/v1/platform/tenants/{slug}")).problem(404, "not_found");
        let taken = json!({"slug": slug, "name": "Another"});
        operator.post("/v1/platform/tenants", &taken).problem(409, "slug_taken");
        slug = next;
        owner = owner.at(&format!("/v1/tenants/{slug}"));
    }
}
