-- Who waits for which lock right now. Rowlock's own waits last milliseconds: a row that is still there on a second look is stuck.
--
-- pg_locks shows everybody who waits and who is in the way; what a session is running is only for roles in pg_read_all_stats.
create or replace view admin.lock_waits as
select w.pid as waiting_pid, a.usename::text as waiting_login, a.application_name as waiting_application,
    round(extract(epoch from clock_timestamp() - w.waitstart) * 1000)::bigint as waiting_ms,
    case
        -- The upper four bits of a key of Rowlock's are its class: see rowlock._take_locks.
        when w.locktype = 'advisory' and w.objsubid = 1 and w.classid::bigint >> 28 = 1 then 'the turn of a customer'
        when w.locktype = 'advisory' and w.objsubid = 1 and w.classid::bigint >> 28 = 2
            then 'the search for the best available seats of a section'
        when w.locktype = 'advisory' and (w.objsubid, w.classid::bigint, w.objid::bigint) = (2, 5, 0) then 'the migration'
        when w.locktype = 'advisory' then format('advisory lock (%s, %s)', w.classid, w.objid)
        when w.locktype = 'relation' then format('table %s', w.relation::regclass)
        -- Waiting for a row means waiting for its holder's transaction: the tuple lock held while queueing tells the table.
        when coalesce(t.relation, w.relation) is not null then format('a row of %s', coalesce(t.relation, w.relation)::regclass)
        when w.locktype = 'transactionid' then 'a row changed by another transaction'
        else w.locktype
    end as waits_for,
    w.mode, b.pids as blocking_pids, b.logins as blocking_logins
from pg_locks w
join pg_stat_activity a on a.pid = w.pid and a.datname = current_database()
left join lateral (
    select l.relation
    from pg_locks l
    where l.pid = w.pid and l.locktype = 'tuple' and l.granted and w.locktype = 'transactionid'
    limit 1
) t on true
cross join lateral (
    select array_agg(p.pid) as pids, array_agg(distinct h.usename::text) as logins
    from unnest(pg_blocking_pids(w.pid)) as p (pid)
    left join pg_stat_activity h on h.pid = p.pid
) b
where not w.granted
order by w.waitstart;

comment on view admin.lock_waits is 'Who waits for which lock, and behind whom. For rowlock_admin and rowlock_readonly.';
comment on column admin.lock_waits.waiting_pid is 'Process id of the session that waits.';
comment on column admin.lock_waits.waiting_login is 'Its login.';
comment on column admin.lock_waits.waiting_application is 'Its application_name.';
comment on column admin.lock_waits.waiting_ms is 'How long it has waited, in milliseconds.';
comment on column admin.lock_waits.waits_for is 'What it waits for.';
comment on column admin.lock_waits.mode is 'The lock mode it wants.';
comment on column admin.lock_waits.blocking_pids is 'Process ids of the sessions in the way.';
comment on column admin.lock_waits.blocking_logins is 'Their logins.';
grant select on admin.lock_waits to rowlock_admin, rowlock_readonly;
