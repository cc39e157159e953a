-- Reads the seats of a section as one text, one character per seat in seat order: a available, h held, s sold, b blocked. A status that
-- a newer version added is ?: servers that do not know it refuse to answer, and never show such a seat as blocked. It must stay stable: a
-- stable function reads with its caller's snapshot, so what it reads fits the revision beside it.
-- Locks: none. Errors: none.
create or replace function rowlock._section_statuses(p_event_id bigint, p_section_no integer) returns text
language plpgsql
stable
as $$
begin
    return (
        select string_agg(
            case o.status when 'available' then 'a' when 'held' then 'h' when 'sold' then 's' when 'blocked' then 'b' else '?' end,
            ''
        )
        from (
            select s.status
            from rowlock.seats s
            where s.event_id = p_event_id and s.section_no = p_section_no
            order by s.seat_no
        ) o
    );
end
$$;

comment on function rowlock._section_statuses(bigint, integer) is 'Reads the seats of a section as one text, with its caller''s snapshot.';
