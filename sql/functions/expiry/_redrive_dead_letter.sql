-- Gives a dead letter a fresh set of attempts, and logs it: its record is deleted, and the next sweep finds the order overdue.
--
-- Locks: the failure's row. Errors: RL010 if there is no such dead letter.
create or replace function rowlock._redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_function text, p_reason text)
returns void
language plpgsql
as $$
declare
    v_attempts integer;
begin
    delete from rowlock.expiry_failures f
    where f.event_id = p_event_id and f.order_id = p_order_id and f.retry_at is null
    returning f.attempts into v_attempts;
    if not found then
        raise exception using errcode = 'RL010', message = 'dead_letter_not_found',
            detail = format('there is no dead letter for order %s of event %s', coalesce(p_order_id::text, 'without an id'),
                p_event_id);
    end if;
    perform rowlock._log_action(
        p_function => p_function, p_event_id => p_event_id, p_order_id => p_order_id, p_reason => p_reason, p_arguments => '{}',
        p_before => jsonb_build_object('attempts', v_attempts), p_after => jsonb_build_object('attempts', 0)
    );
end
$$;

comment on function rowlock._redrive_dead_letter(bigint, uuid, text, text) is
    'Retries a dead letter at once, and logs it.';
