-- What is wrong with a list of seats to keep, after the name of the field: it is empty, names a seat that is not in the order, or names one
-- twice. Null if nothing is wrong. p_section_nos and p_seat_nos are what the order lists. The seats to keep are counted from 0, as in JSON.
create or replace function rowlock._kept_seats_objection(
    p_section_nos      integer[],
    p_seat_nos         integer[],
    p_kept_section_nos integer[],
    p_kept_seat_nos    integer[]
)
returns text
language plpgsql
stable
as $$
begin
    if coalesce(cardinality(p_kept_seat_nos), 0) = 0 or cardinality(p_kept_section_nos) is distinct from cardinality(p_kept_seat_nos) then
        return 'seats: must name at least one seat to keep; to give back all of them, cancel the order';
    end if;
    return (
        select format(
            'seats[%s]: %s', k.place - 1,
            case when k.is_twice then 'is the same seat as an earlier one' else 'is not a seat of the order' end
        )
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
        limit 1
    );
end
$$;

comment on function rowlock._kept_seats_objection(integer[], integer[], integer[], integer[]) is
    'What is wrong with a list of seats to keep; null if nothing is.';
