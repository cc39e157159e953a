-- The API keys that were ever made, without their hashes.
create or replace view admin.api_keys as
select k.api_key_id, k.name, k.created_at, k.last_used_at, k.revoked_at
from rowlock.api_keys k;

comment on view admin.api_keys is 'The API keys of admins and box offices, one row per key. For rowlock_admin and rowlock_readonly.';
comment on column admin.api_keys.api_key_id is 'What `rowlock api-key revoke --id` and admin.revoke_api_key take.';
comment on column admin.api_keys.name is 'Who the key belongs to.';
comment on column admin.api_keys.created_at is 'When it was created.';
comment on column admin.api_keys.last_used_at is 'When a server last accepted it, to the minute; null: never.';
comment on column admin.api_keys.revoked_at is 'When it was revoked; null: it works.';
grant select on admin.api_keys to rowlock_admin, rowlock_readonly;
