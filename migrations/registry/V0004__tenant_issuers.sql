-- The registry's projection of every tenant's own issuers: whose tokens are looked at for whom. What they are good for is
-- decided by the tenant's own file.

create table tenant_issuers (
    tenant_id text not null references tenants (id),
    issuer_id text not null,
    url text not null,
    -- The issuer as the tenant's own file has it, a JSON object.
    issuer text not null check (json_valid(issuer)),
    outbox_seq integer not null,
    primary key (tenant_id, issuer_id)
) strict;

create index tenant_issuers_by_url on tenant_issuers (tenant_id, url);
