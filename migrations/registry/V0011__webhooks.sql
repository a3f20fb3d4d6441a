-- Where the platform's events are sent, and what became of each attempt.

create table webhooks (
    id text not null primary key,
    tenant_id text not null check (tenant_id = 'platform'),
    url text not null,
    description text not null default '',
    -- Patterns, a JSON array.
    event_types text not null check (json_valid(event_types)),
    state text not null check (state in ('active', 'disabled')),
    disabled_reason text check (disabled_reason in ('asked', 'gone', 'failing', 'orphaned')),
    -- The last event that it was told, or is not to be told.
    outbox_seq integer not null,
    -- How often the next one was tried in vain, and when it is tried again.
    attempts integer not null default 0,
    next_attempt_at integer,
    -- Dead letters in a row.
    dead integer not null default 0,
    -- Counts its secrets: each is made of the installation's key and of this number.
    generation integer not null default 1,
    rotated_until integer,
    created_by text not null,
    -- In whose right it is told: whoever made it, or changed it last.
    granted_by text not null,
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create table webhook_deliveries (
    id integer not null primary key,
    tenant_id text not null check (tenant_id = 'platform'),
    webhook_id text not null references webhooks (id) on delete cascade,
    event_id text not null,
    event_type text not null,
    outbox_seq integer,
    attempt integer not null,
    state text not null check (state in ('delivered', 'failed', 'dead')),
    response_status integer,
    error text,
    duration_ms integer not null,
    attempted_at integer not null
) strict;

create index webhook_deliveries_by_webhook on webhook_deliveries (webhook_id, id);
create index webhook_deliveries_by_time on webhook_deliveries (attempted_at);

-- Tenants that have, or had, webhooks: whose outboxes are looked at when the program starts.
create table tenants_with_webhooks (
    tenant_id text not null primary key references tenants (id)
) strict;
