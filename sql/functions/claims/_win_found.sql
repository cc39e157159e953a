-- Finds which best-available claims a round of the search has won: those whose seats could all be locked. p_outcomes has one element per
-- request (null: undecided), the other arrays one per seat found (p_seat_rows null: a rival had it). Returns the outcomes as they are now;
-- the seats won, those of a request side by side; and the seats lost to rivals.
create or replace function rowlock._win_found(
    p_outcomes             text[],
    p_request_nos          integer[],
    p_section_nos          integer[],
    p_seat_nos             integer[],
    p_seat_rows            tid[],
    out o_outcomes         text[],
    out o_request_nos      integer[],
    out o_section_nos      integer[],
    out o_seat_nos         integer[],
    out o_seat_rows        tid[],
    out o_lost_section_nos integer[],
    out o_lost_seat_nos    integer[]
)
language plpgsql
as $$
declare
    v_request integer;
begin
    if array_position(p_seat_rows, null) is null then
        o_request_nos := p_request_nos;
        o_section_nos := p_section_nos;
        o_seat_nos := p_seat_nos;
        o_seat_rows := p_seat_rows;
    else
        select array_agg(f.request_no) filter (where f.is_won), array_agg(f.section_no) filter (where f.is_won),
            array_agg(f.seat_no) filter (where f.is_won), array_agg(f.seat_row) filter (where f.is_won),
            array_agg(f.section_no) filter (where f.seat_row is null), array_agg(f.seat_no) filter (where f.seat_row is null)
        into o_request_nos, o_section_nos, o_seat_nos, o_seat_rows, o_lost_section_nos, o_lost_seat_nos
        from (
            select f.request_no, f.section_no, f.seat_no, f.seat_row,
                bool_and(f.seat_row is not null) over (partition by f.request_no) as is_won
            from unnest(p_request_nos, p_section_nos, p_seat_nos, p_seat_rows)
                with ordinality as f (request_no, section_no, seat_no, seat_row, found_no)
            order by f.request_no, f.found_no
        ) f;
    end if;
    o_outcomes := p_outcomes;
    foreach v_request in array coalesce(o_request_nos, '{}') loop
        o_outcomes[v_request] := 'claimed';
    end loop;
end
$$;

comment on function rowlock._win_found(text[], integer[], integer[], integer[], tid[]) is
    'Finds which best-available claims of a round have all their seats.';
