-- Deletes a draft with its sections, rows and seats, and logs it. An event that was ever opened is kept. Nothing can have been claimed or
-- paid for a draft: claims and payments treat it like an event that does not exist. The idempotency key that created it stays used.
-- Locks: the event's row, then its seats (section_no, seat_no), the order in which seats are blocked.
-- Errors: RL001, RL007 unless it is a draft.
create or replace function rowlock._delete_event(p_event_id bigint, p_function text, p_reason text) returns void
language plpgsql
as $$
declare
    v_event    rowlock.events;
    v_seats    bigint;
    v_sections bigint;
begin
    select e.* into v_event from rowlock.events e where e.event_id = p_event_id for update;
    if not found then
        perform rowlock._event_not_found(p_event_id);
    end if;
    if v_event.status <> 'draft' then
        raise exception using
            errcode = 'RL007',
            message = 'event_conflict',
            detail = format('event %s is %s: only a draft can be deleted', p_event_id, v_event.status);
    end if;

    perform
    from rowlock.seats s
    where s.event_id = p_event_id
    order by s.section_no, s.seat_no
    for update;
    delete from rowlock.seats s where s.event_id = p_event_id;
    get diagnostics v_seats = row_count;
    delete from rowlock.section_rows r where r.event_id = p_event_id;
    delete from rowlock.sections s where s.event_id = p_event_id;
    get diagnostics v_sections = row_count;
    delete from rowlock.events e where e.event_id = p_event_id;
    perform rowlock._log_action(
        p_function => p_function, p_event_id => p_event_id, p_order_id => null, p_reason => p_reason, p_arguments => '{}',
        p_before => jsonb_build_object('name', v_event.name, 'status', v_event.status, 'sections', v_sections, 'seats', v_seats),
        p_after => '{}'
    );
end
$$;

comment on function rowlock._delete_event(bigint, text, text) is 'Deletes a draft and logs it.';
