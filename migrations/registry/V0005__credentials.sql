-- The keys that sign, what was taken back before its time, and the platform's callers that are no persons.

create table signing_keys (
    -- The key's thumbprint (RFC 7638).
    kid text not null primary key,
    state text not null check (state in ('active', 'retiring', 'retired')),
    -- The public part, base64url; the private part is in a file of its own.
    public_key text not null,
    -- Until when it verifies, once it signs no more.
    retires_at integer,
    retired_at integer,
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

-- One key signs.
create unique index signing_keys_active on signing_keys (state) where state = 'active';

-- Tokens that were taken back, until they would have expired.
create table revoked_tokens (
    issuer text not null,
    jti text not null,
    subject text not null,
    expires_at integer not null,
    created_at integer not null,
    primary key (issuer, jti)
) strict;

create index revoked_tokens_by_expiry on revoked_tokens (expires_at);

-- Tokens that were issued earlier are good for nothing: of those that Freehold signed, whose ids are in the order of time,
-- the ones with a lower id; of others, whose times are whole seconds, the ones not of a later second.
alter table accounts add column tokens_not_before integer;
alter table accounts add column tokens_not_before_id text;

create table service_accounts (
    id text not null primary key,
    tenant_id text not null check (tenant_id = 'platform'),
    name text not null unique,
    description text not null default '',
    role text not null check (role in ('platform-admin', 'support', 'auditor')),
    state text not null check (state in ('active', 'suspended')),
    -- Nobody: the host.
    created_by text references accounts (id),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

-- A key that is revoked is deleted.
create table api_keys (
    id text not null primary key,
    tenant_id text not null check (tenant_id = 'platform'),
    service_account_id text not null references service_accounts (id) on delete cascade,
    name text not null,
    -- SHA-256 of the whole key.
    digest text not null,
    -- The names of the scopes that it is narrowed to, a JSON array.
    scopes text check (json_valid(scopes)),
    -- Whose authority the key never exceeds; nobody's: the host's.
    created_by text references accounts (id),
    expires_at integer not null,
    last_used_at integer,
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index api_keys_by_service_account on api_keys (service_account_id, id);
