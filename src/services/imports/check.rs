//! Reading an import file, and finding everything that is wrong with it before anything is done.

use std::collections::{HashMap, HashSet};

use crate::domain::{
    IdentityPart, ImportFile, ImportProblem, ImportResource, ImportTeam, ImportTenant,
    ImportWorkspace, ImportWorkspaceOwner, Name, ResourceType, ResourceTypeName, Slug, Team,
};

/// Reads a file's text.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse(text: &[u8]) -> Result<ImportFile, ImportProblem> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let file: ImportFile = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        ImportProblem { pointer, detail: error.into_inner().to_string() }
    })?;
    reader
        .end()
        .map_err(|error| ImportProblem { pointer: String::new(), detail: error.to_string() })?;
    Ok(file)
}

/// A path as a JSON pointer (RFC 6901).
#[must_use]
pub fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segments = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    segments.fold(String::new(), |pointer, segment| format!("{pointer}/{segment}"))
}

/// Everything that is wrong with a file; empty where nothing is.
#[must_use]
pub fn check(file: &ImportFile) -> Vec<ImportProblem> {
    let mut problems = Problems::default();
    if file.format != ImportFile::FORMAT {
        problems.add("/format", format!("must be {:?}", ImportFile::FORMAT));
    }
    let mut types: HashSet<&str> = ResourceType::BUILT_IN.iter().copied().collect();
    types.extend(file.resource_types.iter().map(|kind| kind.name.as_str()));
    let mut slugs: HashSet<&Slug> = HashSet::new();
    for (index, tenant) in file.tenants.iter().enumerate() {
        let place = format!("/tenants/{index}");
        if !slugs.insert(&tenant.slug) {
            problems
                .add(format!("{place}/slug"), format!("{} stands twice in the file", tenant.slug));
        }
        Checker::new(tenant, &types, place, &mut problems).check();
    }
    problems.0
}

#[derive(Default)]
struct Problems(Vec<ImportProblem>);

impl Problems {
    fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(ImportProblem { pointer: pointer.into(), detail: detail.into() });
    }
}

/// Checks one tenant's part.
struct Checker<'a> {
    tenant: &'a ImportTenant,
    types: &'a HashSet<&'a str>,
    place: String,
    people: HashSet<&'a IdentityPart>,
    teams: HashMap<&'a Name, &'a ImportTeam>,
    workspaces: HashSet<&'a Name>,
    problems: &'a mut Problems,
}

impl<'a> Checker<'a> {
    fn new(
        tenant: &'a ImportTenant,
        types: &'a HashSet<&'a str>,
        place: String,
        problems: &'a mut Problems,
    ) -> Self {
        Self {
            tenant,
            types,
            place,
            people: HashSet::new(),
            teams: tenant.teams.iter().map(|team| (&team.name, team)).collect(),
            workspaces: HashSet::new(),
            problems,
        }
    }

    fn check(mut self) {
        let tenant = self.tenant;
        self.people();
        let mut names = HashSet::new();
        for (index, team) in tenant.teams.iter().enumerate() {
            if !names.insert(&team.name) {
                self.problem(
                    format!("teams/{index}/name"),
                    format!("team {} stands twice", team.name),
                );
            }
            self.team(index, team);
        }
        for (index, workspace) in tenant.workspaces.iter().enumerate() {
            self.workspace(index, workspace);
        }
        let mut keys = HashSet::new();
        for (index, resource) in tenant.resources.iter().enumerate() {
            if !keys.insert((&resource.kind, &resource.workspace, &resource.name)) {
                let detail =
                    format!("{} {} stands twice in its workspace", resource.kind, resource.name);
                self.problem(format!("resources/{index}/name"), detail);
            }
            self.resource(index, resource);
        }
    }

    fn problem(&mut self, place: impl AsRef<str>, detail: impl Into<String>) {
        self.problems.add(format!("{}/{}", self.place, place.as_ref()), detail);
    }

