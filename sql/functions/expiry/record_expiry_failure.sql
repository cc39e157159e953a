-- Records that an order could not be expired, and returns how often this has failed and when to try again.
--
-- The retry is due 100 ms after the first failure, then after twice the previous delay, at most 60 s. After p_attempts_max failures the
-- order is a dead letter: retry_in_ms is null, and nobody tries again until it is redriven. A later success deletes the record.
--
-- The queue and the sweep may try one order at the same moment. That counts as one attempt: a failure before the retry is due, or after the
-- last one, is not counted, and returns what the previous one left.
--
-- Locks: the failure's row. Errors: none.
create or replace function rowlock.record_expiry_failure(p_event_id bigint, p_order_id uuid, p_error text, p_attempts_max integer)
returns table (attempts integer, retry_in_ms integer)
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
#variable_conflict use_column
declare
    v_now         constant timestamptz := date_trunc('milliseconds', clock_timestamp());
    v_attempts    integer;
    v_retry_in_ms integer;
begin
    insert into rowlock.expiry_failures as f (event_id, order_id, attempts, last_error, first_failed_at, last_failed_at)
    values (p_event_id, p_order_id, 1, left(coalesce(p_error, ''), 2000), v_now, v_now)
    on conflict (event_id, order_id) do update
    set attempts = f.attempts + 1, last_error = excluded.last_error, last_failed_at = excluded.last_failed_at
    where f.retry_at <= clock_timestamp()
    returning f.attempts into v_attempts;
    if v_attempts is null then
        return query
        select f.attempts,
            case when f.retry_at is not null then greatest(ceil(extract(epoch from f.retry_at - clock_timestamp()) * 1000), 1)::integer end
        from rowlock.expiry_failures f
        where f.event_id = p_event_id and f.order_id = p_order_id;
        return;
    end if;

    if v_attempts < p_attempts_max then
        -- Ten doublings are beyond the cap.
        v_retry_in_ms := least(100 * (1 << least(v_attempts - 1, 10)), 60000);
    end if;
    update rowlock.expiry_failures f
    set retry_at = v_now + v_retry_in_ms * interval '1 millisecond'
    where f.event_id = p_event_id and f.order_id = p_order_id;
    return query select v_attempts, v_retry_in_ms;
end
$$;

comment on function rowlock.record_expiry_failure(bigint, uuid, text, integer) is
    'Counts a failed expiry; returns when to retry in milliseconds, or null for a dead letter.';
grant execute on function rowlock.record_expiry_failure(bigint, uuid, text, integer) to rowlock_app;
