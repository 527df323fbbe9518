-- Parking: the timelines of the spots' sensors (subject = device, what = 'spot'; kinds state, stay, overstay), and how they
-- are read. Functions have string bodies: their tables are looked up at each call.
DO $$ BEGIN
    PERFORM runtime.make_domain('parking');
    PERFORM runtime.make_timeline('parking');
END $$;
CREATE INDEX stay_by_carpark ON parking.segment ((data->>'carpark'), "end") WHERE kind = 'stay';

-- Where sensors are in service: registered at a spot and not in maintenance.
CREATE VIEW parking.service AS
    SELECT d.id AS device, p.id AS spot, p.site, p.carpark, p.spot_class,
           greatest(d.valid_from, p.valid_from) AS valid_from, least(d.valid_to, p.valid_to) AS valid_to
    FROM registry.device d JOIN registry.point p ON p.id = d.point AND p.valid_from < d.valid_to AND d.valid_from < p.valid_to
    WHERE d.kind = 'parking' AND p.type = 'parking' AND NOT coalesce((d.data->>'maintenance')::boolean, false);

-- Where a spot is known to be occupied or free: [start, until). An open state is known up to its last sign + the limit.
CREATE FUNCTION parking.known(of_carpark text, since timestamptz, until timestamptz)
    RETURNS TABLE (spot text, device text, state text, start timestamptz, "end" timestamptz)
    LANGUAGE sql STABLE AS $$
    SELECT v.spot, v.device, s.data->>'state', greatest(s.start, v.valid_from),
           least(coalesce(s."end", (s.data->>'known_until')::timestamptz), v.valid_to)
    FROM parking.service v
    -- A sensor's states follow each other: none before the last that began by `since` can reach into the time asked for.
    CROSS JOIN LATERAL (SELECT max(f.start) AS start FROM parking.segment f
        WHERE f.subject = v.device AND f.what = 'spot' AND f.kind = 'state' AND f.start <= since) first
    JOIN parking.segment s
        ON s.subject = v.device AND s.what = 'spot' AND s.kind = 'state' AND s.data->>'state' <> 'unknown'
        AND s.start >= coalesce(first.start, '-infinity') AND s.start < v.valid_to
        AND coalesce(s."end", (s.data->>'known_until')::timestamptz) > v.valid_from
    WHERE v.carpark = of_carpark AND s.start < until AND coalesce(s."end", (s.data->>'known_until')::timestamptz) > since
$$;

-- Occupancy of a car park at since, since + step, … before until (a step in seconds). occupancy is null where less than 80 %
-- of the spots in service are known (DOMAIN, Parking): then only the counts are shown.
CREATE FUNCTION parking.history(of_carpark text, since timestamptz, until timestamptz, step_s bigint)
    RETURNS TABLE (at timestamptz, in_service int, occupied int, free int, unknown int, known_share numeric, occupancy numeric)
    LANGUAGE sql STABLE AS $$
    WITH piece AS (
        SELECT 'service' AS kind, valid_from AS start, valid_to AS "end" FROM parking.service
        WHERE carpark = of_carpark AND valid_from < until AND valid_to > since
        UNION ALL SELECT state, start, "end" FROM parking.known(of_carpark, since, until)
    ), edge AS (
        SELECT kind, greatest(start, since) AS at, 1 AS change FROM piece
        UNION ALL SELECT kind, "end", -1 FROM piece WHERE "end" < until
    ), bucket AS (
        SELECT ceil(extract(epoch FROM at - since) / step_s)::bigint AS n,
               sum(change) FILTER (WHERE kind = 'service') AS in_service,
               sum(change) FILTER (WHERE kind = 'occupied') AS occupied,
               sum(change) FILTER (WHERE kind = 'free') AS free
        FROM edge GROUP BY 1
    ), running AS (
        SELECT n, coalesce(sum(b.in_service) OVER w, 0)::int AS in_service,
               coalesce(sum(b.occupied) OVER w, 0)::int AS occupied, coalesce(sum(b.free) OVER w, 0)::int AS free
        FROM generate_series(0, ceil(extract(epoch FROM until - since) / step_s)::bigint - 1) AS g(n) LEFT JOIN bucket b USING (n)
        WINDOW w AS (ORDER BY n)
    )
    SELECT since + n * step_s * interval '1 second', in_service, occupied, free, in_service - occupied - free,
           round((occupied + free)::numeric / nullif(in_service, 0), 4),
           CASE WHEN occupied + free >= 0.8 * in_service THEN round(occupied::numeric / nullif(occupied + free, 0), 4) END
    FROM running ORDER BY n
