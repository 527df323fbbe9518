-- depends: 0150.by-subject
-- Balances and plants by quarter hours: what is expected (a row for each register and quarter hour) and what was counted stand
-- below each other and are summed, not joined. docs/decisions/speed-of-dashboards.md

-- A place by quarter hours: what it used and where that went. Null where a meter it needs is not known throughout; the
-- residual is known only where all of them are, and is kept when negative. What a meter exports is missed only while it was
-- in place.
CREATE OR REPLACE FUNCTION energy.balance_quarter(of_point text, since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, import bigint, export bigint, generation bigint, storage bigint, consumption bigint,
                   children bigint, residual bigint)
    LANGUAGE sql STABLE AS $$
    WITH place AS (SELECT medium FROM energy.node WHERE id = of_point LIMIT 1
    ), formula AS MATERIALIZED (  -- n: a side's meter, by direction
        SELECT dense_rank() OVER (ORDER BY kind, f.meter, f.part, f.sign)::int AS n, kind,
               CASE WHEN f.part <> 'own' THEN f.part WHEN f.sign < 0 THEN 'export' ELSE 'import' END AS part, f.sign, f.series, f.place,
               f.weight, f.since, f.until, f.seated, f."left"
        FROM unnest(ARRAY['point', 'children']) AS kind, place, energy.formula(kind, of_point, place.medium, NULL) f
    ), expected AS MATERIALIZED (
        SELECT n, sign, since, until, min(seated) AS seated, max("left") AS "left" FROM formula GROUP BY 1, 2, 3, 4
    ), told AS (
        SELECT e.n, g.start, true AS expected, NULL::bigint AS quantity, NULL::int AS covered
        FROM expected e, LATERAL generate_series(
            to_timestamp(ceil(extract(epoch FROM greatest(e.since, balance_quarter.since)) / 900) * 900),
            least(e.until, balance_quarter.until) - interval '1 microsecond', interval '15 min') AS g(start)
        WHERE e.sign > 0 OR (e.seated < g.start + interval '15 min' AND e."left" > g.start)
        UNION ALL
        SELECT f.n, q.start, NULL, q.quantity * f.weight, q.covered
        FROM formula f JOIN energy.quarter q ON q.series = f.series AND q.place = f.place AND q.start >= f.since AND q.start < f.until
            AND q.start >= balance_quarter.since AND q.start < balance_quarter.until
    ), meter AS (
        SELECT n, start, sum(quantity) AS quantity, coalesce(sum(covered) = 900000000, false) AS known
        FROM told GROUP BY 1, 2 HAVING bool_or(expected)
    ), summed AS (
        SELECT m.start,
               sum(quantity) FILTER (WHERE place AND part = 'import') AS import, bool_and(known) FILTER (WHERE place AND part = 'import') AS import_known,
               -sum(quantity) FILTER (WHERE place AND part = 'export') AS export, bool_and(known) FILTER (WHERE place AND part = 'export') AS export_known,
               sum(quantity) FILTER (WHERE place AND part = 'generation') AS generation,
               bool_and(known) FILTER (WHERE place AND part = 'generation') AS generation_known,
               sum(quantity) FILTER (WHERE place AND part = 'storage') AS storage, bool_and(known) FILTER (WHERE place AND part = 'storage') AS storage_known,
               sum(quantity) FILTER (WHERE place) AS consumption, bool_and(known) FILTER (WHERE place) AS place_known,
               sum(quantity) FILTER (WHERE NOT place) AS children, bool_and(known) FILTER (WHERE NOT place) AS children_known
        FROM meter m JOIN (SELECT DISTINCT n, kind = 'point' AS place, part FROM formula) f USING (n) GROUP BY m.start
    ), side AS (
        SELECT start, CASE WHEN import_known THEN import END AS import, CASE WHEN export_known THEN export END AS export,
               CASE WHEN generation_known THEN generation END AS generation, CASE WHEN storage_known THEN storage END AS storage,
               CASE WHEN place_known THEN consumption END AS consumption, CASE WHEN children_known THEN children END AS children
        FROM summed
    )
    SELECT start, import::bigint, export::bigint, generation::bigint, storage::bigint, consumption::bigint, children::bigint,
           (consumption - children)::bigint
    FROM side ORDER BY start
