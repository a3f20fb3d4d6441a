-- Layered values: the tenant's and its members' parts of profiles, and the tenant's layers of the catalogue.

-- What a member's profile says where the member's own part says nothing: one JSON object, by key.
create table tenant_attributes (
    tenant_id text not null primary key references organizations (id),
    attributes text not null check (json_valid(attributes)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create table member_attributes (
    account_id text not null primary key references org_members (account_id),
    tenant_id text not null references organizations (id),
    attributes text not null check (json_valid(attributes)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

create table catalog_items (
    owner_id text not null references principals (id) on delete cascade,
    key text not null,
    tenant_id text not null references organizations (id),
    layer text not null check (layer in ('tenant', 'team', 'account')),
    value text not null check (json_valid(value)),
    -- It was written under a definition of its key.
    defined integer not null check (defined in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1,
    primary key (owner_id, key)
) strict;

create trigger catalog_items_are_in_their_owners_layer before insert on catalog_items
when not exists (select 1 from principals p where p.id = new.owner_id and p.type = new.layer)
begin
    select raise(abort, 'an item is in the layer of its owner');
end;

create trigger catalog_items_stay_in_their_layer before update of owner_id, key, layer on catalog_items
begin
    select raise(abort, 'an item stays where it is');
end;
