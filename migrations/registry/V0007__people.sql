-- What issuers say of people's addresses, invitations, the domains that tenants are joined by, and personal tenants.

-- What the issuer last said. It identifies nobody: it is what invitations and domains are compared with.
alter table account_identities add column email text;
alter table account_identities add column email_verified integer not null default 0 check (email_verified in (0, 1));

-- Mail domains whose people join a tenant by themselves. Normalised as host names are.
create table tenant_domains (
    domain text not null primary key,
    tenant_id text not null references tenants (id),
    join_role text not null check (join_role in ('member', 'guest')),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index tenant_domains_by_tenant on tenant_domains (tenant_id, domain);

-- A projection of every tenant's invitations, fed by its outbox.
create table invitations (
    id text not null primary key,
    tenant_id text not null references tenants (id),
    -- Whom it is for, in one word: an e-mail address in lower case, or an issuer and its subject.
    address text not null,
    email text,
    issuer text,
    subject text,
    role text not null check (role in ('owner', 'admin', 'member', 'guest')),
    state text not null check (state in ('pending', 'accepted', 'declined', 'revoked', 'expired')),
    message text not null,
    expires_at integer not null,
    created_at integer not null,
    outbox_seq integer not null
) strict;

create index invitations_by_address on invitations (address, state);
create index invitations_by_tenant on invitations (tenant_id, id);
create index invitations_by_end on invitations (state, expires_at);

-- The tenant that is an account's own.
create table personal_tenants (
    account_id text not null primary key references accounts (id),
    tenant_id text not null unique references tenants (id)
) strict;
