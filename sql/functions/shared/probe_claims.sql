-- What a claim would meet now, for /readyz: tries what a claim does, in a subtransaction that is undone, and looks for sections that
-- transactions have locked.
--
-- Returns one row with failure, the SQLSTATE with which a claim would fail, if it would; or else one row for each locked section of an
-- open event, with the transaction that holds it. Claims lock sections for some milliseconds: a section that the same transaction holds in
-- two calls, a second apart, is held by somebody else. Nor do claims ever lock a whole table against each other: 55P03 means that somebody
-- does, or waits to. Others who want a lock queue behind the probe, so it waits only briefly.
--
-- Locks: none that outlast the call; waits 100 ms for each.
-- Errors: 42P01 if a table does not exist.
create or replace function rowlock.probe_claims()
returns table (failure text, event_id bigint, section_code text, holder text)
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
set lock_timeout = '100ms'
as $$
#variable_conflict use_column
begin
    begin
        lock table rowlock.events in access share mode;
        lock table rowlock.orders, rowlock.seats, rowlock.sections, rowlock.deadlines in row exclusive mode;
        insert into rowlock.probes (probe_id) values (gen_random_uuid());
        perform pg_advisory_xact_lock(hashtextextended(gen_random_uuid()::text, 0));
        raise sqlstate 'UNDO0';
    exception
        when sqlstate 'UNDO0' then
            null;
        when undefined_table then
            raise;  -- not migrated, or a fault of ours
        when others then
            return query select sqlstate, null::bigint, null::text, null::text;
            return;
    end;
    return query
    with running as materialized (
        select l.transactionid
        from pg_locks l
        where l.locktype = 'transactionid' and l.granted
    )
    select null::text, s.event_id, s.code, s.xmax::text
    from rowlock.sections s
    join rowlock.events e on e.event_id = s.event_id
    join running r on r.transactionid = s.xmax
    where e.status = 'open';
end
$$;

comment on function rowlock.probe_claims() is 'What a claim would meet: an SQLSTATE, and sections that are locked now.';
grant execute on function rowlock.probe_claims() to rowlock_app;
