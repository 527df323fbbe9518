-- depends: 0090.views
-- What dashboards read: names, choices and shapes. Figures come from the domains' own functions, which the API asks too.
-- Functions have string bodies: tables are looked up at each call.
CREATE SCHEMA dashboard;

-- A name as people read it: Chinese, then English; the id where there is none.
CREATE FUNCTION dashboard.label(name jsonb, id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(nullif(concat_ws(' ', name->>'zh', name->>'en'), ''), id)
$$;

-- The registry's items that hold now, with their names.
CREATE VIEW dashboard.item AS
    SELECT kind, id, data->>'site' AS site, dashboard.label(data->'name', id) AS label, data
    FROM registry.current WHERE valid_from <= now() AND valid_to > now();

-- Devices that are registered now, with the place where they sit.
CREATE VIEW dashboard.device AS
    SELECT d.id AS device, d.data->>'kind' AS kind, d.site, p.id AS point, coalesce(p.label, d.id) AS label,
           p.data->>'building' AS building
    FROM dashboard.item d LEFT JOIN dashboard.item p ON p.kind = 'point' AND p.id = d.data->>'point'
    WHERE d.kind = 'device';

-- Solar plants, by the inverters' points that name them.
CREATE VIEW dashboard.plant AS
    SELECT data->>'plant' AS plant, min(site) AS site FROM dashboard.item
    WHERE kind = 'point' AND data->>'type' = 'inverter' GROUP BY 1;

-- How a range is divided, so that no figure of a long one is made of many small rows.
CREATE FUNCTION dashboard.curve(since timestamptz, until timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN until <= since + interval '35 days' THEN 'quarter' ELSE 'day' END
$$;
CREATE FUNCTION dashboard.period(since timestamptz, until timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN until <= since + interval '92 days' THEN 'day' ELSE 'month' END
$$;

-- Whether a day is a working day by the registry's calendar of its year; Monday to Friday where that says nothing.
CREATE FUNCTION dashboard.working(day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT (data->'working'->>(working.day)::text)::boolean FROM registry.current
         WHERE kind = 'calendar' AND (data->>'year')::int = extract(year FROM working.day)
         ORDER BY valid_from DESC, id LIMIT 1),
        extract(isodow FROM working.day) < 6)
$$;

-- The load curve of a group: mean power (W; l/h of water and gas) of the quarter hours or days that are over, null where
-- nothing is known. marked: the same where it is not measured throughout or meters are missing.
CREATE FUNCTION dashboard.load(kind text, of_id text, since timestamptz, until timestamptz, medium text DEFAULT 'electricity')
    RETURNS TABLE (start timestamptz, load float8, marked float8)
    LANGUAGE sql STABLE AS $$
    SELECT u.start, p.load, CASE WHEN u.quality <> 'measured' OR u.coverage < 0.95 THEN p.load END
    FROM energy.use(load.kind, of_id, load.since, load.until, dashboard.curve(load.since, load.until), medium) u,
    LATERAL (SELECT u.quantity * 3600 / extract(epoch FROM u."end" - u.start)::float8 AS load) p
    WHERE u."end" <= now() ORDER BY u.start
$$;

-- Mean power of a group by local day: at night (0 to 5 h), in office hours (8 to 18 h) and all day; null unless all of its
-- quarter hours are known by 95 % and more. working: by the calendar.
CREATE FUNCTION dashboard.base_load(kind text, of_id text, since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, night float8, office float8, day float8, working boolean)
    LANGUAGE sql STABLE AS $$
    WITH zone AS MATERIALIZED (SELECT energy.zone_of(base_load.kind, of_id) AS name
    ), quarter AS (
        SELECT u.start AT TIME ZONE zone.name AS local, CASE WHEN u.coverage >= 0.95 THEN u.quantity END AS quantity
        FROM zone, energy.use(base_load.kind, of_id, base_load.since, base_load.until, 'quarter') u
    ), day AS (
        SELECT date_trunc('day', local) AS day,
               CASE WHEN count(quantity) FILTER (WHERE extract(hour FROM local) < 5) = 20
                   THEN avg(quantity * 4) FILTER (WHERE extract(hour FROM local) < 5) END AS night,
               CASE WHEN count(quantity) FILTER (WHERE extract(hour FROM local) BETWEEN 8 AND 17) = 40
                   THEN avg(quantity * 4) FILTER (WHERE extract(hour FROM local) BETWEEN 8 AND 17) END AS office,
               CASE WHEN count(quantity) = 96 THEN avg(quantity * 4) END AS whole
        FROM quarter GROUP BY 1
    )
    SELECT d.day AT TIME ZONE zone.name, d.night::float8, d.office::float8, d.whole::float8, dashboard.working(d.day::date)
    FROM day d, zone ORDER BY 1
$$;

-- What the meters of a site used on the local days that begin in [since, until) and have begun, the register that counts
-- of each. estimated: share of it that is not measured by day; coverage: of these days' elapsed time.
CREATE FUNCTION dashboard.meter_use(of_site text, of_medium text, since timestamptz, until timestamptz)
    RETURNS TABLE (meter text, quantity bigint, estimated float8, coverage float8)
    LANGUAGE sql STABLE AS $$
    WITH zone AS MATERIALIZED (SELECT energy.zone(of_site) AS name
    ), span AS MATERIALIZED (
        SELECT ((meter_use.since - interval '1 microsecond') AT TIME ZONE name)::date + 1 AS first,
               ((least(meter_use.until, now()) - interval '1 microsecond') AT TIME ZONE name)::date + 1 AS past
        FROM zone
    ), elapsed AS MATERIALIZED (
        SELECT extract(epoch FROM least(past::timestamp AT TIME ZONE name, now()) - first::timestamp AT TIME ZONE name)
               AS seconds FROM span, zone
    )
    SELECT f.subject, sum(d.quantity)::bigint, (sum(abs(d.unmeasured_day)) / nullif(sum(abs(d.quantity)), 0))::float8,
           least(sum(d.covered) / nullif((SELECT seconds FROM elapsed) * 1e6, 0), 1)::float8
    FROM span, energy.flow f JOIN energy.day d ON d.series = f.series
    WHERE f.medium = of_medium AND f.sign = 1 AND d.day >= span.first AND d.day < span.past
      AND f.subject IN (SELECT device FROM dashboard.device WHERE kind = 'meter' AND site = of_site)
    GROUP BY f.subject
$$;

-- What the inverters of a plant counted, by the local days that begin in [since, until) and have begun.
CREATE FUNCTION dashboard.plant_day(of_plant text, since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, yield_wh bigint)
    LANGUAGE sql STABLE AS $$
    SELECT m.start, sum(m.quantity)::bigint FROM energy.meter_day m
    WHERE m.register = 'energy_wh' AND m.point IN
        (SELECT id FROM registry.point WHERE type = 'inverter' AND plant = of_plant)
      AND m.day >= (plant_day.since AT TIME ZONE 'UTC')::date - 1 AND m.start >= plant_day.since AND m.start < plant_day.until
    GROUP BY 1 ORDER BY 1
$$;

-- Groups of persons under 5 are suppressed (DOMAIN, Personal data): null from 1 to 4.
CREATE FUNCTION dashboard.crowd(people bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN people = 0 OR people >= 5 THEN people END
$$;

-- Persons in the zones of a site, inside and uncertain.
CREATE FUNCTION dashboard.headcount(of_site text, moment timestamptz) RETURNS TABLE (zone text, label text, people bigint)
    LANGUAGE sql STABLE AS $$
    SELECT p.zone, z.label, dashboard.crowd(p.inside + p.uncertain)
    FROM access.presence(moment) p JOIN dashboard.item z ON z.kind = 'zone' AND z.id = p.zone WHERE p.site = of_site
$$;

-- Alerts as a desk reads them. A person's token is not shown; `place` is the point's or department's name.
CREATE VIEW dashboard.alert AS
    SELECT a.id, a.domain, a.rule, a.category, a.priority, a.state, a.site, a.what, a.start, a."end", a.raised, a.cleared,
           a.acknowledged, a.acknowledged_by, a.note, a.times, coalesce(a.notify, false) AS notify, a.under,
           CASE WHEN a.subject NOT LIKE 'tok:%' THEN a.subject END AS device, coalesce(p.label, d.label, a.point) AS place,
           a.state IN ('raised', 'acknowledged', 'unacknowledged') AS open
    FROM alerts.alert a
    LEFT JOIN dashboard.item p ON p.kind = 'point' AND p.id = a.point
    LEFT JOIN dashboard.item d ON d.kind = 'department' AND d.id = a.subject
    WHERE a.raised IS NOT NULL;
