-- What became of a payment when it was settled; null if it is not recorded.
-- Locks: none. Errors: none.
create or replace function rowlock.payment_outcome(p_event_id bigint, p_provider text, p_provider_reference text) returns text
language plpgsql stable security definer
set search_path = pg_catalog, rowlock, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $body$
begin
    return (
        select p.outcome::text
        from rowlock.payments as p
        where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference
    );
end
$body$;
comment on function rowlock.payment_outcome(bigint, text, text) is 'What became of a payment when it was settled; null if it is not recorded.';
grant execute on function rowlock.payment_outcome(bigint, text, text) to rowlock_app;
