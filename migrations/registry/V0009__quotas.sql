-- What tenants may use, and what they were last seen to use.

create table plans (
    name text not null primary key,
    title text not null,
    description text not null default '',
    -- Numbers by dimension, JSON objects.
    limits text not null check (json_valid(limits)),
    soft_limits text not null check (json_valid(soft_limits)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

-- A tenant without a row has no plan of its own, and no limits but the default plan's.
create table tenant_quotas (
    tenant_id text not null primary key references tenants (id),
    plan text references plans (name),
    limits text not null check (json_valid(limits)),
    soft_limits text not null check (json_valid(soft_limits)),
    updated_at integer not null,
    version integer not null default 1
) strict;

create index tenant_quotas_by_plan on tenant_quotas (plan);

-- A projection of every tenant's newest snapshots.
create table tenant_usage (
    tenant_id text not null references tenants (id),
    dimension text not null,
    period_start integer not null default 0,
    used integer not null,
    taken_at integer not null,
    primary key (tenant_id, dimension)
) strict;
