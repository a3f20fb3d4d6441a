"""Bugs that would cost somebody their data or their secrets, and the tests that must notice them.

A bug is a file, what stands there, what shall stand there instead, and the arguments of `cargo test` whose run must fail.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    name: str
    file: str
    old: str
    new: str
    test: str


BUGS = [
    Bug(
        "whoever has a token reaches every tenant",
        "src/http/resolution.rs",
        "        (Subject::Account(_) | Subject::ServiceAccount(_), own) => Sight::Own(own),",
        "        (Subject::Account(_) | Subject::ServiceAccount(_), _) => Sight::Every,",
        "--test it isolation",
    ),
    Bug(
        "a write is acknowledged though its commit failed",
        "src/storage/queue.rs",
        "            job.finish(&committed);",
        "            job.finish(&Ok(()));",
        "-p freehold-rig --test rig",
    ),
    Bug(
        "a commit need not reach the disk",
        "src/storage/engine/sqlite/contract.rs",
        'name: "synchronous", value: "2"',
        'name: "synchronous", value: "1"',
        "-p freehold-rig --test rig",
    ),
    Bug(
        "readers have no authorizer",
        "src/storage/engine/sqlite/conn.rs",
        "                self.raw.authorizer(Some(authorizer::reader(authorizer::accessors(&suffix))))?;",
        "",
        "--lib",
    ),
    Bug(
        "rows are written whatever was permitted",
        "src/storage/engine/sqlite/conn.rs",
        "                row_security::install_triggers(&self.raw, &suffix)?;\n",
        "",
        "--lib",
    ),
    Bug(
        "everybody has every principal",
        "src/storage/engine/sqlite/functions.rs",
        "        self.set.contains(id)\n",
        "        !id.is_empty()\n",
        "--test rule random",
    ),
    Bug(
        "a session outlives its caller",
        "src/storage/engine/sqlite/conn.rs",
        "        *self.conn.session.lock() = self.previous.take();",
        "        drop(self.previous.take());",
        "--lib",
    ),
    Bug(
        "forwarded headers count from anybody",
        "src/http/forwarded.rs",
        "is_some_and(|peer| proxies.iter().any(|proxy| proxy.to_canonical() == peer))",
        "is_none_or(|peer| proxies.iter().all(|proxy| proxy.to_canonical() != peer))",
        "--test it disagreement",
    ),
    Bug(
        "two headers that name a tenant: the first one wins",
        "src/http/forwarded.rs",
        "    if second.is_some() {\n        return Err(Error::TenantConflict);\n    }\n    first.map",
        "    drop(second);\n    first.map",
        "--test it disagreement",
    ),
    Bug(
        "a cursor is good in every tenant",
        "src/http/cursor.rs",
        "[scope.tenant.as_bytes(), scope.list.as_bytes(), scope.filter.as_bytes(), position]",
        "[scope.list.as_bytes(), scope.filter.as_bytes(), position]",
        "--test it cursors",
    ),
    Bug(
        "a token for somebody else is accepted",
        "src/identity/verifier/mod.rs",
        "        rules.set_audience(&[&self.audience]);",
        "        rules.validate_aud = false;",
        "--test it tokens",
    ),
    Bug(
        "what the registry said once is true for ever",
        "src/storage/registry/facts.rs",
        "        if let Some((kept, entry)) = self.accounts.get(&account)\n            && kept == epoch\n        {",
        "        if let Some((_, entry)) = self.accounts.get(&account) {",
        "--test it revocation",
    ),
    Bug(
        "any file is opened that lies in a tenant's place",
        "src/storage/identity.rs",
        "        Some((tenant, file)) if tenant == entry.id && file == entry.file_id => Ok(()),",
        "        Some(_) => Ok(()),",
        "--test store",
    ),
    Bug(
        "an older copy of a file is as good",
        "src/storage/identity.rs",
        "    if has_the_anchor { Ok(()) } else { Err(Error::File(FileProblem::RolledBack)) }",
        "    let _ = has_the_anchor;\n    Ok(())",
        "--test store",
    ),
    Bug(
        "a migration that fails leaves its half",
        "src/storage/engine/sqlite/migrations.rs",
        ".set_grouped(true)",
        ".set_grouped(false)",
        "--test store",
    ),
    Bug(
        "a refusal leaves no trace",
        "src/storage/door/trail.rs",
        "    let here = is_written(&**door, &trace.record).then(",
        "    let here = false.then(",
        "--test it isolation",
    ),
    Bug(
        "an approved entry is good for every operator",
        "src/storage/registry/break_glass.rs",
        "(is_open && self.tenant == tenant && self.account == account)",
        "(is_open && self.tenant == tenant && account == account)",
        "--test it break_glass",
    ),
    Bug(
        "whoever may write roles gives what they like",
        "src/services/roles/granting.rs",
        "    if exceeding.is_empty() { Ok(()) } else { Err(Error::ExceedsGranter(exceeding)) }",
        "    let _ = exceeding;\n    Ok(())",
        "--test it escalation",
    ),
    Bug(
        "an unknown scope leaves everything",
        "src/policy/mod.rs",
        "        declared.is_some_and(|one| one.actions.covers(action))",
        "        declared.is_none_or(|one| one.actions.covers(action))",
        "--test it scopes",
    ),
    Bug(
        "what the external decision point consented to is not compared",
        "src/storage/door/consent.rs",
        "        if self.is_for(door, call, target, facts)? {\n            return Ok(());",
        "        if self.is_for(door, call, target, facts).is_ok() {\n            return Ok(());",
        "--test it external",
    ),
    Bug(
        "a request is done as often as it is sent",
        "src/storage/idempotency.rs",
        "    let Some(idempotency) = &call.idempotency else { return Ok(None) };\n    let found",
        "    let Some(idempotency) = call.idempotency.as_ref().filter(|_| false) else { return Ok(None) };\n    let found",
        "--test it idempotency",
    ),
    Bug(
        "another site can have a session change things",
        "src/http/login.rs",
        "        if is_ours && is_token { Ok(()) }",
        "        if is_ours || is_token { Ok(()) }",
        "--test it sessions",
    ),
    Bug(
        "a session that has ended goes on",
        "src/storage/registry/sessions.rs",
        "        if entry.is_ended || entry.expires_at <= now {",
        "        if entry.expires_at <= now {",
        "--test it sessions",
    ),
    Bug(
        "a session's cookie counts on every host",
        "src/http/authentication.rs",
        "    let caller = if login.is_here(request, &state.settings)? {",
        "    let caller = if !login.settings.host.is_empty() {",
        "--test it sessions",
    ),
    Bug(
        "a log-in is done as often as it comes back",
        "src/http/login.rs",
        "        if first { Ok(pending) }",
        "        if first || !state.is_empty() { Ok(pending) }",
        "--test it login",
    ),
    Bug(
        "a log-in ends where another site says",
        "src/domain/session.rs",
        "        let is_path = text.starts_with('/') && !text.starts_with(\"//\");",
        "        let is_path = text.starts_with('/');",
        "--test it login",
    ),
    Bug(
        "a log-in is linked to whichever session is there",
        "src/http/visit.rs",
        "        if session != asked {",
        "        if session == SessionId(uuid::Uuid::nil()) {",
        "--test it identities",
    ),
    Bug(
        "an address that nobody vouches for lets somebody in",
        "src/services/sessions.rs",
        "        email_verified: said.is_some_and(|(_, is_verified)| *is_verified),",
        "        email_verified: said.is_some(),",
        "--test it login",
    ),
    Bug(
        "an invitation outlives what whoever asked may do",
        "src/services/invitations.rs",
        "    if !inviter_may(tx, &found, &team_ids, account)? {",
        "    if !inviter_may(tx, &found, &team_ids, account)? && team_ids.len() > 99 {",
        "--test it invitations",
    ),
    Bug(
        "a key takes any word as a scope",
        "src/services/api_keys/mod.rs",
        "    if unknown.is_empty() { Ok(()) }",
        "    if unknown.len() < 99 { Ok(()) }",
        "--test it api_keys",
    ),
    Bug(
        "a token that was taken back goes on",
        "src/storage/registry/credentials.rs",
        "        let is_live = !is_revoked(Sql::on(&conn), &name)?;",
        "        let is_live = !is_revoked(Sql::on(&conn), &name)? || !name.1.is_empty();",
        "--test it revocation",
    ),
    Bug(
        "a tenant's issuer names another tenant",
        "src/identity/verifier/mod.rs",
        "            verified.tenant = Some(issuer.tenant);",
        "            verified.tenant = verified.tenant.or(None);",
        "--test it issuers",
    ),
    Bug(
        "a directory in which nothing was begun is taken for an installation",
        "src/cli/mod.rs",
        "    if !arguments.verb.may_begin() {",
        "    if arguments.verb.serves() {",
        "--test it cli",
    ),
]
