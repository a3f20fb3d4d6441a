-- A tenant's file: its one organization, its people, teams, workspaces and resources, and what it writes down.
--
-- Encodings: ids are lower-case UUIDv7 text, times integers of microseconds since 1970 UTC, JSON is text.
-- Every table names the tenant and references the file's one organization: a row in the wrong file is impossible.

create table organizations (
    id text not null primary key,
    -- Exactly one row: a second one would need a second 1.
    singleton integer not null default 1 unique check (singleton = 1),
    name text not null,
    description text not null default '',
    kind text not null check (kind in ('organization', 'personal')),
    row_security text not null default 'enforce' check (row_security in ('off', 'shadow', 'enforce')),
    -- Counts the changes of who may do what, so that what is known of a caller can be kept until it moves.
    authority_version integer not null default 1,
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create trigger organizations_stay before delete on organizations
begin
    select raise(abort, 'the organization of a file stays');
end;

create trigger organizations_keep_their_id before update of id, singleton on organizations
when new.id <> old.id or new.singleton <> old.singleton
begin
    select raise(abort, 'the organization of a file keeps its id');
end;

create table identity (
    tenant_id text not null primary key references organizations (id),
    file_id text not null,
    schema_epoch integer not null default 1,
    created_at integer not null
) strict;

create table principals (
    id text not null primary key,
    tenant_id text not null references organizations (id),
    type text not null check (type in ('account', 'team', 'tenant', 'service_account')),
    name text not null,
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index principals_by_name on principals (tenant_id, name, id);

create table org_members (
    account_id text not null primary key references principals (id),
    tenant_id text not null references organizations (id),
    display_name text not null,
    role text not null check (role in ('owner', 'admin', 'member', 'guest')),
    state text not null check (state in ('active', 'suspended', 'removed')),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index org_members_by_name on org_members (tenant_id, display_name, account_id);
create index org_members_by_role on org_members (tenant_id, role, state);

create table teams (
    id text not null primary key references principals (id),
    tenant_id text not null references organizations (id),
    name text not null,
    description text not null default '',
    parent_id text references teams (id),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1,
    unique (tenant_id, name)
) strict;

create index teams_by_parent on teams (parent_id, name);

create table team_members (
    team_id text not null references teams (id) on delete cascade,
    account_id text not null references org_members (account_id),
    tenant_id text not null references organizations (id),
    role text not null check (role in ('maintainer', 'member')),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1,
    primary key (team_id, account_id)
) strict;

create index team_members_by_account on team_members (account_id, team_id, role);

create table workspaces (
    id text not null primary key,
    tenant_id text not null references organizations (id),
    name text not null,
    owner_type text not null check (owner_type in ('account', 'team', 'tenant', 'service_account')),
    owner_id text not null references principals (id),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1,
    unique (tenant_id, owner_id, name)
) strict;

create index workspaces_by_name on workspaces (tenant_id, name, id);
create index workspaces_by_owner on workspaces (owner_id, id);

create table resource_types (
    name text not null primary key,
    tenant_id text not null references organizations (id),
    description text not null default '',
    built_in integer not null default 0 check (built_in in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create table resources (
    id text not null primary key,
    tenant_id text not null references organizations (id),
    type text not null references resource_types (name),
    workspace_id text not null references workspaces (id),
    name text not null,
    visibility text not null check (visibility in ('private', 'workspace', 'tenant')),
    attributes text not null default '{}' check (json_valid(attributes)),
    owner_id text references principals (id),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index resources_by_workspace on resources (tenant_id, workspace_id, updated_at);
create index resources_by_type on resources (tenant_id, type, id);
create index resources_by_visibility on resources (tenant_id, visibility);
create index resources_by_name on resources (name, id);
create index resources_by_update on resources (updated_at, id);
create index resources_by_owner on resources (owner_id, id);
create index resources_of_workspace on resources (workspace_id, id);

create table resource_acl (
    resource_id text not null references resources (id) on delete cascade,
    principal_id text not null references principals (id) on delete cascade,
    tenant_id text not null references organizations (id),
    permission text not null check (permission in ('read', 'write', 'admin')),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1,
    primary key (resource_id, principal_id)
) strict;

-- Which resource an entry of an import file became, so that importing it again finds it.
create table import_keys (
    key text not null primary key,
    tenant_id text not null references organizations (id),
    resource_id text not null references resources (id) on delete cascade
) strict;

create index import_keys_by_resource on import_keys (resource_id);

create index resource_acl_by_principal on resource_acl (principal_id, resource_id, permission);

create table audit_log (
    seq integer not null primary key,
    tenant_id text not null references organizations (id),
    at integer not null,
    actor text not null,
    actor_tenant text not null,
    on_behalf text,
    account_id text,
    target_tenant text not null,
    target_type text not null,
    target_id text not null,
    workspace_id text,
    resource_id text,
    action text not null,
    decision text not null check (decision in ('permit', 'deny')),
    policies text not null,
    correlation_id text not null,
    request_id text not null,
    summary text not null,
    previous_hash text not null,
    hash text not null
) strict;

create trigger audit_log_is_not_changed before update on audit_log
begin
    select raise(abort, 'the audit log is append-only');
end;

create trigger audit_log_is_not_deleted before delete on audit_log
begin
    select raise(abort, 'the audit log is append-only');
end;

create table outbox_events (
    seq integer not null primary key,
    id text not null unique,
    tenant_id text not null references organizations (id),
    type text not null,
    subject text not null,
    data text not null check (json_valid(data)),
    actor text not null,
    actor_tenant text not null,
    correlation_id text not null,
    occurred_at integer not null
) strict;

create table idempotency_keys (
    key text not null,
    actor text not null,
    tenant_id text not null references organizations (id),
    action text not null,
    fingerprint text not null,
    answer text not null,
    created_at integer not null,
    primary key (actor, key)
) strict;

create index idempotency_keys_by_age on idempotency_keys (created_at);

-- Whatever decides who may do what moves the authority's version.
create trigger authority_moves_with_a_new_member after insert on org_members
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_member after update of role, state on org_members
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_team after update of parent_id on teams
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_new_place after insert on team_members
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_place after update of role on team_members
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_lost_place after delete on team_members
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_row_security after update of row_security on organizations
when new.row_security <> old.row_security
begin
    update organizations set authority_version = authority_version + 1;
end;