$$;

-- A plant by quarter hours that begin in [since, until): Wh and W/m2, null where not known. An energy is known when each
-- register of it covers the whole quarter hour and none of that is substituted; the irradiance (mean of the stations) when
-- it is known for all 900 s. yield_wh and yield_coverage: what the inverters counted, however it is known.
CREATE OR REPLACE FUNCTION solar.plant_quarter(of_plant text, since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, p0_w bigint, yield_wh bigint, yield_coverage float8, e_wh bigint, poa_w_m2 float8,
                   generation_wh bigint, import_wh bigint, export_wh bigint, clear_sky_w_m2 int)
    LANGUAGE sql STABLE AS $$
    WITH register AS MATERIALIZED (
        SELECT *, dense_rank() OVER (ORDER BY point, sign)::int AS n FROM solar.registers(of_plant) WHERE valid_from < until AND valid_to > since
    ), counted AS MATERIALIZED (
        SELECT r.n, q.start, sum(q.quantity) AS wh, sum(q.covered) AS covered, sum(q.covered) = 900000000 AND sum(q.substituted) = 0 AS known
        FROM (SELECT DISTINCT n, point, sign FROM register) r
        JOIN energy.place k ON k.point = r.point JOIN energy.seat t ON t.place = k.id
        JOIN energy.flow f ON f.series = t.series AND f.medium = 'electricity' AND f.sign = r.sign
        JOIN energy.quarter q ON q.series = f.series AND q.place = k.id AND q.start >= since AND q.start < until
        GROUP BY 1, 2
    ), grid AS (
        SELECT g AS start FROM generate_series(
            to_timestamp(ceil(extract(epoch FROM since) / 900) * 900), until - interval '1 microsecond', interval '15 min') AS g
    ), told AS (  -- of a register: that it is expected, what it counted, whether that is known
        SELECT g.start, r.part, r.p0_w, 1 AS expected, NULL::bigint AS wh, NULL::bigint AS covered, NULL::int AS known
        FROM register r JOIN grid g ON g.start >= r.valid_from AND g.start < r.valid_to
        UNION ALL
        SELECT c.start, r.part, NULL, NULL, (c.wh * CASE r.part WHEN 'generation' THEN r.sign ELSE 1 END)::bigint, c.covered, c.known::int
        FROM register r JOIN counted c ON c.n = r.n AND c.start >= r.valid_from AND c.start < r.valid_to
    ), energy AS (
        SELECT start, sum(p0_w) AS p0_w, sum(wh) FILTER (WHERE part = 'plant') AS yield,
               sum(covered) FILTER (WHERE part = 'plant') / (sum(expected) FILTER (WHERE part = 'plant') * 9e8) AS coverage,
               CASE WHEN sum(known) FILTER (WHERE part = 'plant') = sum(expected) FILTER (WHERE part = 'plant')
                   THEN sum(wh) FILTER (WHERE part = 'plant') END AS e,
               CASE WHEN sum(known) FILTER (WHERE part = 'generation') = sum(expected) FILTER (WHERE part = 'generation')
                   THEN sum(wh) FILTER (WHERE part = 'generation') END AS generation,
               CASE WHEN sum(known) FILTER (WHERE part = 'import') = sum(expected) FILTER (WHERE part = 'import')
                   THEN sum(wh) FILTER (WHERE part = 'import') END AS import,
               CASE WHEN sum(known) FILTER (WHERE part = 'export') = sum(expected) FILTER (WHERE part = 'export')
                   THEN sum(wh) FILTER (WHERE part = 'export') END AS export
        FROM told GROUP BY start
    ), poa AS (
        SELECT w.start, avg((w.data->>'w_m2')::float8) AS w_m2 FROM solar.weather_segment w
        WHERE w.kind = 'poa' AND w.start >= since AND w.start < until AND w.data->>'plant' = of_plant
          AND (w.data->>'known_s')::float8 = 900 GROUP BY w.start
    ), site AS (
        SELECT site FROM registry.point WHERE type = 'inverter' AND plant = of_plant ORDER BY valid_from DESC LIMIT 1
    )
    SELECT g.start, e.p0_w::bigint, e.yield::bigint, coalesce(e.coverage, 0)::float8, e.e::bigint, p.w_m2, e.generation::bigint,
           e.import::bigint, e.export::bigint, s.ghi_w_m2
    FROM grid g LEFT JOIN energy e USING (start) LEFT JOIN poa p USING (start)
    LEFT JOIN solar.clear_sky s ON s.start = g.start AND s.site = (SELECT site FROM site)
    ORDER BY g.start
