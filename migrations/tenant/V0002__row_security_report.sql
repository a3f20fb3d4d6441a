-- The mode of row-level security is the platform's decision and stands in the registry; nothing ever wrote it here.
drop trigger authority_moves_with_row_security;
alter table organizations drop column row_security;

-- What row-level security in mode shadow delivered that mode enforce would have withheld: from whom, and why.
create table row_security_report (
    principal_id text not null,
    reason text not null check (reason in ('private', 'outside_workspace', 'guest')),
    tenant_id text not null references organizations (id),
    -- Rows delivered, each time that they were.
    rows integer not null,
    last_resource_id text not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (principal_id, reason)
) strict;
