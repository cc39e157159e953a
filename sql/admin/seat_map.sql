-- The current status of every seat, one line per row: a available, h held, s sold, b blocked. Reads every seat of the events asked for.
create or replace view admin.seat_map as
select r.event_id, s.code as section, r.label as row_label, r.first_seat, r.last_seat,
    (
        select string_agg(
            case t.status when 'available' then 'a' when 'held' then 'h' when 'sold' then 's' when 'blocked' then 'b' else '?' end,
            '' order by t.seat_no
        )
        from rowlock.seats t
        where t.event_id = r.event_id and t.section_no = r.section_no and t.seat_no between r.first_seat and r.last_seat
    ) as seats
from rowlock.section_rows r
join rowlock.sections s on s.event_id = r.event_id and s.section_no = r.section_no
order by r.event_id, r.section_no, r.row_no;

comment on view admin.seat_map is 'Every seat, one line per row of seats. For rowlock_admin and rowlock_readonly.';
comment on column admin.seat_map.event_id is 'The event.';
comment on column admin.seat_map.section is 'The section''s code.';
comment on column admin.seat_map.row_label is 'The label on the row.';
comment on column admin.seat_map.first_seat is 'Number of its first seat within the section.';
comment on column admin.seat_map.last_seat is 'Number of its last seat within the section.';
comment on column admin.seat_map.seats is 'One letter per seat: available, held, sold, blocked.';
grant select on admin.seat_map to rowlock_admin, rowlock_readonly;