$$;

-- The ratios of a plant over [since, until), n = 0, and over stretches [starts[n], ends[n]) that follow each other, n = 1, 2, …:
-- sums over the quarter hours in which all their inputs are known (DOMAIN, Solar), each quarter hour worked out once.
-- pr: performance ratio (IEC 61724-1), E / (P0 x H / 1 kW/m2), only where G >= 50 W/m2 (that cut is ours).
-- self_consumption: (generation - export) / generation; self_sufficiency: (generation - export) / (that + import); both of
-- the main meters behind which the plant is. A local day whose export is over 101 % of its generation is a data fault: its
-- quarter hours are left out and it is counted in export_faults.
-- *_kept: share of quarter hours whose inputs are known; of pr and self_consumption among those with a clear-sky irradiance
-- of 50 W/m2 and more (darkness under clouds is no lack of data), of self_sufficiency among all. *_marked: below 90 %.
CREATE FUNCTION solar.ratios_of(of_plant text, since timestamptz, until timestamptz, starts timestamptz[], ends timestamptz[])
    RETURNS TABLE (n int, p0_w bigint, yield_wh bigint, yield_coverage float8, yf_h float8, yr_h float8,
                   pr float8, pr_kept float8, pr_marked boolean,
                   self_consumption float8, self_consumption_kept float8, self_consumption_marked boolean,
                   self_sufficiency float8, self_sufficiency_kept float8, self_sufficiency_marked boolean, export_faults int)
    LANGUAGE sql STABLE AS $$
    WITH zone AS (
        SELECT s.timezone FROM registry.point p JOIN registry.site s ON s.id = p.site
        WHERE p.type = 'inverter' AND p.plant = of_plant ORDER BY p.valid_from DESC, s.valid_from DESC LIMIT 1
    ), quarter AS MATERIALIZED (
        SELECT q.*, (q.start AT TIME ZONE (SELECT timezone FROM zone))::date AS day, coalesce(clear_sky_w_m2, 0) >= 50 AS light,
               width_bucket(q.start, starts) AS stretch
        FROM solar.plant_quarter(of_plant, least(since, starts[1]), greatest(until, ends[cardinality(ends)])) q
    ), part AS (
        SELECT 0 AS n, q.* FROM quarter q WHERE q.start >= since AND q.start < until
        UNION ALL SELECT stretch, q.* FROM quarter q WHERE q.start < ends[stretch]
    ), day AS (
        SELECT n, day, coalesce(sum(export_wh) > 1.01 * sum(generation_wh), false) AS fault
        FROM part WHERE export_wh IS NOT NULL AND generation_wh IS NOT NULL GROUP BY 1, 2
    ), judged AS (
        SELECT p.*, e_wh IS NOT NULL AND poa_w_m2 IS NOT NULL AS has_pr,
               generation_wh IS NOT NULL AND export_wh IS NOT NULL AND NOT d.fault AS has_use
        FROM part p LEFT JOIN day d USING (n, day)
    ), summed AS (
        SELECT n, max(p0_w) AS p0_w, sum(yield_wh) AS yield, avg(yield_coverage) AS coverage,
               sum(e_wh) FILTER (WHERE has_pr AND poa_w_m2 >= 50) AS e,
               sum(e_wh::float8 / nullif(p0_w, 0)) FILTER (WHERE has_pr AND poa_w_m2 >= 50) AS yf,
               sum(poa_w_m2 / 4000) FILTER (WHERE has_pr AND poa_w_m2 >= 50) AS yr,
               sum(p0_w * poa_w_m2 / 4000) FILTER (WHERE has_pr AND poa_w_m2 >= 50) AS reference,
               (count(*) FILTER (WHERE light AND has_pr))::float8 / nullif(count(*) FILTER (WHERE light), 0) AS pr_kept,
               sum(generation_wh) FILTER (WHERE has_use) AS generation,
               greatest(sum(generation_wh - export_wh) FILTER (WHERE has_use), 0) AS used,
               (count(*) FILTER (WHERE light AND has_use))::float8 / nullif(count(*) FILTER (WHERE light), 0) AS use_kept,
               greatest(sum(generation_wh - export_wh) FILTER (WHERE has_use AND import_wh IS NOT NULL), 0) AS supplied,
               sum(import_wh) FILTER (WHERE has_use AND import_wh IS NOT NULL) AS import,
               (count(*) FILTER (WHERE has_use AND import_wh IS NOT NULL))::float8 / nullif(count(*), 0) AS supply_kept
        FROM judged GROUP BY n
    ), fault AS (
        SELECT n, count(*) AS faults FROM day WHERE fault GROUP BY n
    )
    SELECT n, p0_w, yield::bigint, coverage, yf, yr, (e / nullif(reference, 0))::float8, pr_kept, pr_kept < 0.9,
           (used / nullif(generation, 0))::float8, use_kept, use_kept < 0.9,
           (supplied / nullif(supplied + import, 0))::float8, supply_kept, supply_kept < 0.9, coalesce(faults, 0)::int
    FROM generate_series(0, cardinality(starts)) AS n LEFT JOIN summed USING (n) LEFT JOIN fault USING (n) ORDER BY n
