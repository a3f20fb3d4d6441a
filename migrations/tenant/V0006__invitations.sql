-- Invitations: whom somebody asked in, as what, and what became of it.

create table invitations (
    id text not null primary key,
    tenant_id text not null references organizations (id),
    -- Whom it is for, in one word: an e-mail address in lower case, or an issuer and its subject.
    address text not null,
    email text,
    issuer text,
    subject text,
    role text not null check (role in ('owner', 'admin', 'member', 'guest')),
    -- The ids of the teams that they get a place in, a JSON array.
    teams text not null check (json_valid(teams)),
    state text not null check (state in ('pending', 'accepted', 'declined', 'revoked', 'expired')),
    invited_by text not null references principals (id),
    -- Who took it, or turned it down.
    account_id text,
    message text not null,
    expires_at integer not null,
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1,
    check ((email is null) <> (issuer is null)),
    check ((issuer is null) = (subject is null))
) strict;

create index invitations_by_state on invitations (tenant_id, state, expires_at);
-- Nobody is asked twice at once.
create unique index invitations_pending on invitations (tenant_id, address) where state = 'pending';
