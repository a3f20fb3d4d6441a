-- The registry: which tenants there are and where their files lie, people, operators, and what the platform writes down.
--
-- Encodings: ids are lower-case UUIDv7 text, times integers of microseconds since 1970 UTC, JSON is text.

create table identity (
    tenant_id text not null primary key check (tenant_id = 'platform'),
    file_id text not null,
    schema_epoch integer not null default 1,
    created_at integer not null
) strict;

create table tenants (
    id text not null primary key,
    slug text not null unique,
    name text not null,
    description text not null default '',
    kind text not null check (kind in ('organization', 'personal')),
    status text not null check (
        status in ('provisioning', 'active', 'suspended', 'archived', 'quarantined', 'erased')
    ),
    -- The state to go back to when what quarantined the tenant is repaired.
    status_before text check (
        status_before in ('provisioning', 'active', 'suspended', 'archived', 'quarantined', 'erased')
    ),
    data_region text not null,
    -- Stays provisioning until the last row of its import is in.
    importing integer not null default 0 check (importing in (0, 1)),
    -- Becomes its first owner when its file is made.
    first_owner_id text references accounts (id),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index tenants_by_status on tenants (status, slug);

-- Every slug that a tenant ever had: none is ever given to another.
create table tenant_slugs (
    slug text not null primary key,
    tenant_id text not null references tenants (id)
) strict;

-- What the registry knows of a tenant's file without opening it.
create table tenant_files (
    tenant_id text not null primary key references tenants (id),
    file_id text not null,
    schema_version integer not null,
    -- Written to since the registry last heard of it: its outbox must be read before "my tenants" is right.
    dirty integer not null default 0 check (dirty in (0, 1)),
    -- The audit row that the file must contain, unless it is an older file put back.
    audit_seq integer not null default 0,
    audit_hash text not null default '',
    -- The last event of its outbox that the projection has followed.
    outbox_seq integer not null default 0,
    problem text
) strict;

create index tenant_files_dirty on tenant_files (dirty);

create table accounts (
    id text not null primary key,
    display_name text not null,
    email text,
    state text not null check (state in ('active', 'suspended')),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index accounts_by_name on accounts (display_name, id);

create table account_identities (
    issuer text not null,
    subject text not null,
    account_id text not null references accounts (id),
    created_at integer not null,
    primary key (issuer, subject)
) strict;

create index account_identities_by_account on account_identities (account_id);

create table operators (
    account_id text not null primary key references accounts (id),
    role text not null check (role in ('platform-admin', 'support', 'auditor')),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

-- A projection of every tenant's org_members, fed by its outbox.
create table memberships (
    tenant_id text not null references tenants (id),
    account_id text not null references accounts (id),
    role text not null check (role in ('owner', 'admin', 'member', 'guest')),
    state text not null check (state in ('active', 'suspended', 'removed')),
    outbox_seq integer not null,
    primary key (tenant_id, account_id)
) strict;

create index memberships_by_account on memberships (account_id, tenant_id);

create table audit_log (
    seq integer not null primary key,
    tenant_id text not null check (tenant_id = 'platform'),
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
    tenant_id text not null check (tenant_id = 'platform'),
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
    tenant_id text not null check (tenant_id = 'platform'),
    action text not null,
    fingerprint text not null,
    answer text not null,
    created_at integer not null,
    primary key (actor, key)
) strict;

create index idempotency_keys_by_age on idempotency_keys (created_at);
