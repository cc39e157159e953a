-- Formats a list of seats as people write it, `A 1-20 35, B 5`, which is what _selected_seats reads.
create or replace function rowlock._format_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) returns text
language plpgsql
stable
as $$
begin
    return (
        select coalesce(string_agg(s.code || ' ' || l.ranges, ', ' order by l.section_no), '')
        from (
            select r.section_no, string_agg(case when r.first_seat = r.last_seat then r.first_seat::text
                else r.first_seat || '-' || r.last_seat end, ' ' order by r.first_seat) as ranges
            from (
                select i.section_no, min(i.seat_no) as first_seat, max(i.seat_no) as last_seat
                -- Consecutive numbers all differ from their rank by the same amount.
                from (
                    select w.section_no, w.seat_no,
                        w.seat_no - row_number() over (partition by w.section_no order by w.seat_no) as island
                    from (
                        select distinct u.section_no, u.seat_no
                        from unnest(p_section_nos, p_seat_nos) as u (section_no, seat_no)
                    ) w
                ) i
                group by i.section_no, i.island
            ) r
            group by r.section_no
        ) l
        join rowlock.sections s on s.event_id = p_event_id and s.section_no = l.section_no
    );
end
$$;

comment on function rowlock._format_seats(bigint, integer[], integer[]) is
    'Formats a list of seats as people write it: A 1-20 35, B 5.';
