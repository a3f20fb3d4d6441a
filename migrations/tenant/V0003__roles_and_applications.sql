-- Custom roles and who has them, and the applications that the tenant has bound.

create table roles (
    id text not null primary key,
    tenant_id text not null references organizations (id),
    name text not null,
    description text not null default '',
    -- Permission patterns, a JSON array.
    permissions text not null check (json_valid(permissions)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1,
    unique (tenant_id, name)
) strict;

create table role_assignments (
    role_id text not null references roles (id) on delete cascade,
    principal_id text not null references principals (id) on delete cascade,
    tenant_id text not null references organizations (id),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1,
    primary key (role_id, principal_id)
) strict;

create index role_assignments_by_principal on role_assignments (principal_id, role_id);

create table application_bindings (
    application text not null primary key,
    tenant_id text not null references organizations (id),
    manifest_version integer not null,
    -- The names of the scopes that tokens may use, a JSON array.
    scopes text not null check (json_valid(scopes)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

-- Whose type it is while the application is bound; then it is the tenant's own.
alter table resource_types add column application text references application_bindings (application) on delete set null;

create index resource_types_by_application on resource_types (application, name);

create trigger authority_moves_with_a_role after update of permissions, name on roles
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_new_role_assignment after insert on role_assignments
begin
    update organizations set authority_version = authority_version + 1;
end;

create trigger authority_moves_with_a_role_assignment_less after delete on role_assignments
begin
    update organizations set authority_version = authority_version + 1;
end;
