-- depends: 0060.liveness 0070.alerts
-- States at a time that lies behind. Alerts are history, and silence is told of by it: what they were at T is the fold of what
-- the log held by T. Functions have string bodies: tables are looked up at each call.

-- Alerts as they stood at `moment`, those that were raised by then. Which alert stood for which was not kept: under is null.
CREATE FUNCTION alerts.at(moment timestamptz)
    RETURNS TABLE (id text, domain text, rule text, subject text, what text, site text, point text, category text, priority text,
                   state text, start timestamptz, "end" timestamptz, raised timestamptz, cleared timestamptz, withdrawn timestamptz,
                   acknowledged timestamptz, acknowledged_by text, note text, notify boolean, under text, times int, detail jsonb)
    LANGUAGE sql STABLE AS $$
    WITH told AS (
        SELECT e.alert, e.id, split_part(e.type, '.', 2) AS phase, e.time, e.recorded, e."offset", e.data,
               row_number() OVER (PARTITION BY e.alert ORDER BY e.recorded DESC, e."offset" DESC, e.id DESC) AS age,
               count(*) FILTER (WHERE e.type = 'alert.raised.v1') OVER (PARTITION BY e.alert) AS times
        FROM alerts.event e
        WHERE e.type IN ('alert.raised.v1', 'alert.cleared.v1', 'alert.withdrawn.v1') AND e.recorded <= moment
    ), newest AS (
        SELECT t.*, r.time AS raised, r.recorded AS since, (r.data->>'notify')::boolean AS notify, s.data AS said,
               (SELECT c.time FROM told c WHERE c.alert = t.alert AND c.phase = 'cleared' AND c.age < r.age ORDER BY c.age LIMIT 1)
                   AS cleared,
               (SELECT w.time FROM told w WHERE w.alert = t.alert AND w.phase = 'withdrawn' AND w.age < r.age ORDER BY w.age LIMIT 1)
                   AS withdrawn
        FROM told t
        CROSS JOIN LATERAL (SELECT * FROM told r WHERE r.alert = t.alert AND r.phase = 'raised' ORDER BY r.age LIMIT 1) r
        CROSS JOIN LATERAL (SELECT * FROM told s WHERE s.alert = t.alert AND s.phase <> 'withdrawn' ORDER BY s.age LIMIT 1) s
        WHERE t.age = 1
    ), shown AS (
        SELECT n.*, a.time AS acknowledged, a.data AS by FROM newest n LEFT JOIN LATERAL (
            SELECT e.time, e.data FROM alerts.event e WHERE e.alert = n.alert AND e.type = 'alert.acknowledge.v1'
                AND e.recorded >= n.since AND e.recorded <= moment ORDER BY e.recorded, e."offset", e.id LIMIT 1) a ON true
    )
    SELECT alert, data->>'domain', data->>'rule', data->>'subject', data->>'what', data->>'site', data->>'point',
           data->>'category', data->>'priority',
           CASE WHEN phase = 'raised' AND acknowledged IS NOT NULL THEN 'acknowledged'
                WHEN phase = 'cleared' AND data->>'category' = 'security' AND notify AND acknowledged IS NULL THEN 'unacknowledged'
                ELSE phase END,
           (data->>'start')::timestamptz, (said->>'end')::timestamptz, raised,
           cleared, withdrawn, acknowledged, by->>'who', by->>'note', notify, NULL::text, times::int, coalesce(said->'detail', '{}')
    FROM shown
$$;

-- Devices as they were at `moment`, those heard by then: silent or offline while an alert says so, else alive. `since` is of the
-- loss the last sign of life, else when the device came back, or was first heard.
CREATE FUNCTION liveness.at(moment timestamptz)
    RETURNS TABLE (device text, kind text, site text, state text, since timestamptz, first_seen timestamptz)
    LANGUAGE sql STABLE AS $$
    WITH lost AS MATERIALIZED (
        SELECT DISTINCT ON (a.subject) a.subject, a.rule, a.start, a."end", a.cleared
        FROM alerts.at(moment) a WHERE a.domain = 'liveness' AND a.rule IN ('silent', 'offline') AND a.withdrawn IS NULL
        ORDER BY a.subject, a.cleared IS NULL DESC, a.start DESC
    )
    SELECT d.device, d.kind, d.site, CASE WHEN l.subject IS NULL OR l.cleared IS NOT NULL THEN 'alive' ELSE l.rule END,
           CASE WHEN l.subject IS NULL THEN d.first_seen WHEN l.cleared IS NOT NULL THEN l."end" ELSE l.start END, d.first_seen
    FROM liveness.device d LEFT JOIN lost l ON l.subject = d.device WHERE d.first_seen <= moment
$$;
