-- depends: 0011.energy-views
-- Solar: the timelines of inverters (subject = device, what = 'state'; kinds state, inverter-fault) and of weather stations
-- (weather_*, what = 'poa'; kind poa, a quarter hour each), the clear sky, and the ratios made of them and of the energy.
-- Functions have string bodies: tables are looked up at each call.
DO $$ BEGIN
    PERFORM runtime.make_domain('solar');
    PERFORM runtime.make_timeline('solar');
    PERFORM runtime.make_timeline('solar', 'weather_');
END $$;

-- Clear-sky irradiance of a site by quarter hour (pvlib, Haurwitz), W/m2; `sky` says from where to where it is filled.
CREATE TABLE solar.clear_sky (site text, start timestamptz, ghi_w_m2 int NOT NULL, PRIMARY KEY (site, start));
CREATE TABLE solar.sky (
    site text PRIMARY KEY, latitude float8, longitude float8, since timestamptz, until timestamptz
);

-- What an inverter was in, and its faults by name; open segments included.
CREATE VIEW solar.state AS
    SELECT subject AS device, data->>'inverter' AS inverter, data->>'plant' AS plant, start, "end",
           data->>'state' AS state, data->'faults' AS faults, (data->>'known_until')::timestamptz AS known_until
    FROM solar.segment WHERE kind = 'state';

-- The registers behind a plant's figures, dated: of its inverters (part plant), of all generation behind the main meters of
-- its inverters (generation), and of these mains (import, export). sign: as in energy.flow.
CREATE FUNCTION solar.registers(of_plant text)
    RETURNS TABLE (part text, point text, sign int, p0_w bigint, valid_from timestamptz, valid_to timestamptz)
    LANGUAGE sql STABLE AS $$
    WITH inverter AS (
        SELECT id, parent, p0_w, valid_from, valid_to FROM registry.point WHERE type = 'inverter' AND plant = of_plant
    ), main AS (
        SELECT parent AS id, min(valid_from) AS valid_from, max(valid_to) AS valid_to
        FROM inverter WHERE parent IS NOT NULL GROUP BY parent
    )
    SELECT 'plant', id, 1, p0_w, valid_from, valid_to FROM inverter
    UNION ALL
    SELECT 'generation', g.id, x.sign, NULL, greatest(g.valid_from, m.valid_from), least(g.valid_to, m.valid_to)
    FROM main m JOIN registry.point g ON g.parent = m.id AND g.valid_from < m.valid_to AND m.valid_from < g.valid_to
        AND (g.type = 'inverter' OR (g.type = 'meter' AND g.role = 'generation'))
    CROSS JOIN LATERAL (
        SELECT 1 AS sign UNION
        SELECT f.sign FROM energy.place k JOIN energy.seat t ON t.place = k.id
        JOIN energy.flow f ON f.series = t.series AND f.medium = 'electricity' WHERE k.point = g.id
    ) x
    UNION ALL
    SELECT part, id, CASE part WHEN 'import' THEN 1 ELSE -1 END, NULL, valid_from, valid_to
    FROM main, unnest(ARRAY['import', 'export']) AS part
$$;

