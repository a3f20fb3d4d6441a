-- Sign-ins that were revoked: a token of the account counts only if its `auth_time` is after this.
create table if not exists sign_in_revocations (
    account_id text not null primary key references accounts (id),
    until integer not null
) strict;

-- A token that is revoked says its issuer, and not whose issuer that is.
create index tenant_issuers_by_address on tenant_issuers (url);
