-- Callers that are no persons, and their keys.

create table service_accounts (
    id text not null primary key references principals (id),
    tenant_id text not null references organizations (id),
    name text not null,
    description text not null default '',
    role text not null check (role in ('admin', 'member', 'guest')),
    state text not null check (state in ('active', 'suspended')),
    created_by text references org_members (account_id),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1,
    unique (tenant_id, name)
) strict;

-- A key that is revoked is deleted.
create table api_keys (
    id text not null primary key,
    tenant_id text not null references organizations (id),
    service_account_id text not null references service_accounts (id) on delete cascade,
    name text not null,
    -- SHA-256 of the whole key.
    digest text not null,
    -- The names of the scopes that it is narrowed to, a JSON array.
    scopes text check (json_valid(scopes)),
    -- Whose authority the key never exceeds.
    created_by text references org_members (account_id),
    expires_at integer not null,
    last_used_at integer,
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index api_keys_by_service_account on api_keys (service_account_id, id);

create trigger authority_moves_with_a_service_account after update of role, state on service_accounts
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_lost_service_account after delete on service_accounts
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_new_key after insert on api_keys
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_key after update of expires_at on api_keys
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_lost_key after delete on api_keys
begin
    update organizations set authority_version = authority_version + 1;
end;
