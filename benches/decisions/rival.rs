//! The same rules in `casbin`: roles with domains, a domain a tenant.

use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};

use super::organisation::{ACTIONS, Organisation, slug};

const MODEL: &str = r#"
[request_definition]
r = sub, dom, obj, act

[policy_definition]
p = sub, dom, obj, act

[role_definition]
g = _, _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.dom == p.dom && (p.obj == "*" || r.obj == p.obj) && r.act == p.act && g(r.sub, p.sub, r.dom)
"#;

/// An enforcer with the rules of so many tenants.
pub(crate) struct Rival(Enforcer);

impl Rival {
    pub(crate) fn of(organisation: &Organisation, tenants: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let model = DefaultModel::from_str(MODEL).await.expect("a model");
            let mut enforcer =
                Enforcer::new(model, MemoryAdapter::default()).await.expect("an enforcer");
            for number in 0..tenants {
                let tenant = slug(number);
                let rules = rules(organisation, &tenant);
                enforcer.add_policies(rules).await.expect("policies");
                let groups = groups(organisation, &tenant);
                enforcer.add_grouping_policies(groups).await.expect("groups");
            }
            Self(enforcer)
        })
    }

    pub(crate) fn allows(&self, person: &str, tenant: &str, resource: &str, action: &str) -> bool {
        self.0.enforce((person, tenant, resource, action)).expect("a decision")
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What owners, members, teams and people may do.
fn rules(organisation: &Organisation, tenant: &str) -> Vec<Vec<String>> {
    let mut rules: Vec<Vec<String>> =
        ACTIONS.iter().map(|(action, _)| words(&["owners", tenant, "*", action])).collect();
    for resource in &organisation.resources {
        let name = resource.name.as_str();
        // The workspace is the tenant's: what is visible in it is visible to all members.
        if resource.visibility != "private" {
            rules.push(words(&["members", tenant, name, "resource.read"]));
        }
        for grant in &resource.acl {
            let who = grant.team.as_ref().map(|team| format!("team {team}"));
            let who = who.or(grant.account.clone()).expect("somebody");
            let level = |permission: &str| {
                ["read", "write", "admin"].iter().position(|word| *word == permission)
            };
            let given =
                ACTIONS.iter().filter(|(_, needed)| level(needed) <= level(&grant.permission));
            rules.extend(given.map(|(action, _)| words(&[&who, tenant, name, action])));
        }
    }
    rules.sort();
    rules.dedup();
    rules
}

/// Who belongs to what.
fn groups(organisation: &Organisation, tenant: &str) -> Vec<Vec<String>> {
    let mut groups = Vec::new();
    for owner in &organisation.owners {
        groups.push(words(&[owner, "owners", tenant]));
        groups.push(words(&[owner, "members", tenant]));
    }
    groups.extend(organisation.members.iter().map(|member| words(&[member, "members", tenant])));
    for team in &organisation.teams {
        let name = format!("team {}", team.name);
        let people = team.maintainers.iter().chain(&team.members);
        groups.extend(people.map(|person| words(&[person, &name, tenant])));
        if let Some(parent) = &team.parent {
            groups.push(words(&[&name, &format!("team {parent}"), tenant]));
        }
    }
    groups.sort();
    groups.dedup();
    groups
}
