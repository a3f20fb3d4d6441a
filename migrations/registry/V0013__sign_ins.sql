-- Sign-ins that were revoked: a token of a person counts only if its `auth_time` is after this.
alter table accounts add column signed_in_after integer;
