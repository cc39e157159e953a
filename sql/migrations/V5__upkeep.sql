-- What the server and the database need for themselves.
set local role rowlock_owner;

create table rowlock.probes (
    probe_id uuid primary key
);
comment on table rowlock.probes is 'Always empty: probe_claims tries to write a row, and undoes it.';
comment on column rowlock.probes.probe_id is 'Any.';

create table rowlock.api_keys (
    api_key_id   bigint generated always as identity primary key,
    name         text not null check (char_length(name) between 1 and 200),
    hash         bytea not null unique check (octet_length(hash) = 32),
    created_at   timestamptz not null default clock_timestamp(),
    last_used_at timestamptz,
    revoked_at   timestamptz
);
comment on table rowlock.api_keys is 'Keys of admins and box offices. Only a hash is kept: a lost key is replaced, not recovered.';
comment on column rowlock.api_keys.api_key_id is 'Identifies the key in lists and logs.';
comment on column rowlock.api_keys.name is 'Who the key belongs to.';
comment on column rowlock.api_keys.hash is 'SHA-256 of the key.';
comment on column rowlock.api_keys.created_at is 'When it was created.';
comment on column rowlock.api_keys.last_used_at is 'When a server last accepted it, to the minute; null: never.';
comment on column rowlock.api_keys.revoked_at is 'When it was revoked; null: it works.';

create table rowlock.applied_files (
    path       text primary key,
    checksum   bytea not null,
    applied_at timestamptz not null default clock_timestamp()
);
comment on table rowlock.applied_files is 'The function and view files as last applied, so that unchanged ones are skipped.';
comment on column rowlock.applied_files.path is 'Path below sql/.';
comment on column rowlock.applied_files.checksum is 'SHA-256 of the file.';
comment on column rowlock.applied_files.applied_at is 'When it was applied.';

create table rowlock.versions (
    version    text primary key check (version ~ '^[0-9]+[.][0-9]+[.][0-9]+'),
    applied_at timestamptz not null default clock_timestamp()
);
comment on table rowlock.versions is
    'The versions of Rowlock that have migrated this database: an older one must not bring its functions back.';
comment on column rowlock.versions.version is 'Version of the rowlock binary.';
comment on column rowlock.versions.applied_at is 'When it first migrated this database.';

create table rowlock.identity (
    is_only     boolean primary key default true check (is_only),
    database_id uuid not null default gen_random_uuid(),
    lock_secret uuid not null default gen_random_uuid()
);
comment on table rowlock.identity is 'What no other database has. One row.';
comment on column rowlock.identity.is_only is 'True: there is only one row.';
comment on column rowlock.identity.database_id is 'Distinguishes what servers of this database keep in Redis.';
comment on column rowlock.identity.lock_secret is 'The secret in the keys of advisory locks. Nobody is granted the right to read it.';
insert into rowlock.identity default values;

reset role;