-- A plant by quarter hours that begin in [since, until): Wh and W/m2, null where not known. An energy is known when each
-- register of it covers the whole quarter hour and none of that is substituted; the irradiance (mean of the stations) when
-- it is known for all 900 s. yield_wh and yield_coverage: what the inverters counted, however it is known.
CREATE FUNCTION solar.plant_quarter(of_plant text, since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, p0_w bigint, yield_wh bigint, yield_coverage float8, e_wh bigint, poa_w_m2 float8,
                   generation_wh bigint, import_wh bigint, export_wh bigint, clear_sky_w_m2 int)
    LANGUAGE sql STABLE AS $$
    WITH register AS MATERIALIZED (
        SELECT * FROM solar.registers(of_plant) WHERE valid_from < until AND valid_to > since
    ), counted AS MATERIALIZED (
        SELECT r.point, r.sign, q.start, sum(q.quantity) AS wh, sum(q.covered) AS covered, sum(q.substituted) AS substituted
        FROM (SELECT DISTINCT point, sign FROM register) r
        JOIN energy.place k ON k.point = r.point JOIN energy.seat t ON t.place = k.id
        JOIN energy.flow f ON f.series = t.series AND f.medium = 'electricity' AND f.sign = r.sign
        JOIN energy.quarter q ON q.series = f.series AND q.place = k.id AND q.start >= since AND q.start < until
        GROUP BY r.point, r.sign, q.start
    ), grid AS (
        SELECT g AS start FROM generate_series(
            to_timestamp(ceil(extract(epoch FROM since) / 900) * 900), until - interval '1 microsecond', interval '15 min') AS g
    ), sums AS (
        SELECT g.start, r.part, sum(r.p0_w) AS p0_w,
               sum(c.wh * CASE r.part WHEN 'generation' THEN r.sign ELSE 1 END) AS wh,
               sum(c.covered) / (count(*) * 9e8) AS coverage,
               bool_and(c.covered = 900000000 AND c.substituted = 0 AND c.covered IS NOT NULL) AS known
        FROM grid g JOIN register r ON r.valid_from <= g.start AND r.valid_to > g.start
        LEFT JOIN counted c USING (point, sign, start) GROUP BY g.start, r.part
    ), energy AS (
        SELECT start, max(p0_w) FILTER (WHERE part = 'plant') AS p0_w, max(wh) FILTER (WHERE part = 'plant') AS yield,
               max(coverage) FILTER (WHERE part = 'plant') AS coverage, max(wh) FILTER (WHERE part = 'plant' AND known) AS e,
               max(wh) FILTER (WHERE part = 'generation' AND known) AS generation,
               max(wh) FILTER (WHERE part = 'import' AND known) AS import,
               max(wh) FILTER (WHERE part = 'export' AND known) AS export
        FROM sums GROUP BY start
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

-- The ratios of a plant over [since, until), as sums over the quarter hours in which all their inputs are known (DOMAIN, Solar):
-- pr: performance ratio (IEC 61724-1), E / (P0 x H / 1 kW/m2), only where G >= 50 W/m2 (that cut is ours).
-- self_consumption: (generation - export) / generation; self_sufficiency: (generation - export) / (that + import); both of
-- the main meters behind which the plant is. A local day whose export is over 101 % of its generation is a data fault: its
-- quarter hours are left out and it is counted in export_faults.
-- *_kept: share of quarter hours whose inputs are known; of pr and self_consumption among those with a clear-sky irradiance
-- of 50 W/m2 and more (darkness under clouds is no lack of data), of self_sufficiency among all. *_marked: below 90 %.
CREATE FUNCTION solar.ratios(of_plant text, since timestamptz, until timestamptz)
    RETURNS TABLE (p0_w bigint, yield_wh bigint, yield_coverage float8, yf_h float8, yr_h float8,
                   pr float8, pr_kept float8, pr_marked boolean,
                   self_consumption float8, self_consumption_kept float8, self_consumption_marked boolean,
                   self_sufficiency float8, self_sufficiency_kept float8, self_sufficiency_marked boolean, export_faults int)
    LANGUAGE sql STABLE AS $$
    WITH zone AS (
        SELECT s.timezone FROM registry.point p JOIN registry.site s ON s.id = p.site
        WHERE p.type = 'inverter' AND p.plant = of_plant ORDER BY p.valid_from DESC, s.valid_from DESC LIMIT 1
    ), quarter AS MATERIALIZED (
        SELECT q.*, (q.start AT TIME ZONE (SELECT timezone FROM zone))::date AS day, coalesce(clear_sky_w_m2, 0) >= 50 AS light
        FROM solar.plant_quarter(of_plant, since, until) q
    ), day AS (
        SELECT day, coalesce(sum(export_wh) > 1.01 * sum(generation_wh), false) AS fault
        FROM quarter WHERE export_wh IS NOT NULL AND generation_wh IS NOT NULL GROUP BY day
    ), judged AS (
        SELECT q.*, e_wh IS NOT NULL AND poa_w_m2 IS NOT NULL AS has_pr,
               generation_wh IS NOT NULL AND export_wh IS NOT NULL AND NOT d.fault AS has_use
        FROM quarter q LEFT JOIN day d USING (day)
    ), summed AS (
        SELECT max(p0_w) AS p0_w, sum(yield_wh) AS yield, avg(yield_coverage) AS coverage,
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
        FROM judged
    )
    SELECT p0_w, yield::bigint, coverage, yf, yr, (e / nullif(reference, 0))::float8, pr_kept, pr_kept < 0.9,
           (used / nullif(generation, 0))::float8, use_kept, use_kept < 0.9,
           (supplied / nullif(supplied + import, 0))::float8, supply_kept, supply_kept < 0.9,
           (SELECT count(*)::int FROM day WHERE fault)
    FROM summed
$$;
