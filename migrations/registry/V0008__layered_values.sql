-- Layered values: which attributes there are, what people say of themselves, and the platform's layer of the catalogue.

create table attributes (
    key text not null primary key,
    title text not null,
    description text not null default '',
    applies_to text not null check (applies_to in ('profile', 'catalog')),
    -- JSON Schema (2020-12).
    schema text not null check (json_valid(schema)),
    -- The platform's value of an attribute of profiles.
    default_value text check (json_valid(default_value)),
    -- Values of the layers above this one count for nothing.
    locked_at text check (locked_at in ('platform', 'account', 'tenant', 'team', 'member')),
    -- Words, JSON arrays.
    readers text not null check (json_valid(readers)),
    writers text not null check (json_valid(writers)),
    personal_data integer not null check (personal_data in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

-- What a person's profile says wherever no tenant says otherwise: one JSON object, by key.
create table account_attributes (
    account_id text not null primary key references accounts (id),
    attributes text not null check (json_valid(attributes)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

-- The platform's layer of the catalogue.
create table catalog_items (
    key text not null primary key,
    value text not null check (json_valid(value)),
    -- It was written under a definition of its key.
    defined integer not null check (defined in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    version integer not null default 1
) strict;

-- Counts the changes of definitions and of the platform's items, so that what was made of them is kept until it moves.
create table value_revision (
    singleton integer not null primary key check (singleton = 1),
    revision integer not null
) strict;

insert into value_revision (singleton, revision) values (1, 1);

create trigger value_revision_moves_with_a_new_attribute after insert on attributes
begin
    update value_revision set revision = revision + 1;
end;

create trigger value_revision_moves_with_an_attribute after update on attributes
begin
    update value_revision set revision = revision + 1;
end;

create trigger value_revision_moves_with_an_attribute_less after delete on attributes
begin
    update value_revision set revision = revision + 1;
end;

create trigger value_revision_moves_with_a_new_item after insert on catalog_items
begin
    update value_revision set revision = revision + 1;
end;

create trigger value_revision_moves_with_an_item after update on catalog_items
begin
    update value_revision set revision = revision + 1;
end;

create trigger value_revision_moves_with_an_item_less after delete on catalog_items
begin
    update value_revision set revision = revision + 1;
end;
