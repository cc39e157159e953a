-- How large each table is and whether it is kept clean. Counts of rows are PostgreSQL's estimates.
create or replace view admin.table_health as
select s.relname::text as table_name, s.n_live_tup as live_rows, s.n_dead_tup as dead_rows, pg_table_size(s.relid) as table_bytes,
    pg_indexes_size(s.relid) as index_bytes, greatest(s.last_vacuum, s.last_autovacuum) as last_vacuumed_at,
    greatest(s.last_analyze, s.last_autoanalyze) as last_analyzed_at
from pg_stat_user_tables s
where s.schemaname = 'rowlock'
order by pg_total_relation_size(s.relid) desc, s.relname;

comment on view admin.table_health is 'Size and upkeep of each table. For rowlock_admin and rowlock_readonly.';
comment on column admin.table_health.table_name is 'The table, in schema rowlock.';
comment on column admin.table_health.live_rows is 'How many rows it has, roughly.';
comment on column admin.table_health.dead_rows is 'How many old versions of rows await vacuum, roughly.';
comment on column admin.table_health.table_bytes is 'Its size without indexes.';
comment on column admin.table_health.index_bytes is 'The size of its indexes.';
comment on column admin.table_health.last_vacuumed_at is 'When it was last vacuumed.';
comment on column admin.table_health.last_analyzed_at is 'When its statistics were last taken.';
grant select on admin.table_health to rowlock_admin, rowlock_readonly;
