-- What a tenant's row-level security does, and the host names that mean a tenant.

alter table tenants add column row_security text not null default 'enforce'
    check (row_security in ('off', 'shadow', 'enforce'));

-- Normalised: lower case, A-labels, without a port and without the dot of the root.
create table tenant_hosts (
    host text not null primary key,
    tenant_id text not null references tenants (id),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index tenant_hosts_by_tenant on tenant_hosts (tenant_id, host);