$$;

CREATE OR REPLACE FUNCTION solar.ratios(of_plant text, since timestamptz, until timestamptz)
    RETURNS TABLE (p0_w bigint, yield_wh bigint, yield_coverage float8, yf_h float8, yr_h float8,
                   pr float8, pr_kept float8, pr_marked boolean,
                   self_consumption float8, self_consumption_kept float8, self_consumption_marked boolean,
                   self_sufficiency float8, self_sufficiency_kept float8, self_sufficiency_marked boolean, export_faults int)
    LANGUAGE sql STABLE AS $$
    SELECT p0_w, yield_wh, yield_coverage, yf_h, yr_h, pr, pr_kept, pr_marked, self_consumption, self_consumption_kept,
           self_consumption_marked, self_sufficiency, self_sufficiency_kept, self_sufficiency_marked, export_faults
    FROM solar.ratios_of(of_plant, since, until, '{}', '{}')
$$;

-- The ratios of a plant for each local day that begins in [since, until).
CREATE OR REPLACE FUNCTION dashboard.plant_ratios(of_plant text, since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, pr float8, pr_kept float8, self_consumption float8, self_consumption_kept float8,
                   self_sufficiency float8, self_sufficiency_kept float8)
    LANGUAGE sql STABLE AS $$
    WITH zone AS MATERIALIZED (
        SELECT energy.zone(site) AS name FROM dashboard.plant WHERE plant = of_plant
    ), day AS (
        SELECT d AT TIME ZONE name AS start, (d + interval '1 day') AT TIME ZONE name AS "end"
        FROM zone, generate_series(date_trunc('day', plant_ratios.since AT TIME ZONE name),
                                   plant_ratios.until AT TIME ZONE name, interval '1 day') AS d
    ), days AS (
        SELECT array_agg(start ORDER BY start) AS starts, array_agg("end" ORDER BY start) AS ends
        FROM day WHERE start >= plant_ratios.since AND start < plant_ratios.until
    )
    SELECT starts[r.n], r.pr, r.pr_kept, r.self_consumption, r.self_consumption_kept, r.self_sufficiency, r.self_sufficiency_kept
    FROM days, solar.ratios_of(of_plant, plant_ratios.since, plant_ratios.since, starts, ends) r WHERE r.n > 0 ORDER BY 1
$$;
