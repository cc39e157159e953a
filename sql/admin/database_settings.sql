-- What Rowlock's promises rest on: durability, room for locks, and how far the database is migrated. A login or a database may have
-- settings of its own, which override the server's: each has a row.
create or replace view admin.database_settings as
with wanted (place, name, good) as (
    values
        (1, 'fsync', 'on'), (2, 'synchronous_commit', 'on'), (3, 'full_page_writes', 'on'),
        (4, 'max_locks_per_transaction', '128 or more'), (5, 'max_connections', '4 for each lane of each server, and its pool'),
        (6, 'default_transaction_isolation', 'read committed'), (7, 'statement_timeout', null), (8, 'lock_timeout', null),
        (9, 'idle_in_transaction_session_timeout', null), (10, 'server_version', '15 or newer')
)
select w.place, w.name, 'server' as applies_to, s.reset_val || coalesce(' ' || s.unit, '') as value, w.good as should_be
from wanted w
join pg_settings s on s.name = w.name
union all
select w.place, w.name,
    concat_ws(' ', 'login ' || r.rolname, 'database ' || d.datname) as applies_to, split_part(c.setting, '=', 2), w.good
from wanted w
join pg_db_role_setting g on true
cross join unnest(g.setconfig) as c (setting)
left join pg_roles r on r.oid = g.setrole
left join pg_database d on d.oid = g.setdatabase
where split_part(c.setting, '=', 1) = w.name and (g.setdatabase = 0 or d.datname = current_database())
union all
select 20, 'migration', 'rowlock', coalesce(max(h.version), 0)::text, null
from public.refinery_schema_history h
union all
select 21, 'function and view files', 'rowlock', count(*)::text, null
from rowlock.applied_files
union all
    (
        select 22, 'version', 'rowlock', v.version, null
        from rowlock.versions v
        order by v.applied_at desc
        limit 1
    )
order by 1, 2, 3;

comment on view admin.database_settings is
    'The PostgreSQL settings that Rowlock relies on, and how far the database is migrated. For rowlock_admin and rowlock_readonly.';
comment on column admin.database_settings.place is 'Orders the rows.';
comment on column admin.database_settings.name is 'The setting, or what is counted.';
comment on column admin.database_settings.applies_to is
    'server: everybody without a row of their own; a login, a database, or both.';
comment on column admin.database_settings.value is 'The value in a new session, with its unit.';
comment on column admin.database_settings.should_be is 'What it should be; null if any value will do.';
grant select on admin.database_settings to rowlock_admin, rowlock_readonly;
