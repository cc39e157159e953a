-- Chooses the seats of a section that are nearest together, up to p_count groups of p_quantity, without those in p_taken, for when no row
-- has that many left side by side: groups that span the fewest rows first, then those with the smallest spread, then those nearest the
-- front. Locks nothing.
--
-- Candidates are consecutive available seats. All groups have one size, so a group overlaps chosen ones if and only if one of its ends is
-- chosen, and each chosen group rules out at most 2 * (p_quantity - 1) others: that bounds the list.
--
-- Returns the seats, one group after another. If there are fewer groups than asked for, call again with the chosen seats taken.
create or replace function rowlock._find_nearest(
    p_event_id   bigint,
    p_section_no integer,
    p_quantity   integer,
    p_count      integer,
    p_taken      integer[]
) returns integer[]
language plpgsql
as $$
declare
    v_seats     integer[];
    v_groups    integer[];  -- positions in v_seats where candidates begin, best first
    v_is_chosen boolean[];
    v_chosen    integer[] := '{}'::integer[];
begin
    with seats as materialized (
        select a.row_no, a.seat_no, row_number() over (order by a.seat_no)::integer as seat_order
        from rowlock._available_seats(
            p_event_id => p_event_id, p_section_no => p_section_no, p_from_seat => 1, p_limit => null, p_lost => '{}'
        ) a
        where not exists (select from unnest(p_taken) as t (seat_no) where t.seat_no = a.seat_no)
    ), groups as (
        select s.seat_order, lead(s.row_no, p_quantity - 1) over w - s.row_no as rows_spanned,
            lead(s.seat_no, p_quantity - 1) over w - s.seat_no as spread
        from seats s
        window w as (order by s.seat_order)
    )
    select array(select s.seat_no from seats s order by s.seat_order),
        array(
            select g.seat_order
            from groups g
            where g.spread is not null
            order by g.rows_spanned, g.spread, g.seat_order
            limit p_count * (2 * p_quantity - 1)
        )
    into v_seats, v_groups;

    v_is_chosen := array_fill(false, array[cardinality(v_seats)]);
    for v_index in 1 .. cardinality(v_groups) loop
        exit when cardinality(v_chosen) = p_count * p_quantity;
        continue when v_is_chosen[v_groups[v_index]] or v_is_chosen[v_groups[v_index] + p_quantity - 1];
        for v_seat in v_groups[v_index] .. v_groups[v_index] + p_quantity - 1 loop
            v_is_chosen[v_seat] := true;
            v_chosen := v_chosen || v_seats[v_seat];
        end loop;
    end loop;
    return v_chosen;
end
$$;

comment on function rowlock._find_nearest(bigint, integer, integer, integer, integer[]) is
    'Chooses the seats of a section nearest together, for several requests of one quantity.';
