-- depends: 0120.dashboards
-- What the dashboards of the desks read: quotas, solar, parking, the control room, maintenance, the platform.
-- Functions have string bodies: tables are looked up at each call.

-- The width of a bar that counts events, by the range.
CREATE FUNCTION dashboard.bucket(since timestamptz, until timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN until <= since + interval '2 days' THEN 'hour' ELSE dashboard.period(since, until) END
$$;
-- Seconds between two moments of a curve of counts.
CREATE FUNCTION dashboard.step(since timestamptz, until timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN until <= since + interval '2 days' THEN 300 WHEN until <= since + interval '35 days' THEN 1800 ELSE 10800 END
$$;

-- Quotas with their department's name and the highest level that the period reached, null where none.
CREATE VIEW dashboard.quota AS
    SELECT f.*, d.site, d.label, f.forecast / nullif(f.budget, 0) AS forecast_used,
           (SELECT l.level FROM quotas.level l WHERE (l.quota, l.period, l.start) = (f.quota, f.period, f.start)
            ORDER BY array_position(ARRAY['alarm', 'warning', 'notice'], l.level) LIMIT 1) AS level
    FROM quotas.figure f JOIN dashboard.item d ON d.kind = 'department' AND d.id = f.department;

-- What the departments of a site used on the local days that begin in [since, until) and have begun, per m2 and per head as
-- registered now; null where area or headcount is 0. coverage: mean over these days.
CREATE FUNCTION dashboard.ranking(of_site text, of_medium text, since timestamptz, until timestamptz)
    RETURNS TABLE (department text, label text, quantity bigint, per_m2 float8, per_head float8, coverage float8)
    LANGUAGE sql STABLE AS $$
    SELECT d.id, d.label, u.quantity, u.quantity / nullif((d.data->>'area_m2')::float8, 0),
           u.quantity / nullif((d.data->>'headcount')::float8, 0), u.coverage
    FROM dashboard.item d, LATERAL (
        SELECT sum(quantity)::bigint AS quantity, avg(coverage) AS coverage
        FROM energy.use('department', d.id, ranking.since, ranking.until, 'day', of_medium)) u
    WHERE d.kind = 'department' AND d.site = of_site AND u.quantity IS NOT NULL
$$;

-- The ratios of a plant (solar.ratios) for each local day that begins in [since, until).
CREATE FUNCTION dashboard.plant_ratios(of_plant text, since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, pr float8, pr_kept float8, self_consumption float8, self_consumption_kept float8,
                   self_sufficiency float8, self_sufficiency_kept float8)
    LANGUAGE sql STABLE AS $$
    WITH zone AS MATERIALIZED (
        SELECT energy.zone(site) AS name FROM dashboard.plant WHERE plant = of_plant
    ), day AS (
        SELECT d AT TIME ZONE name AS start, (d + interval '1 day') AT TIME ZONE name AS "end"
        FROM zone, generate_series(date_trunc('day', plant_ratios.since AT TIME ZONE name),
                                   plant_ratios.until AT TIME ZONE name, interval '1 day') AS d
    )
    SELECT d.start, r.pr, r.pr_kept, r.self_consumption, r.self_consumption_kept, r.self_sufficiency, r.self_sufficiency_kept
    FROM day d, solar.ratios(of_plant, d.start, d."end") r
    WHERE d.start >= plant_ratios.since AND d.start < plant_ratios.until ORDER BY 1
$$;

-- States of a plant's inverters in [since, until) as SunSpec's numbers (0: unknown), each at its start, the first at `since`.
CREATE FUNCTION dashboard.inverter_states(of_plant text, since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, device text, state int)
    LANGUAGE sql STABLE AS $$
    SELECT greatest(s.start, inverter_states.since), s.device, array_position(
        ARRAY['unknown', 'OFF', 'SLEEPING', 'STARTING', 'MPPT', 'THROTTLED', 'SHUTTING_DOWN', 'FAULT', 'STANDBY'], s.state) - 1
    FROM solar.state s
    WHERE s.plant = of_plant AND s.start < inverter_states.until AND (s."end" > inverter_states.since OR s."end" IS NULL)
    UNION ALL
    SELECT s.known_until, s.device, 0 FROM solar.state s
    WHERE s.plant = of_plant AND s."end" IS NULL AND s.known_until >= inverter_states.since AND s.known_until < inverter_states.until
    ORDER BY 1, 2
$$;

-- Parcels that left the lockers of a site, by local day or month: collected and returned.
CREATE FUNCTION dashboard.parcels_gone(of_site text, since timestamptz, until timestamptz, by text)
    RETURNS TABLE (start timestamptz, outcome text, parcels bigint)
    LANGUAGE sql STABLE AS $$
    SELECT date_trunc(by, p."end", energy.zone(of_site)), p.outcome, count(*)
    FROM parcels.parcel p JOIN dashboard.item b ON b.kind = 'point' AND b.id = p.bank
    WHERE b.site = of_site AND p."end" >= parcels_gone.since AND p."end" < parcels_gone.until GROUP BY 1, 2 ORDER BY 1, 2
$$;

-- The doors of a site at a moment: open, closed or released (fire, schedule), since when, and the newest opening.
CREATE FUNCTION dashboard.doors(of_site text, moment timestamptz)
    RETURNS TABLE (device text, label text, state text, since timestamptz, opened timestamptz, link text)
    LANGUAGE sql STABLE AS $$
    SELECT d.device, d.label,
           CASE WHEN r.start IS NOT NULL THEN 'released' WHEN o."end" > moment OR (o.start IS NOT NULL AND o."end" IS NULL) THEN 'open'
                WHEN o.start IS NOT NULL THEN 'closed' END,
           coalesce(r.start, CASE WHEN o."end" > moment OR o."end" IS NULL THEN o.start ELSE o."end" END), o.start, l.state
    FROM dashboard.device d
    LEFT JOIN LATERAL (
        SELECT start, "end" FROM access.segment s WHERE s.subject = d.device AND s.what = 'door' AND s.kind = 'opening'
        AND s.start <= moment ORDER BY s.start DESC LIMIT 1) o ON true
    LEFT JOIN LATERAL (
        SELECT start FROM access.segment s WHERE s.subject = d.device AND s.what = 'door' AND s.kind = 'released'
        AND s.start <= moment AND (s."end" > moment OR s."end" IS NULL) ORDER BY s.start DESC LIMIT 1) r ON true
    LEFT JOIN liveness.state l ON l.device = d.device
    WHERE d.kind = 'gate' AND d.site = of_site
$$;

-- Ways through the doors of a site by hour, local day or month; counts of 1 to 4 are suppressed.
CREATE FUNCTION dashboard.passages(of_site text, since timestamptz, until timestamptz, by text)
    RETURNS TABLE (start timestamptz, direction text, passages bigint)
    LANGUAGE sql STABLE AS $$
    SELECT date_trunc(by, p.time, energy.zone(of_site)), p.direction, dashboard.crowd(count(*))
    FROM access.passage p WHERE p.site = of_site AND p.time >= passages.since AND p.time < passages.until
    GROUP BY 1, 2 ORDER BY 1, 2
$$;

-- What happened to alerts, for shift logs: raised, cleared, withdrawn, acknowledged (by whom).
CREATE VIEW dashboard.alert_event AS
    SELECT e.time, e.recorded, split_part(e.type, '.', 2) AS event, a.id, a.rule, a.category, a.priority, a.site, a.device, a.place,
           CASE WHEN e.type = 'alert.acknowledge.v1' THEN e.data->>'who' END AS who
    FROM alerts.event e JOIN dashboard.alert a ON a.id = e.alert WHERE e.type <> 'alert.delivered.v1';

-- Devices that are watched, with their place, state by arrival, and how many of their messages never arrived.
CREATE VIEW dashboard.life AS
    SELECT s.device, s.kind, s.site, d.label, s.state, s.since, s.last_seen,
           (SELECT sum(g.last - g.first + 1) FROM liveness.gap g WHERE g.device = s.device)::bigint AS lost
    FROM liveness.state s LEFT JOIN dashboard.device d ON d.device = s.device WHERE s.watched;

-- Readings that don't count, and why.
CREATE VIEW dashboard.mark AS
    SELECT s.subject AS device, s.what AS register, m.time, m.value,
           (ARRAY['suspect', 'conflict', 'pending', 'waiting'])[m.verdict] AS verdict
    FROM energy.mark m JOIN energy.series s ON s.id = m.series;

-- Records that came into the book in [since, until), by topic, in 24 buckets: recordedtime grows with the offset, so a
-- look-up a partition and edge tells. Partitions that got nothing in that time are left out.
CREATE FUNCTION dashboard.arrivals(since timestamptz, until timestamptz)
    RETURNS TABLE (start timestamptz, topic text, records numeric, per_s float8)
    LANGUAGE sql STABLE AS $$
    WITH edge AS (
        SELECT n, arrivals.since + n * (arrivals.until - arrivals.since) / 24 AS at FROM generate_series(0, 24) AS g(n)
    ), reached AS (
        SELECT e.n, e.at, p.topic, p.generation, p.partition,
               CASE WHEN p.recorded < e.at THEN p.next_offset ELSE book.offset_at(p.topic, p.generation, p.partition, e.at) END AS "offset"
        FROM edge e, book.partition p WHERE NOT p.closed AND p.recorded >= arrivals.since
    ), step AS (
        SELECT n, at, topic, lead("offset") OVER w - "offset" AS records, extract(epoch FROM lead(at) OVER w - at) AS seconds
        FROM reached WINDOW w AS (PARTITION BY topic, generation, partition ORDER BY n)
    )
    SELECT at, topic, sum(records), (sum(records) / max(seconds))::float8 FROM step WHERE records IS NOT NULL
    GROUP BY 1, 2 ORDER BY 1, 2
$$;

-- Bytes of the database by schema, chunks of hypertables under the schema of their own.
CREATE VIEW dashboard.size AS
    SELECT n.nspname AS schema, sum(pg_total_relation_size(c.oid))::bigint AS bytes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_t%'
    GROUP BY 1;
