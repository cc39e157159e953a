-- Refuses a list of seats to keep that is empty, names a seat that is not in the order, or names one twice. p_section_nos and p_seat_nos
-- are what the order lists.
-- Errors: RL007; the detail counts the seats to keep from 0, as JSON does.
create or replace function rowlock._check_kept_seats(
    p_section_nos      integer[],
    p_seat_nos         integer[],
    p_kept_section_nos integer[],
    p_kept_seat_nos    integer[]
)
returns void
language plpgsql
as $$
declare
    v_fault record;
begin
    if coalesce(cardinality(p_kept_seat_nos), 0) = 0 or cardinality(p_kept_section_nos) is distinct from cardinality(p_kept_seat_nos) then
        perform rowlock._invalid_request('seats', 'must name at least one seat to keep; to give back all of them, cancel the order');
    end if;
    select k.place, k.is_twice into v_fault
    from (
        select k.place,
            k.place > min(k.place) over (partition by k.section_no, k.seat_no) as is_twice,
            not exists (
                select
                from unnest(p_section_nos, p_seat_nos) as w (section_no, seat_no)
                where w.section_no = k.section_no and w.seat_no = k.seat_no
            ) as is_unknown
        from unnest(p_kept_section_nos, p_kept_seat_nos) with ordinality as k (section_no, seat_no, place)
    ) k
    where k.is_twice or k.is_unknown
    order by k.place
    limit 1;
    if found then
        perform rowlock._invalid_request(
            format('seats[%s]', v_fault.place - 1),
            case when v_fault.is_twice then 'is the same seat as an earlier one' else 'is not a seat of the order' end
        );
    end if;
end
$$;

comment on function rowlock._check_kept_seats(integer[], integer[], integer[], integer[]) is
    'Raises RL007 unless the seats to keep are distinct seats of the order.';
