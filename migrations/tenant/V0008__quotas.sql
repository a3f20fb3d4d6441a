-- What the tenant uses of what its plan gives it.
--
-- Every change of what is counted is a record, written by the triggers below in the transaction that makes it: no road
-- into a table passes by. A counter is the sum of its records, behind the snapshot that they begin at.

create table usage_records (
    seq integer not null primary key,
    tenant_id text not null references organizations (id),
    dimension text not null,
    -- Which periods it is counted by, and when the one began that it counts for; 0 for what is counted for good.
    period text not null default 'always' check (period in ('always', 'day', 'month')),
    period_start integer not null default 0,
    delta integer not null,
    -- When it happened, and when it was written down; 0 until the transaction's end.
    occurred_at integer not null default 0,
    recorded_at integer not null default 0,
    -- The id of a usage event, which is recorded once.
    event_id text,
    correlation_id text not null default ''
) strict;

create unique index usage_records_by_event on usage_records (dimension, event_id) where event_id is not null;
create index usage_records_by_dimension on usage_records (dimension, seq);

create table usage_counters (
    dimension text not null,
    period_start integer not null default 0,
    tenant_id text not null references organizations (id),
    period text not null default 'always' check (period in ('always', 'day', 'month')),
    used integer not null,
    primary key (dimension, period_start)
) strict;

create table quota_snapshots (
    dimension text not null,
    period_start integer not null default 0,
    -- The last record that it counts.
    record_seq integer not null,
    tenant_id text not null references organizations (id),
    used integer not null,
    taken_at integer not null,
    primary key (dimension, period_start, record_seq)
) strict;

create index quota_snapshots_by_time on quota_snapshots (taken_at);

-- Places that are kept free for somebody, for a time.
create table reservations (
    id text not null primary key,
    tenant_id text not null references organizations (id),
    dimension text not null,
    amount integer not null check (amount > 0),
    created_by text not null references principals (id) on delete cascade,
    expires_at integer not null,
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create index reservations_by_dimension on reservations (dimension, expires_at);

create trigger usage_records_are_not_changed before update on usage_records
when old.recorded_at <> 0
begin
    select raise(abort, 'what is recorded stays');
end;

-- Old records may go once the oldest snapshot stands for them.
create trigger usage_records_stay before delete on usage_records
when old.seq > coalesce((
    select min(s.record_seq) from quota_snapshots s
    where s.dimension = old.dimension and s.period_start = old.period_start
), 0)
begin
    select raise(abort, 'what is recorded stays');
end;

create trigger a_record_counts after insert on usage_records
begin
    insert into usage_counters (dimension, period_start, tenant_id, period, used)
    values (new.dimension, new.period_start, new.tenant_id, new.period, new.delta)
    on conflict (dimension, period_start) do update set used = used + excluded.used;
end;

create trigger a_new_member_is_counted after insert on org_members
when new.state <> 'removed'
begin
    insert into usage_records (tenant_id, dimension, delta) values (new.tenant_id, 'members', 1);
end;

create trigger a_member_who_comes_or_goes_is_counted after update of state on org_members
when (old.state = 'removed') <> (new.state = 'removed')
begin
    insert into usage_records (tenant_id, dimension, delta)
    values (new.tenant_id, 'members', case when new.state = 'removed' then -1 else 1 end);
end;

create trigger a_new_team_is_counted after insert on teams
begin
    insert into usage_records (tenant_id, dimension, delta) values (new.tenant_id, 'teams', 1);
end;

create trigger a_lost_team_is_counted after delete on teams
begin
    insert into usage_records (tenant_id, dimension, delta) values (old.tenant_id, 'teams', -1);
end;

create trigger a_new_workspace_is_counted after insert on workspaces
begin
    insert into usage_records (tenant_id, dimension, delta) values (new.tenant_id, 'workspaces', 1);
end;

create trigger a_lost_workspace_is_counted after delete on workspaces
begin
    insert into usage_records (tenant_id, dimension, delta) values (old.tenant_id, 'workspaces', -1);
end;

create trigger a_new_resource_is_counted after insert on resources
begin
    insert into usage_records (tenant_id, dimension, delta) values (new.tenant_id, 'resources', 1);
    insert into usage_records (tenant_id, dimension, delta) values (new.tenant_id, 'resources.' || new.type, 1);
    insert into usage_records (tenant_id, dimension, delta)
    values (new.tenant_id, 'storage_bytes', octet_length(new.name) + octet_length(new.attributes));
end;

create trigger a_lost_resource_is_counted after delete on resources
begin
    insert into usage_records (tenant_id, dimension, delta) values (old.tenant_id, 'resources', -1);
    insert into usage_records (tenant_id, dimension, delta) values (old.tenant_id, 'resources.' || old.type, -1);
    insert into usage_records (tenant_id, dimension, delta)
    values (old.tenant_id, 'storage_bytes', -octet_length(old.name) - octet_length(old.attributes));
end;

create trigger a_resource_of_another_length_is_counted after update of name, attributes on resources
when octet_length(old.name) + octet_length(old.attributes) <> octet_length(new.name) + octet_length(new.attributes)
begin
    insert into usage_records (tenant_id, dimension, delta)
    values (
        new.tenant_id,
        'storage_bytes',
        octet_length(new.name) + octet_length(new.attributes) - octet_length(old.name) - octet_length(old.attributes)
    );
end;

-- What is there already has no records: a snapshot stands for them.
insert into quota_snapshots (dimension, record_seq, tenant_id, used, taken_at)
select 'members', 0, tenant_id, count(*), max(updated_at) from org_members where state <> 'removed' group by tenant_id;

insert into quota_snapshots (dimension, record_seq, tenant_id, used, taken_at)
select 'teams', 0, tenant_id, count(*), max(updated_at) from teams group by tenant_id;

insert into quota_snapshots (dimension, record_seq, tenant_id, used, taken_at)
select 'workspaces', 0, tenant_id, count(*), max(updated_at) from workspaces group by tenant_id;

insert into quota_snapshots (dimension, record_seq, tenant_id, used, taken_at)
select 'resources', 0, tenant_id, count(*), max(updated_at) from resources group by tenant_id;

insert into quota_snapshots (dimension, record_seq, tenant_id, used, taken_at)
select 'resources.' || type, 0, tenant_id, count(*), max(updated_at) from resources group by tenant_id, type;

insert into quota_snapshots (dimension, record_seq, tenant_id, used, taken_at)
select 'storage_bytes', 0, tenant_id, sum(octet_length(name) + octet_length(attributes)), max(updated_at)
from resources group by tenant_id;

insert into usage_counters (dimension, tenant_id, used) select dimension, tenant_id, used from quota_snapshots;
