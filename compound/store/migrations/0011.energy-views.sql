-- depends: 0010.energy
-- What the energy domain answers. Functions have string bodies with full names: tables are looked up at each call.
-- Quantities are Wh (electricity, heat) or litres (water, gas); times half-open; days and months are the site's.

-- Which registers make up the use of a medium, the best first; export counts against.
CREATE TABLE energy.register (medium text, what text, rank int NOT NULL, sign int NOT NULL, PRIMARY KEY (medium, what));
INSERT INTO energy.register VALUES
    ('electricity', 'import_wh', 1, 1), ('electricity', 'interval_wh', 2, 1), ('electricity', 'pulses', 3, 1),
    ('electricity', 'energy_wh', 4, 1), ('electricity', 'export_wh', 1, -1),
    ('heat', 'heat_wh', 1, 1), ('heat', 'interval_wh', 2, 1), ('heat', 'pulses', 3, 1),
    ('water', 'volume_l', 1, 1), ('water', 'interval_l', 2, 1), ('water', 'pulses', 3, 1),
    ('gas', 'volume_l', 1, 1), ('gas', 'interval_l', 2, 1), ('gas', 'pulses', 3, 1);

-- The series that count: of a meter that tells the same in several ways, the best.
CREATE VIEW energy.flow AS
    SELECT s.id AS series, s.subject, s.what, r.medium, r.sign
    FROM energy.series s JOIN energy.register r USING (what)
    WHERE NOT EXISTS (
        SELECT FROM energy.series o JOIN energy.register b USING (what)
        WHERE o.subject = s.subject AND b.medium = r.medium AND b.sign = r.sign AND b.rank < r.rank
    );

CREATE FUNCTION energy.zone(of_site text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT timezone FROM registry.site WHERE id = of_site ORDER BY valid_from DESC LIMIT 1), 'UTC')
$$;

