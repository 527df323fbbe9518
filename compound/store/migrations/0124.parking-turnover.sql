-- depends: 0020.parking
-- The same figures for a year without looking up the registry day by day.
CREATE OR REPLACE FUNCTION parking.turnover(of_carpark text, since timestamptz, until timestamptz)
    RETURNS TABLE (day date, start timestamptz, spots int, stays int, uncertain int, turnover numeric,
                   dwell_p50_s float8, dwell_p95_s float8)
    LANGUAGE sql STABLE AS $$
    WITH zone AS MATERIALIZED (
        SELECT s.timezone FROM registry.current c JOIN registry.site s ON s.id = c.data->>'site'
        WHERE c.kind = 'carpark' AND c.id = of_carpark ORDER BY c.valid_from DESC, s.valid_from DESC LIMIT 1
    ), days AS MATERIALIZED (
        SELECT d::date AS day, d AT TIME ZONE timezone AS start, (d + interval '1 day') AT TIME ZONE timezone AS "end"
        FROM zone, generate_series(date_trunc('day', turnover.since AT TIME ZONE timezone),
                                   (turnover.until - interval '1 microsecond') AT TIME ZONE timezone, interval '1 day') AS d
    ), service AS MATERIALIZED (
        SELECT spot, valid_from, valid_to FROM parking.service WHERE carpark = of_carpark
    ), counted AS (
        SELECT d.day, count(DISTINCT v.spot)::int AS spots
        FROM days d JOIN service v ON v.valid_from < d."end" AND v.valid_to > d.start GROUP BY 1
    ), ended AS (
        SELECT (s."end" AT TIME ZONE zone.timezone)::date AS day, count(*)::int AS stays, (count(*) FILTER (WHERE s.uncertain))::int AS uncertain,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY s.dwell_s) FILTER (WHERE NOT s.uncertain) AS p50,
               percentile_cont(0.95) WITHIN GROUP (ORDER BY s.dwell_s) FILTER (WHERE NOT s.uncertain) AS p95
        FROM zone, parking.stay s
        WHERE s.carpark = of_carpark AND s."end" >= turnover.since AND s."end" < turnover.until GROUP BY 1
    )
    SELECT d.day, d.start, coalesce(c.spots, 0), coalesce(e.stays, 0), coalesce(e.uncertain, 0),
           round(coalesce(e.stays, 0)::numeric / nullif(c.spots, 0), 4), e.p50, e.p95
    FROM days d LEFT JOIN counted c USING (day) LEFT JOIN ended e USING (day) ORDER BY d.day
$$;
