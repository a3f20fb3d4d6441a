-- Operators' entries into tenants, and the applications that tenants can bind.

create table break_glass (
    id text not null primary key,
    tenant_id text not null references tenants (id),
    account_id text not null references accounts (id),
    reason text not null,
    -- Permission patterns, a JSON array.
    actions text not null check (json_valid(actions)),
    duration_s integer not null,
    state text not null check (state in ('requested', 'approved', 'denied', 'ended', 'expired')),
    requested_by text not null,
    decided_by text,
    decided_at integer,
    expires_at integer not null,
    ended_at integer,
    -- The last version of this row that the tenant's own file was told of.
    told_version integer not null default 0,
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index break_glass_by_state on break_glass (state, expires_at);
create index break_glass_by_tenant on break_glass (tenant_id, id);
create index break_glass_by_account on break_glass (account_id, id);

create table applications (
    name text not null primary key,
    title text not null,
    description text not null default '',
    manifest_version integer not null,
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create table application_versions (
    application text not null references applications (name),
    manifest_version integer not null,
    manifest text not null check (json_valid(manifest)),
    created_at integer not null,
    primary key (application, manifest_version)
) strict;

-- The kinds of tenants that must bind an application.
create table application_requirements (
    application text not null references applications (name),
    kind text not null check (kind in ('organization', 'personal')),
    primary key (application, kind)
) strict;
