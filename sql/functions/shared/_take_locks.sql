-- Takes the advisory locks of a class with these names, in the order of their keys, until the transaction ends. Returns how many locks that
-- are: if as many as there are names, all names differ. Without p_wait, those that somebody else holds are left out.
--
-- A key is 64 bits: the class in the upper four, so that admin.lock_waits can tell what is waited for, and a hash of the name, the event
-- and this database's secret, so that no other login can work it out and get in the way. sql/README.md says what pg_locks shows.
--
-- Locks: advisory, in key order: two calls with the same names never deadlock.
create or replace function rowlock._take_locks(p_class integer, p_event_id bigint, p_names text[], p_wait boolean) returns integer
language plpgsql
as $$
declare
    v_locks integer;
begin
    perform case when p_wait then pg_advisory_xact_lock(k.lock_key) end
    from (
        select distinct p_class::bigint << 60 | (
            hashtextextended(n.name || (select p_class || ':' || p_event_id || ':' || i.lock_secret from rowlock.identity i), 0)
                & x'fffffffffffffff'::bigint
        ) as lock_key
        from unnest(p_names) as n (name)
        order by lock_key
    ) k
    where p_wait or pg_try_advisory_xact_lock(k.lock_key);
    get diagnostics v_locks = row_count;
    return v_locks;
end
$$;

comment on function rowlock._take_locks(integer, bigint, text[], boolean) is
    'Takes the advisory locks of a class with these names until the transaction ends, and returns how many.';
