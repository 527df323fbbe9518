-- depends: 0122.dashboard-reader 0141.rebuild-with
-- Views name `what` beside the kind, so that the newest segment of a subject is one look into the primary key (subject, what,
-- kind, start, key). Without it the planner walks back through the kind's segments of all subjects, for a subject that has
-- none through all there are.
CREATE OR REPLACE VIEW access.opening AS
    SELECT subject AS device, data->>'point' AS point, data->>'site' AS site, start, "end",
           (data->>'grants')::int AS grants, (data->>'exit_requests')::int AS exit_requests,
           (data->>'passages')::int AS passages, (data->>'entries')::int AS entries, (data->>'excess')::int AS excess,
           (data->>'forced')::boolean AS forced, (data->>'released')::boolean AS released,
           (data->>'complete')::boolean AS complete
    FROM access.segment WHERE what = 'door' AND kind = 'opening';

CREATE OR REPLACE VIEW access.release AS
    SELECT subject AS device, data->>'point' AS point, data->>'site' AS site, start, "end"
    FROM access.segment WHERE what = 'door' AND kind = 'released';

CREATE OR REPLACE VIEW solar.state AS
    SELECT subject AS device, data->>'inverter' AS inverter, data->>'plant' AS plant, start, "end",
           data->>'state' AS state, data->'faults' AS faults, (data->>'known_until')::timestamptz AS known_until
    FROM solar.segment WHERE what = 'state' AND kind = 'state';

-- Stays of a spot follow each other: only the newest can go on.
CREATE OR REPLACE FUNCTION parking.spots(of_carpark text, moment timestamptz)
    RETURNS TABLE (spot text, device text, spot_class text, state text, since timestamptz, stay_since timestamptz)
    LANGUAGE sql STABLE AS $$
    SELECT v.spot, v.device, v.spot_class, coalesce(k.state, 'unknown'), k.start,
           CASE WHEN s."end" > moment OR s."end" IS NULL THEN s.start END
    FROM parking.service v
    LEFT JOIN parking.known(of_carpark, moment, moment + interval '1 microsecond') k USING (spot, device)
    LEFT JOIN LATERAL (SELECT start, "end" FROM parking.segment
        WHERE subject = v.device AND what = 'spot' AND kind = 'stay' AND start <= moment ORDER BY start DESC LIMIT 1) s ON true
    WHERE v.carpark = of_carpark AND v.valid_from <= moment AND v.valid_to > moment ORDER BY v.spot
$$;

-- The zone is looked up once, not for each row.
CREATE OR REPLACE FUNCTION dashboard.parcels_gone(of_site text, since timestamptz, until timestamptz, by text)
    RETURNS TABLE (start timestamptz, outcome text, parcels bigint)
    LANGUAGE sql STABLE AS $$
    SELECT date_trunc(by, p."end", (SELECT energy.zone(of_site))), p.outcome, count(*)
    FROM parcels.parcel p JOIN dashboard.item b ON b.kind = 'point' AND b.id = p.bank
    WHERE b.site = of_site AND p."end" >= parcels_gone.since AND p."end" < parcels_gone.until GROUP BY 1, 2 ORDER BY 1, 2
$$;

CREATE OR REPLACE FUNCTION dashboard.passages(of_site text, since timestamptz, until timestamptz, by text)
    RETURNS TABLE (start timestamptz, direction text, passages bigint)
    LANGUAGE sql STABLE AS $$
    SELECT date_trunc(by, p.time, (SELECT energy.zone(of_site))), p.direction, dashboard.crowd(count(*))
    FROM access.passage p WHERE p.site = of_site AND p.time >= passages.since AND p.time < passages.until
    GROUP BY 1, 2 ORDER BY 1, 2
$$;
