-- The seats a batch of claims asks for, in request order and, within a request, in the order asked, numbered from 1.
--
-- first_no is the first wanted seat of the batch that names the same seat: it numbers seats, whoever wants them. fault says what is
-- wrong with naming this seat, in the order of the checks: 1 named twice in its request, 2 no such section, 3 no such seat.
--
-- Stable and without settings of its own, so that the planner can put it in line.
create or replace function rowlock._wanted_seats(
    p_event_id    bigint,
    p_request_nos integer[],
    p_section_nos integer[],
    p_seat_nos    integer[]
) returns table (request_no integer, section_no integer, seat_no integer, first_no integer, fault integer)
language sql
stable
as $$
    select w.request_no, w.section_no, w.seat_no,
           min(w.wanted_no) over (partition by w.section_no, w.seat_no)::integer,
           case when lag(w.request_no) over (partition by w.section_no, w.seat_no order by w.wanted_no) = w.request_no then 1
                when s.capacity is null then 2
                when (w.seat_no between 1 and s.capacity) is not true then 3 end
      from (select w.*, row_number() over (order by w.request_no, w.asked_no) as wanted_no
              from unnest(p_request_nos, p_section_nos, p_seat_nos)
                   with ordinality as w(request_no, section_no, seat_no, asked_no)) w
      left join rowlock.sections s on s.event_id = p_event_id and s.section_no = w.section_no
     order by w.wanted_no
$$;

comment on function rowlock._wanted_seats(bigint, integer[], integer[], integer[]) is
    'The seats a batch of claims asks for, with what is wrong about naming them.';
revoke all on function rowlock._wanted_seats(bigint, integer[], integer[], integer[]) from public;
