-- One round's search for best-available claims: chooses seats for the admitted requests, section by section, and locks them, without
-- waiting and without the seats that earlier rounds won or lost to rivals (p_lost_section_nos, p_lost_seat_nos).
--
-- p_asked_section_nos, p_quantities and p_admitted have one element per request. Returns one element per chosen seat (o_seat_rows: where
-- its locked row is, null if a rival had it), and one element per section for _write_search_hints. The sections' releases are read before
-- their seats, so that a hint that misses a seat coming back is recognised as stale.
--
-- Locks: the chosen seats, in (section_no, seat_no) order, skipping locked ones.
create or replace function rowlock._search_sections(
    p_event_id          bigint,
    p_asked_section_nos integer[],
    p_quantities        integer[],
    p_admitted          boolean[],
    p_lost_section_nos  integer[],
    p_lost_seat_nos     integer[],
    out o_request_nos      integer[],
    out o_section_nos      integer[],
    out o_seat_nos         integer[],
    out o_seat_rows        tid[],
    out o_hint_section_nos integer[],
    out o_hint_quantities  integer[],
    out o_hint_from_seats  integer[],
    out o_hint_releases    bigint[]
)
language plpgsql
as $$
declare
    v_section record;
    v_found   record;
begin
    for v_section in
        select r.section_no, r.request_nos, r.quantities, r.smallest, s.search_from, s.releases
        from (
            select r.section_no, array_agg(r.request_no::integer order by r.request_no) as request_nos,
                array_agg(r.quantity order by r.request_no) as quantities, min(r.quantity) as smallest
            from unnest(p_asked_section_nos, p_quantities, p_admitted)
                with ordinality as r (section_no, quantity, is_admitted, request_no)
            where r.is_admitted
            group by r.section_no
        ) r
        join rowlock.sections s on s.event_id = p_event_id and s.section_no = r.section_no
        order by r.section_no
    loop
        select f.o_request_nos as request_nos, f.o_seat_nos as seat_nos, f.o_from_seat as from_seat
        into v_found
        from rowlock._find_seats(
            p_event_id => p_event_id, p_section_no => v_section.section_no, p_request_nos => v_section.request_nos,
            p_quantities => v_section.quantities, p_hints => v_section.search_from,
            p_lost => array(
                select l.seat_no
                from unnest(p_lost_section_nos, p_lost_seat_nos) as l (section_no, seat_no)
                where l.section_no = v_section.section_no
            )
        ) f;
        continue when cardinality(v_found.seat_nos) = 0;
        o_request_nos := o_request_nos || v_found.request_nos;
        o_section_nos := o_section_nos || array_fill(v_section.section_no, array[cardinality(v_found.seat_nos)]);
        o_seat_nos := o_seat_nos || v_found.seat_nos;
        o_hint_section_nos := o_hint_section_nos || v_section.section_no;
        o_hint_quantities := o_hint_quantities || v_section.smallest;
        o_hint_from_seats := o_hint_from_seats || v_found.from_seat;
        o_hint_releases := o_hint_releases || v_section.releases;
    end loop;
    select l.o_seat_rows into o_seat_rows from rowlock._lock_available_seats(p_event_id, o_section_nos, o_seat_nos) l;
end
$$;

comment on function rowlock._search_sections(bigint, integer[], integer[], boolean[], integer[], integer[]) is
    'Chooses and locks seats for a round of best-available claims.';
