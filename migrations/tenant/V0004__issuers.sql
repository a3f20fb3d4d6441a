-- Issuers that the tenant trusts to say who its people are. They speak for this tenant alone.

create table issuers (
    id text not null primary key,
    tenant_id text not null references organizations (id),
    name text not null,
    url text not null,
    state text not null check (state in ('active', 'disabled')),
    -- By what its tokens are signed, and what they must say; a JSON object.
    terms text not null check (json_valid(terms)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1,
    unique (tenant_id, name),
    unique (tenant_id, url)
) strict;

create trigger authority_moves_with_an_issuer after update on issuers
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_new_issuer after insert on issuers
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_an_issuer_less after delete on issuers
begin
    update organizations set authority_version = authority_version + 1;
end;