$$;

-- Occupancy of a car park at one moment.
CREATE FUNCTION parking.occupancy(of_carpark text, moment timestamptz)
    RETURNS TABLE (in_service int, occupied int, free int, unknown int, known_share numeric, occupancy numeric)
    LANGUAGE sql STABLE AS $$
    SELECT in_service, occupied, free, unknown, known_share, occupancy
    FROM parking.history(of_carpark, moment, moment + interval '1 microsecond', 1)
$$;

-- The state of each spot in service at one moment, with since when and since when a stay goes on there.
CREATE FUNCTION parking.spots(of_carpark text, moment timestamptz)
    RETURNS TABLE (spot text, device text, spot_class text, state text, since timestamptz, stay_since timestamptz)
    LANGUAGE sql STABLE AS $$
    SELECT v.spot, v.device, v.spot_class, coalesce(k.state, 'unknown'), k.start, s.start
    FROM parking.service v
    LEFT JOIN parking.known(of_carpark, moment, moment + interval '1 microsecond') k USING (spot, device)
    LEFT JOIN LATERAL (SELECT start FROM parking.segment WHERE subject = v.device AND kind = 'stay' AND start <= moment
        AND ("end" > moment OR "end" IS NULL) ORDER BY start DESC LIMIT 1) s ON true
    WHERE v.carpark = of_carpark AND v.valid_from <= moment AND v.valid_to > moment ORDER BY v.spot
$$;

-- Stays, open ones included.
CREATE VIEW parking.stay AS
    SELECT subject AS device, data->>'spot' AS spot, data->>'carpark' AS carpark, start, "end",
           (data->>'dwell_s')::float8 AS dwell_s, (data->>'uncertain')::boolean AS uncertain
    FROM parking.segment WHERE kind = 'stay';

-- Turnover by local day: stays that ended in it per spot in service in it; dwell of the certain ones, seconds.
CREATE FUNCTION parking.turnover(of_carpark text, since timestamptz, until timestamptz)
    RETURNS TABLE (day date, start timestamptz, spots int, stays int, uncertain int, turnover numeric,
                   dwell_p50_s float8, dwell_p95_s float8)
    LANGUAGE sql STABLE AS $$
    WITH zone AS (
        SELECT s.timezone FROM registry.current c JOIN registry.site s ON s.id = c.data->>'site'
        WHERE c.kind = 'carpark' AND c.id = of_carpark ORDER BY c.valid_from DESC, s.valid_from DESC LIMIT 1
    ), days AS (
        SELECT d::date AS day, d AT TIME ZONE timezone AS start, (d + interval '1 day') AT TIME ZONE timezone AS "end"
        FROM zone, generate_series(date_trunc('day', since AT TIME ZONE timezone),
                                   (until - interval '1 microsecond') AT TIME ZONE timezone, interval '1 day') AS d
    )
    SELECT d.day, d.start, v.spots, s.stays, s.uncertain, round(s.stays::numeric / nullif(v.spots, 0), 4), s.p50, s.p95
    FROM days d,
    LATERAL (SELECT count(DISTINCT spot)::int AS spots FROM parking.service
             WHERE carpark = of_carpark AND valid_from < d."end" AND valid_to > d.start) v,
    LATERAL (SELECT count(*)::int AS stays, (count(*) FILTER (WHERE uncertain))::int AS uncertain,
                    percentile_cont(0.5) WITHIN GROUP (ORDER BY dwell_s) FILTER (WHERE NOT uncertain) AS p50,
                    percentile_cont(0.95) WITHIN GROUP (ORDER BY dwell_s) FILTER (WHERE NOT uncertain) AS p95
             FROM parking.stay WHERE carpark = of_carpark AND "end" >= greatest(d.start, since)
             AND "end" < least(d."end", until)) s
    ORDER BY d.day
$$;
