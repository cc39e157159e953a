-- Creates a draft event with its sections, rows and seats, all or nothing, and returns its id. _create_event says what p_event holds.
--
-- With an idempotency key, which counts within one API key, a repeated request answers the event that the first one created:
--   created                  the event is new
--   replayed                 the key came before with the same request: its event, which may have been deleted since
--   idempotency_key_reused   the key came before with another request; nothing is created
--
-- Locks: its own new rows; a request under a key that another transaction is using waits until that one ends.
-- Errors: RL006; then nothing is kept of the key.
create or replace function rowlock.create_event(
    p_event           jsonb,
    p_api_key_id      bigint default null,
    p_idempotency_key text default null
)
returns table (outcome text, event_id bigint)
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
#variable_conflict use_column
declare
    v_event_id bigint;
begin
    if p_idempotency_key is not null then
        insert into rowlock.event_keys (api_key_id, idempotency_key, fingerprint)
        values (p_api_key_id, p_idempotency_key, rowlock._event_fingerprint(p_event))
        on conflict do nothing;
        if not found then
            return query
            select rowlock._repeat_outcome(rowlock._event_fingerprint(p_event), k.fingerprint), k.event_id
            from rowlock.event_keys k
            where k.api_key_id = p_api_key_id and k.idempotency_key = p_idempotency_key;
            return;
        end if;
    end if;

    v_event_id := rowlock._create_event(p_event, 'rowlock.create_event', null);
    update rowlock.event_keys k
    set event_id = v_event_id
    where k.api_key_id = p_api_key_id and k.idempotency_key = p_idempotency_key;
    return query select 'created', v_event_id;
end
$$;

comment on function rowlock.create_event(jsonb, bigint, text) is
    'Creates a draft event with its sections, rows and seats, once per idempotency key; returns its id.';
grant execute on function rowlock.create_event(jsonb, bigint, text) to rowlock_app;