-- The zone of a meter, point, building, department or site (by its newest version).
CREATE FUNCTION energy.zone_of(kind text, of_id text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT energy.zone(coalesce(
        (SELECT data->>'site' FROM registry.current c
         WHERE c.id = of_id AND c.kind = CASE zone_of.kind WHEN 'meter' THEN 'device' ELSE zone_of.kind END
         ORDER BY valid_from DESC LIMIT 1), of_id))
$$;

-- Measuring points by versions. The first version counts from the local midnight before it: it has no day before.
CREATE VIEW energy.node AS
    SELECT p.id, p.site, p.building, p.department, p.parent, coalesce(p.medium, 'electricity') AS medium,
           CASE p.type WHEN 'inverter' THEN 'generation' ELSE p.role END AS role,
           CASE WHEN EXISTS (SELECT FROM registry.point b WHERE b.id = p.id AND b.valid_to = p.valid_from) THEN p.valid_from
                ELSE date_trunc('day', p.valid_from, energy.zone(p.site)) END AS since,
           p.valid_to AS until
    FROM registry.point p WHERE p.type IN ('meter', 'inverter');

-- The places whose consumption makes up that of a site, building, department, point, or of a point's children, dated.
-- Nothing counts twice: a place counts where its parent in the meter tree is not of the same group, and counts against
-- where only its parent is. A place without a building or department is of its parent's. A site is its mains at the roots
-- of the tree; where it has none, all roots.
CREATE FUNCTION energy.base(kind text, of_id text, of_medium text)
    RETURNS TABLE (point text, factor int, since timestamptz, until timestamptz) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE node AS MATERIALIZED (
        SELECT * FROM energy.node n WHERE n.medium = of_medium AND n.role IN ('main', 'sub')
    ), root AS (
        SELECT n.id, n.role, n.site, n.building, n.department, lower(r) AS since, upper(r) AS until
        FROM node n, unnest(tstzmultirange(tstzrange(n.since, n.until)) - coalesce(
            (SELECT range_agg(tstzrange(p.since, p.until)) FROM node p WHERE p.id = n.parent), '{}'::tstzmultirange)) AS r
    ), tree AS (
        SELECT id, role, site, building, department, NULL::text AS parent, NULL::text AS above_building,
               NULL::text AS above_department, since, until
        FROM root
        UNION ALL
        SELECT n.id, n.role, n.site, coalesce(n.building, t.building), coalesce(n.department, t.department), t.id, t.building,
               t.department, greatest(n.since, t.since), least(n.until, t.until)
        FROM tree t JOIN node n ON n.parent = t.id AND n.since < t.until AND t.since < n.until
    ), counted AS (
        SELECT id, since, until, CASE base.kind
            WHEN 'point' THEN (id = of_id)::int
            WHEN 'children' THEN (parent = of_id)::int
            WHEN 'building' THEN coalesce(building = of_id, false)::int - coalesce(above_building = of_id, false)::int
            WHEN 'department' THEN coalesce(department = of_id, false)::int - coalesce(above_department = of_id, false)::int
            WHEN 'site' THEN (parent IS NULL AND site = of_id AND (role = 'main' OR NOT EXISTS (
                SELECT FROM root m WHERE m.role = 'main' AND m.site = of_id AND m.since < t.until AND t.since < m.until)))::int
            END AS factor
        FROM tree t
    )
    SELECT id, factor, since, until FROM counted WHERE factor <> 0
$$;

-- The same with what lies behind each place: consumption = import - export + generation + storage discharge - charge.
CREATE FUNCTION energy.terms(kind text, of_id text, of_medium text)
    RETURNS TABLE (point text, part text, factor int, since timestamptz, until timestamptz) LANGUAGE sql STABLE AS $$
    WITH base AS MATERIALIZED (SELECT * FROM energy.base(terms.kind, of_id, of_medium))
    SELECT point, 'own', factor, since, until FROM base
    UNION ALL
    SELECT n.id, n.role, CASE n.role WHEN 'storage' THEN -b.factor ELSE b.factor END,
           greatest(n.since, b.since), least(n.until, b.until)
    FROM base b JOIN energy.node n ON n.parent = b.point AND n.role IN ('generation', 'storage') AND n.medium = of_medium
        AND n.since < b.until AND b.since < n.until
$$;

-- The series that make up a figure: quantity = sum of weight x quantity at the place. One row without a series for what
-- should be metered and is not. With `of_what` it is that register alone, of a meter or of the places themselves.
-- seated, left: from when to when the series' meter was in place there. What a meter exports is missed only while it was.
CREATE FUNCTION energy.formula(kind text, of_id text, of_medium text, of_what text)
    RETURNS TABLE (meter text, part text, series int, place int, sign int, weight int, since timestamptz, until timestamptz,
                   seated timestamptz, "left" timestamptz)
    LANGUAGE sql STABLE AS $$
    SELECT t.point, t.part, f.series, k.id, coalesce(f.sign, 1), t.factor * CASE WHEN of_what IS NULL THEN f.sign ELSE 1 END,
           t.since, t.until, f.seated, f."left"
    FROM energy.terms(CASE formula.kind WHEN 'meter' THEN '' ELSE formula.kind END, of_id, of_medium) t
    LEFT JOIN energy.place k ON k.point = t.point
    LEFT JOIN LATERAL (
        SELECT f.series, f.sign, min(p.valid_from) AS seated, max(p.valid_to) AS "left"
        FROM energy.seat x JOIN energy.flow f USING (series)
        LEFT JOIN registry.placement p ON p.device = f.subject AND p.point = t.point
        WHERE x.place = k.id AND f.medium = of_medium AND (of_what IS NULL OR f.what = of_what) GROUP BY 1, 2
    ) f ON true
    WHERE of_what IS NULL OR t.part = 'own'
    UNION ALL
    SELECT of_id, 'own', s.series, s.place, 1, 1, timestamptz '-infinity', timestamptz 'infinity', NULL, NULL
    FROM (SELECT 1) AS one
    LEFT JOIN LATERAL (
        SELECT s.id AS series, x.place FROM energy.series s JOIN energy.seat x ON x.series = s.id
        WHERE s.subject = of_id AND CASE WHEN of_what IS NOT NULL THEN s.what = of_what
            ELSE s.id IN (SELECT f.series FROM energy.flow f WHERE f.medium = of_medium AND f.sign = 1) END
    ) s ON true
    WHERE formula.kind = 'meter'
$$;

-- Rated power (W) or flow (l/h) of a meter, or of what sat at a point between two times: the weight of its coverage.
CREATE FUNCTION energy.rated(kind text, meter text, since timestamptz, until timestamptz) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT max(coalesce(p.rated_w, p.rated_l_h)) FROM registry.placement p
    WHERE CASE rated.kind WHEN 'meter' THEN p.device ELSE p.point END = meter
        AND p.valid_from < rated.until AND p.valid_to > rated.since
$$;

-- Use by day, month or year ('day', 'month', 'year') of local dates [since, until). One row a period that has begun before
-- `now`; quantity null where nothing is known. unmeasured and gross: sums of absolute quantities, not measured at the
-- period's level and all. coverage: mean over the meters of covered/elapsed time, weighted by rated power. incomplete: meters not covered throughout.
CREATE FUNCTION energy.use_by_days(kind text, of_id text, of_medium text, of_what text, since date, until date, by text, now timestamptz)
    RETURNS TABLE (period date, quantity bigint, unmeasured bigint, gross bigint, coverage float8, incomplete int)
    LANGUAGE sql STABLE AS $$
    WITH zone AS MATERIALIZED (SELECT energy.zone_of(use_by_days.kind, of_id) AS name
    ), formula AS MATERIALIZED (SELECT * FROM energy.formula(use_by_days.kind, of_id, of_medium, of_what)
    ), counted AS (
        SELECT date_trunc(by, d.day::timestamp)::date AS period, f.meter, f.sign, sum(d.quantity * f.weight) AS quantity,
               sum(d.covered) AS covered, sum(abs(d.quantity)) AS gross,
               sum(abs(CASE by WHEN 'day' THEN d.unmeasured_day WHEN 'month' THEN d.unmeasured_month ELSE d.unmeasured_year END))
                   AS unmeasured
        FROM formula f CROSS JOIN zone JOIN energy.day d ON d.series = f.series AND d.place = f.place
            AND d.day >= use_by_days.since AND d.day < use_by_days.until
            AND d.day::timestamp AT TIME ZONE zone.name >= f.since AND d.day::timestamp AT TIME ZONE zone.name < f.until
        GROUP BY 1, 2, 3
    ), grid AS (
        SELECT date_trunc(by, d)::date AS period, d AT TIME ZONE zone.name AS start,
               (d + interval '1 day') AT TIME ZONE zone.name AS stop
        FROM zone, generate_series(use_by_days.since::timestamp, use_by_days.until::timestamp - interval '1 day', '1 day') AS d
    ), elapsed AS (
        SELECT g.period, f.meter, min(g.start) AS start, max(g.stop) AS stop,
               sum(extract(epoch FROM least(g.stop, now) - g.start) * 1e6) AS elapsed
        FROM grid g JOIN (SELECT DISTINCT meter, since, until FROM formula) f ON g.start >= f.since AND g.start < f.until
        WHERE g.start < now GROUP BY 1, 2
    ), known AS (
        SELECT e.period, e.meter, e.elapsed, min(coalesce(c.covered, 0)) AS covered
        FROM elapsed e JOIN (SELECT meter, sign, min(seated) AS seated, max("left") AS "left" FROM formula GROUP BY 1, 2) f
            ON f.meter = e.meter AND (f.sign > 0 OR (f.seated < e.stop AND f."left" > e.start))
        LEFT JOIN counted c ON c.period = e.period AND c.meter = e.meter AND c.sign = f.sign GROUP BY 1, 2, 3
    ), meters AS MATERIALIZED (
        SELECT meter, coalesce(energy.rated(use_by_days.kind, meter, (SELECT min(start) FROM grid), (SELECT max(stop) FROM grid)), 0)
            AS rated FROM (SELECT DISTINCT meter FROM formula) AS m
    ), covered AS (
        SELECT period, coalesce(sum(rated * covered) / nullif(sum(rated * elapsed), 0), 0) AS coverage,
               count(*) FILTER (WHERE covered < elapsed) AS incomplete
        FROM known JOIN meters USING (meter) GROUP BY period
    )
    SELECT v.period, sum(c.quantity)::bigint, sum(c.unmeasured)::bigint, sum(c.gross)::bigint,
           least(v.coverage, 1)::float8, v.incomplete::int
    FROM covered v LEFT JOIN counted c USING (period) GROUP BY v.period, v.coverage, v.incomplete ORDER BY 1
$$;

-- The same by quarter hours that begin in [since, until); estimated and substituted: microseconds so covered, of all meters.
CREATE FUNCTION energy.use_by_quarters(kind text, of_id text, of_medium text, of_what text, since timestamptz, until timestamptz, now timestamptz)
    RETURNS TABLE (start timestamptz, quantity bigint, unmeasured bigint, gross bigint, estimated bigint, substituted bigint,
                   coverage float8, incomplete int)
    LANGUAGE sql STABLE AS $$
    WITH formula AS MATERIALIZED (SELECT * FROM energy.formula(use_by_quarters.kind, of_id, of_medium, of_what)
    ), counted AS (
        SELECT q.start, f.meter, f.sign, sum(q.quantity * f.weight) AS quantity, sum(q.covered) AS covered,
               sum(abs(q.quantity)) AS gross, sum(q.estimated) AS estimated, sum(q.substituted) AS substituted,
               sum(abs(q.quantity)) FILTER (WHERE q.estimated > 0 OR q.substituted > 0) AS unmeasured
        FROM formula f JOIN energy.quarter q ON q.series = f.series AND q.place = f.place
            AND q.start >= use_by_quarters.since AND q.start < use_by_quarters.until AND q.start >= f.since AND q.start < f.until
        GROUP BY 1, 2, 3
    ), grid AS (
        SELECT g AS start, extract(epoch FROM least(g + interval '15 min', now) - g) * 1e6 AS elapsed
        FROM generate_series(to_timestamp(ceil(extract(epoch FROM use_by_quarters.since) / 900) * 900),
                             use_by_quarters.until - interval '1 microsecond', interval '15 min') AS g
        WHERE g < now
    ), meters AS MATERIALIZED (
        SELECT meter, coalesce(energy.rated(use_by_quarters.kind, meter, use_by_quarters.since, use_by_quarters.until), 0) AS rated
        FROM (SELECT DISTINCT meter FROM formula) AS m
    ), known AS (
        SELECT g.start, f.meter, g.elapsed, min(coalesce(c.covered, 0)) AS covered
        FROM grid g JOIN (SELECT meter, sign, since, until, min(seated) AS seated, max("left") AS "left"
                          FROM formula GROUP BY 1, 2, 3, 4) f
            ON g.start >= f.since AND g.start < f.until
            AND (f.sign > 0 OR (f.seated < g.start + interval '15 min' AND f."left" > g.start))
        LEFT JOIN counted c ON c.start = g.start AND c.meter = f.meter AND c.sign = f.sign GROUP BY 1, 2, 3
    ), covered AS (
        SELECT start, coalesce(sum(rated * covered) / nullif(sum(rated * elapsed), 0), 0) AS coverage,
               count(*) FILTER (WHERE covered < elapsed) AS incomplete
        FROM known JOIN meters USING (meter) GROUP BY start
    )
    SELECT v.start, sum(c.quantity)::bigint, coalesce(sum(c.unmeasured), 0)::bigint, sum(c.gross)::bigint,
           sum(c.estimated)::bigint, sum(c.substituted)::bigint, least(v.coverage, 1)::float8, v.incomplete::int
    FROM covered v LEFT JOIN counted c USING (start) GROUP BY v.start, v.coverage, v.incomplete ORDER BY 1
$$;

-- What the API and dashboards ask: kind is meter, point, building, department or site; by is quarter, day, month or year;
-- of_what: one register, null for the use of the medium. estimated_share: of the quantity, not measured at that level.
-- Days and months are those that begin in [since, until).
CREATE FUNCTION energy.use(kind text, of_id text, since timestamptz, until timestamptz, by text, of_medium text DEFAULT 'electricity',
                           of_what text DEFAULT NULL, now timestamptz DEFAULT now())
    RETURNS TABLE (start timestamptz, "end" timestamptz, quantity bigint, quality text, coverage float8, estimated_share float8,
                   incomplete_meters int, stale boolean)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    zone text := energy.zone_of(kind, of_id);
    changed timestamptz := (
        SELECT min(r.since) FROM energy.formula(kind, of_id, of_medium, of_what) f JOIN energy.series s ON s.id = f.series
        JOIN registry.stale r ON r.device = s.subject AND r.domain = 'energy');
    first date := ((since - interval '1 microsecond') AT TIME ZONE zone)::date + 1;
    past date := ((until - interval '1 microsecond') AT TIME ZONE zone)::date + 1;
    length interval := CASE by WHEN 'quarter' THEN '15 min' ELSE '1 ' || by END;
BEGIN
    IF by = 'quarter' THEN
        RETURN QUERY SELECT u.start, u.start + interval '15 min', u.quantity,
            CASE WHEN u.quantity IS NULL THEN NULL WHEN u.substituted > 0 THEN 'substituted' WHEN u.estimated > 0 THEN 'estimated'
                 ELSE 'measured' END,
            u.coverage, u.unmeasured::float8 / nullif(u.gross, 0), u.incomplete, coalesce(changed < u.start + interval '15 min', false)
        FROM energy.use_by_quarters(kind, of_id, of_medium, of_what, since, until, now) u;
        RETURN;
    END IF;
    first := date_trunc(by, (first - 1)::timestamp + length)::date;
    past := date_trunc(by, (past - 1)::timestamp + length)::date;
    RETURN QUERY SELECT u.period::timestamp AT TIME ZONE zone, (u.period + length) AT TIME ZONE zone, u.quantity,
        CASE WHEN u.quantity IS NULL THEN NULL WHEN u.unmeasured > 0 THEN 'estimated' ELSE 'measured' END,
        u.coverage, u.unmeasured::float8 / nullif(u.gross, 0), u.incomplete,
        coalesce(changed < (u.period + length) AT TIME ZONE zone, false)
    FROM energy.use_by_days(kind, of_id, of_medium, of_what, first, past, by, now) u;
END $$;

-- A place by quarter hours: what it used and where that went. Null where a meter it needs is not known throughout; the
-- residual is known only where all of them are, and is kept when negative.
CREATE FUNCTION energy.balance_quarter(of_point text, since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, import bigint, export bigint, generation bigint, storage bigint, consumption bigint,
                   children bigint, residual bigint)
    LANGUAGE sql STABLE AS $$
    WITH place AS (SELECT medium FROM energy.node WHERE id = of_point LIMIT 1
    ), formula AS MATERIALIZED (
        SELECT 'place' AS side, f.* FROM place, energy.formula('point', of_point, place.medium, NULL) f
        UNION ALL SELECT 'children', f.* FROM place, energy.formula('children', of_point, place.medium, NULL) f
    ), grid AS (
        SELECT g AS start FROM generate_series(to_timestamp(ceil(extract(epoch FROM balance_quarter.since) / 900) * 900),
                                               balance_quarter.until - interval '1 microsecond', interval '15 min') AS g
    ), counted AS (
        SELECT f.side, f.meter, f.sign, q.start, sum(q.quantity * f.weight) AS quantity, sum(q.covered) AS covered
        FROM formula f JOIN energy.quarter q ON q.series = f.series AND q.place = f.place AND q.start >= f.since AND q.start < f.until
            AND q.start >= balance_quarter.since AND q.start < balance_quarter.until
        GROUP BY 1, 2, 3, 4
    ), part AS (
        SELECT g.start, f.side, CASE WHEN f.part <> 'own' THEN f.part WHEN f.sign < 0 THEN 'export' ELSE 'import' END AS part,
               CASE WHEN bool_and(coalesce(c.covered = 900000000, false)) THEN sum(c.quantity) END AS quantity
        FROM grid g
        JOIN (SELECT side, meter, part, sign, since, until, min(seated) AS seated, max("left") AS "left"
              FROM formula GROUP BY 1, 2, 3, 4, 5, 6) f
            ON g.start >= f.since AND g.start < f.until
            AND (f.sign > 0 OR (f.seated < g.start + interval '15 min' AND f."left" > g.start))
        LEFT JOIN counted c ON c.side = f.side AND c.meter = f.meter AND c.sign = f.sign AND c.start = g.start
        GROUP BY 1, 2, 3
    ), side AS (
        SELECT start, max(quantity) FILTER (WHERE part = 'import' AND side = 'place') AS import,
               -max(quantity) FILTER (WHERE part = 'export' AND side = 'place') AS export,
               max(quantity) FILTER (WHERE part = 'generation' AND side = 'place') AS generation,
               max(quantity) FILTER (WHERE part = 'storage' AND side = 'place') AS storage,
               CASE WHEN bool_and(quantity IS NOT NULL) FILTER (WHERE side = 'place')
                   THEN sum(quantity) FILTER (WHERE side = 'place') END AS consumption,
               CASE WHEN bool_and(quantity IS NOT NULL) FILTER (WHERE side = 'children')
                   THEN sum(quantity) FILTER (WHERE side = 'children') END AS children
        FROM part GROUP BY start
    )
    SELECT start, import::bigint, export::bigint, generation::bigint, storage::bigint, consumption::bigint, children::bigint,
           (consumption - children)::bigint
    FROM side ORDER BY start
$$;

-- The same by day or month of the site (or 'quarter'), over the quarter hours that are known: sums of those in which all
-- meters are, the residual itself null unless all of the period's elapsed ones are. known: their share. fault: the residual
-- of the known ones is below -1 % of their consumption.
CREATE FUNCTION energy.balance(of_point text, since timestamptz, until timestamptz, by text, now timestamptz DEFAULT now())
    RETURNS TABLE (start timestamptz, import bigint, export bigint, generation bigint, storage bigint, consumption bigint,
                   children bigint, residual bigint, residual_known bigint, known float8, fault boolean)
    LANGUAGE sql STABLE AS $$
    WITH zone AS MATERIALIZED (SELECT energy.zone_of('point', of_point) AS name
    ), quarter AS (
        SELECT CASE by WHEN 'quarter' THEN b.start ELSE date_trunc(by, b.start, zone.name) END AS period, b.*
        FROM zone, energy.balance_quarter(of_point, balance.since, least(balance.until, date_bin('15 min', now, 'epoch'))) b
    )
    SELECT period, sum(import)::bigint, sum(export)::bigint, sum(generation)::bigint, sum(storage)::bigint,
           sum(consumption)::bigint, sum(children)::bigint,
           CASE WHEN bool_and(residual IS NOT NULL) THEN sum(residual)::bigint END, sum(residual)::bigint,
           avg((residual IS NOT NULL)::int)::float8,
           coalesce(100 * sum(residual) < -sum(consumption) FILTER (WHERE residual IS NOT NULL), false)
    FROM quarter GROUP BY period ORDER BY period
$$;

-- Meters by quarter hour and day, register by register, for dashboards.
CREATE VIEW energy.meter_quarter AS
    SELECT s.subject AS meter, s.what AS register, p.point, q.start, q.quantity,
           CASE WHEN q.substituted > 0 THEN 'substituted' WHEN q.estimated > 0 THEN 'estimated' ELSE 'measured' END AS quality,
           q.covered / 9e8::float8 AS coverage
    FROM energy.quarter q JOIN energy.series s ON s.id = q.series JOIN energy.place p ON p.id = q.place;
CREATE VIEW energy.meter_day AS
    SELECT s.subject AS meter, s.what AS register, p.point, d.day, d.day::timestamp AT TIME ZONE s.zone AS start, d.quantity,
           d.covered, d.unmeasured_day, d.unmeasured_month, d.unmeasured_year
    FROM energy.day d JOIN energy.series s ON s.id = d.series JOIN energy.place p ON p.id = d.place;

-- A meter's points with their verdicts and the addresses of their events; interval data with its end.
CREATE VIEW energy.reading AS
    SELECT s.subject AS meter, s.what AS register, p.time, p.time + make_interval(secs => p.length) AS "end", p.value,
           n.serial, (ARRAY['accepted', 'suspect', 'conflict', 'pending', 'waiting'])[coalesce(m.verdict, 0) + 1] AS verdict,
           p.recorded, CASE s.what WHEN 'energy_wh' THEN 'inverter' ELSE 'meter' END AS topic, p.generation, p.partition, p."offset"
    FROM energy.point p JOIN energy.series s ON s.id = p.series LEFT JOIN energy.serial n ON n.id = p.serial
    LEFT JOIN energy.mark m ON m.series = p.series AND m.time = p.time AND m.value = p.value AND m.length = p.length;

-- What lies between accepted points; quantity null in a break. Quality by length, `interpolated` where an end was.
CREATE VIEW energy.stretch AS
    SELECT s.subject AS meter, s.what AS register, g.start, g."end", CASE WHEN g.mark < 3 THEN g.last - g.first END AS quantity,
           g.first AS counter_start, CASE WHEN g.mark < 3 THEN g.last END AS counter_end,
           (ARRAY['measured', 'estimated', 'substituted', 'break'])[g.mark + 1] AS quality, g.split AS interpolated
    FROM energy.segment g JOIN energy.series s ON s.id = g.series;

-- Points that wait: of an unknown device, of before its registration, of a register that was not in place.
CREATE VIEW energy.waiting AS
    SELECT s.subject AS meter, s.what AS register, count(*) AS points, min(m.time) AS first, max(m.time) AS last
    FROM energy.mark m JOIN energy.series s ON s.id = m.series WHERE m.verdict = 4 GROUP BY 1, 2;

-- Conditions in the form of every domain's: a break holds from the reading after it until a record explains it.
CREATE VIEW energy.condition AS
    SELECT s.subject, s.what, 'break' AS kind, g."end" AS start, '' AS key, NULL::timestamptz AS "end",
           jsonb_build_object('since', g.start, 'until', g."end") AS data, g."end" AS tell_at
    FROM energy.segment g JOIN energy.series s ON s.id = g.series WHERE g.mark = 3;
