//! The organisation that is asked about, and the questions.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

/// A team of the import file.
#[derive(Deserialize, Clone)]
pub(crate) struct Team {
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    #[serde(default)]
    pub(crate) maintainers: Vec<String>,
    #[serde(default)]
    pub(crate) members: Vec<String>,
}

/// A grant of the import file.
#[derive(Deserialize, Clone)]
pub(crate) struct Grant {
    pub(crate) team: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) permission: String,
}

/// A resource of the import file.
#[derive(Deserialize, Clone)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) visibility: String,
    #[serde(default)]
    pub(crate) acl: Vec<Grant>,
}

/// A tenant of the import file, as far as it matters here.
#[derive(Deserialize, Clone)]
pub(crate) struct Organisation {
    pub(crate) slug: String,
    pub(crate) owners: Vec<String>,
    pub(crate) members: Vec<String>,
    pub(crate) teams: Vec<Team>,
    pub(crate) resources: Vec<Resource>,
    #[serde(skip)]
    whole: Value,
}

/// What may be done to a resource, and the permission that it needs.
pub(crate) const ACTIONS: [(&str, &str); 4] = [
    ("resource.read", "read"),
    ("resource.update", "write"),
    ("resource.delete", "admin"),
    ("resource.share", "admin"),
];

impl fmt::Display for Organisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} people, {} teams, {} resources",
            self.slug,
            self.owners.len() + self.members.len(),
            self.teams.len(),
            self.resources.len()
        )
    }
}

impl Organisation {
    /// The one with the most people.
    pub(crate) fn largest() -> Self {
        let place = std::env::var_os("FREEHOLD_TEST_DATA").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
            PathBuf::from,
        );
        let text = std::fs::read_to_string(place.join("organizations.json"))
            .expect("FREEHOLD_TEST_DATA names no directory with organizations.json");
        let mut file: Value = serde_json::from_str(&text).expect("an import file");
        let tenants = file["tenants"].as_array().expect("tenants").clone();
        let largest = tenants.iter().max_by_key(|it| it["members"].as_array().map_or(0, Vec::len));
        file["tenants"] = json!([largest]);
        let mut this: Self = serde_json::from_value(file["tenants"][0].clone()).expect("a tenant");
        this.whole = file;
        this
    }

    /// An import file in which it stands so many times, each under a slug of its own.
    pub(crate) fn times(&self, count: usize) -> String {
        let mut file = self.whole.clone();
        let one = file["tenants"][0].clone();
        let copy = |number: usize| {
            let mut copy = one.clone();
            copy["slug"] = json!(slug(number));
            copy
        };
        file["tenants"] = (0..count).map(copy).collect();
        file.to_string()
    }

    /// An owner, somebody in a team three levels down, and a stranger.
    pub(crate) fn people(&self) -> [(&'static str, String); 3] {
        let parent = |name: &str| self.teams.iter().find(|team| team.name == name)?.parent.clone();
        let deep = self.teams.iter().filter(|team| {
            team.parent.as_deref().and_then(parent).is_some_and(|top| parent(&top).is_none())
        });
        let nested = deep
            .flat_map(|team| &team.members)
            .find(|person| !self.owners.contains(person))
            .expect("a team three levels down");
        [
            ("owner", self.owners[0].clone()),
            ("team member three levels down", nested.clone()),
            ("stranger", "person-never-was".to_owned()),
        ]
    }
}

/// The slug of a copy.
pub(crate) fn slug(number: usize) -> String {
    format!("copy-{number}")
}
