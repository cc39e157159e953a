-- Creates a draft event with its sections, rows and seats, all or nothing, and answers its id. _create_event says what p_event holds.
-- With an idempotency key, which counts for one API key, a repeated request answers the event that the first one created:
--   created                  the event is new
--   replayed                 the key came before with the same request: its event, whatever became of it
--   idempotency_key_reused   the key came before with another request; nothing is created
-- Locks: none but on its own new rows; a request under a key that another transaction is using waits for that one's end.
-- Errors: RL007; then nothing is kept of the key.
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
    -- Who loses the key to another transaction finds that one's event in the next round.
    loop
        return query
        select case when e.fingerprint = rowlock._event_fingerprint(p_event) then 'replayed' else 'idempotency_key_reused' end, e.event_id
        from rowlock.events as e
        where e.api_key_id = p_api_key_id and e.idempotency_key = p_idempotency_key;
        exit when found;
        v_event_id := rowlock._create_event(
            p_event => p_event, p_api_key_id => p_api_key_id, p_idempotency_key => p_idempotency_key,
            p_function => 'rowlock.create_event', p_reason => null
        );
        if v_event_id is not null then
            return query select 'created', v_event_id;
            exit;
        end if;
    end loop;
end
$$;

comment on function rowlock.create_event(jsonb, bigint, text) is
    'Creates a draft event with its sections, rows and seats, once for an idempotency key; answers its id.';
grant execute on function rowlock.create_event(jsonb, bigint, text) to rowlock_app;