    fn people(&mut self) {
        let tenant = self.tenant;
        if tenant.owners.is_empty() {
            self.problem("owners", "a tenant has at least one owner");
        }
        let lists = [
            ("owners", &tenant.owners),
            ("admins", &tenant.admins),
            ("members", &tenant.members),
            ("guests", &tenant.guests),
        ];
        for (list, subjects) in lists {
            for (index, subject) in subjects.iter().enumerate() {
                if !self.people.insert(subject) {
                    self.problem(
                        format!("{list}/{index}"),
                        format!("{subject} has a role here already"),
                    );
                }
            }
        }
    }

    fn known_person(&mut self, place: String, subject: &IdentityPart) {
        if !self.people.contains(subject) {
            self.problem(place, format!("{subject} is no member of this tenant"));
        }
    }

    fn team(&mut self, index: usize, team: &'a ImportTeam) {
        let place = format!("teams/{index}");
        if let Some(parent) = &team.parent
            && !self.teams.contains_key(parent)
        {
            self.problem(format!("{place}/parent"), format!("no team is called {parent}"));
        }
        match self.depth(team) {
            None => {
                self.problem(format!("{place}/parent"), "the team would be an ancestor of itself");
            }
            Some(depth) if depth > Team::MAX_DEPTH => {
                self.problem(
                    format!("{place}/parent"),
                    format!("teams nest at most {} deep", Team::MAX_DEPTH),
                );
            }
            Some(_) => {}
        }
        let mut seen = HashSet::new();
        for (list, subjects) in [("maintainers", &team.maintainers), ("members", &team.members)] {
            for (entry, subject) in subjects.iter().enumerate() {
                let place = format!("{place}/{list}/{entry}");
                if !seen.insert(subject) {
                    self.problem(&place, format!("{subject} stands twice in this team"));
                }
                self.known_person(place, subject);
            }
        }
    }

    /// How deep a team stands, the outermost at 1; `None` in a circle.
    fn depth(&self, team: &ImportTeam) -> Option<usize> {
        let mut depth = 1;
        let mut parent = team.parent.as_ref();
        while let Some(team) = parent.and_then(|name| self.teams.get(name)) {
            depth += 1;
            if depth > self.teams.len() {
                return None;
            }
            parent = team.parent.as_ref();
        }
        Some(depth)
    }

    fn workspace(&mut self, index: usize, workspace: &'a ImportWorkspace) {
        let place = format!("workspaces/{index}");
        if !self.workspaces.insert(&workspace.name) {
            self.problem(
                format!("{place}/name"),
                format!("workspace {} stands twice", workspace.name),
            );
        }
        match &workspace.owner {
            ImportWorkspaceOwner::Tenant => {}
            ImportWorkspaceOwner::Team(team) => {
                self.known_team(format!("{place}/owner/team"), team);
            }
            ImportWorkspaceOwner::Account(subject) => {
                self.known_person(format!("{place}/owner/account"), subject);
            }
        }
    }

    fn known_team(&mut self, place: String, name: &Name) {
        if !self.teams.contains_key(name) {
            self.problem(place, format!("no team is called {name}"));
        }
    }

    fn resource(&mut self, index: usize, resource: &'a ImportResource) {
        let place = format!("resources/{index}");
        self.known_type(format!("{place}/type"), &resource.kind);
        if !self.workspaces.contains(&resource.workspace) {
            self.problem(
                format!("{place}/workspace"),
                format!("no workspace is called {}", resource.workspace),
            );
        }
        let mut seen = HashSet::new();
        for (entry, acl) in resource.acl.iter().enumerate() {
            let place = format!("{place}/acl/{entry}");
            if !seen.insert((&acl.team, &acl.account)) {
                self.problem(&place, "the same principal stands twice");
            }
            match (&acl.team, &acl.account) {
                (Some(team), None) => self.known_team(format!("{place}/team"), team),
                (None, Some(subject)) => self.known_person(format!("{place}/account"), subject),
                _ => self.problem(&place, "must name either a team or an account"),
            }
        }
    }

    fn known_type(&mut self, place: String, kind: &ResourceTypeName) {
        if !self.types.contains(kind.as_str()) {
            self.problem(
                place,
                format!("{kind} is neither built in nor in the file's resource_types"),
            );
        }
    }
}
