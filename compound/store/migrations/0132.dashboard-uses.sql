-- depends: 0131.uses 0121.dashboard-desks
-- Dashboards ask for all buildings or departments at once (energy.uses).

-- Mean power of groups of one site by local day: see dashboard.base_load, which is one of them.
CREATE FUNCTION dashboard.base_loads(kind text, ids text[], since timestamptz, until timestamptz)
    RETURNS TABLE (of_id text, start timestamptz, night float8, office float8, day float8, working boolean)
    LANGUAGE sql STABLE AS $$
    WITH zone AS MATERIALIZED (SELECT energy.zone_of(base_loads.kind, ids[1]) AS name
    ), quarter AS (
        SELECT u.of_id, u.start AT TIME ZONE zone.name AS local, CASE WHEN u.coverage >= 0.95 THEN u.quantity END AS quantity
        FROM zone, energy.uses(base_loads.kind, ids, base_loads.since, base_loads.until, 'quarter') u
    ), day AS (
        SELECT of_id, date_trunc('day', local) AS day,
               CASE WHEN count(quantity) FILTER (WHERE extract(hour FROM local) < 5) = 20
                   THEN avg(quantity * 4) FILTER (WHERE extract(hour FROM local) < 5) END AS night,
               CASE WHEN count(quantity) FILTER (WHERE extract(hour FROM local) BETWEEN 8 AND 17) = 40
                   THEN avg(quantity * 4) FILTER (WHERE extract(hour FROM local) BETWEEN 8 AND 17) END AS office,
               CASE WHEN count(quantity) = 96 THEN avg(quantity * 4) END AS whole
        FROM quarter GROUP BY 1, 2
    )
    SELECT d.of_id, d.day AT TIME ZONE zone.name, d.night::float8, d.office::float8, d.whole::float8, w.working
    FROM day d JOIN (SELECT day, dashboard.working(day::date) AS working FROM (SELECT DISTINCT day FROM day) x) w USING (day), zone ORDER BY 1, 2
$$;
CREATE OR REPLACE FUNCTION dashboard.base_load(kind text, of_id text, since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, night float8, office float8, day float8, working boolean)
    LANGUAGE sql STABLE AS $$
    SELECT start, night, office, day, working
    FROM dashboard.base_loads(base_load.kind, ARRAY[base_load.of_id], base_load.since, base_load.until)
$$;

CREATE OR REPLACE FUNCTION dashboard.ranking(of_site text, of_medium text, since timestamptz, until timestamptz)
    RETURNS TABLE (department text, label text, quantity bigint, per_m2 float8, per_head float8, coverage float8)
    LANGUAGE sql STABLE AS $$
    SELECT d.id, d.label, u.quantity, u.quantity / nullif((d.data->>'area_m2')::float8, 0),
           u.quantity / nullif((d.data->>'headcount')::float8, 0), u.coverage
    FROM dashboard.item d JOIN (
        SELECT of_id, sum(quantity)::bigint AS quantity, avg(coverage) AS coverage
        FROM energy.uses('department', (SELECT array_agg(id) FROM dashboard.item WHERE kind = 'department' AND site = of_site),
                         ranking.since, ranking.until, 'day', of_medium) GROUP BY 1) u ON u.of_id = d.id
    WHERE d.kind = 'department' AND d.site = of_site AND u.quantity IS NOT NULL
$$;
