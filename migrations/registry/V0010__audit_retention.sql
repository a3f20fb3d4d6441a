-- What is left of audit rows that were kept long enough: where they ended, so that the rest stays provable.

create table audit_checkpoints (
    -- The last row that went, and its hash: the row behind it follows from that.
    seq integer not null primary key,
    tenant_id text not null check (tenant_id = 'platform'),
    hash text not null,
    removed integer not null check (removed > 0),
    first_at integer not null,
    last_at integer not null,
    created_at integer not null
) strict;

create trigger audit_checkpoints_are_not_changed before update on audit_checkpoints
begin
    select raise(abort, 'a checkpoint of the audit log stays');
end;

create trigger audit_checkpoints_are_not_deleted before delete on audit_checkpoints
begin
    select raise(abort, 'a checkpoint of the audit log stays');
end;

-- Rows go behind a checkpoint alone.
drop trigger audit_log_is_not_deleted;

create trigger audit_log_is_not_deleted before delete on audit_log
when old.seq > (select coalesce(max(seq), 0) from audit_checkpoints)
begin
    select raise(abort, 'the audit log is append-only');
end;

create index audit_log_by_time on audit_log (at);

-- Days for which a tenant's audit rows are kept; for good, where there are none.
alter table tenants add column audit_retention_days integer check (audit_retention_days >= 1);
