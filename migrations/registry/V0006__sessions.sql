-- Log-ins of browsers: each is a session, which ends by logging out, by doing nothing for a while, or by its age.

create table sessions (
    id text not null primary key,
    account_id text not null references accounts (id),
    -- Whom the provider meant.
    issuer text not null,
    subject text not null,
    -- The tenant that it is for; none for the platform.
    tenant_id text references tenants (id),
    -- The tenant that was asked for in vain, as it was written.
    refused_tenant text,
    acr text,
    amr text not null check (json_valid(amr)),
    -- When the provider saw the person, in seconds since 1970, as its token says it.
    auth_time_s integer,
    -- Seconds that it may do nothing for.
    idle_s integer not null,
    created_at integer not null,
    -- Written at most once a minute: a session that was in use when the process died may end sooner by so much.
    last_seen_at integer not null,
    expires_at integer not null,
    ended_at integer
) strict;

create index sessions_by_account on sessions (account_id, id);
create index sessions_by_end on sessions (expires_at);
