-- depends: 0130.at
-- The same in one pass: each alert's newest words are found by sorting, not by looking through all of history for each.
CREATE OR REPLACE FUNCTION alerts.at(moment timestamptz)
    RETURNS TABLE (id text, domain text, rule text, subject text, what text, site text, point text, category text, priority text,
                   state text, start timestamptz, "end" timestamptz, raised timestamptz, cleared timestamptz, withdrawn timestamptz,
                   acknowledged timestamptz, acknowledged_by text, note text, notify boolean, under text, times int, detail jsonb)
    LANGUAGE sql STABLE AS $$
    WITH told AS MATERIALIZED (
        SELECT e.alert, split_part(e.type, '.', 2) AS phase, e.time, e.recorded, e.data,
               row_number() OVER (PARTITION BY e.alert ORDER BY e.recorded DESC, e."offset" DESC, e.id DESC) AS age
        FROM alerts.event e
        WHERE e.type IN ('alert.raised.v1', 'alert.cleared.v1', 'alert.withdrawn.v1') AND e.recorded <= moment
    ), raised AS (
        SELECT DISTINCT ON (alert) alert, age, time, recorded AS since, (data->>'notify')::boolean AS notify,
               count(*) OVER (PARTITION BY alert) AS times
        FROM told WHERE phase = 'raised' ORDER BY alert, age
    ), said AS (
        SELECT DISTINCT ON (alert) alert, data FROM told WHERE phase <> 'withdrawn' ORDER BY alert, age
    ), ended AS (
        SELECT t.alert, (array_agg(t.time ORDER BY t.age) FILTER (WHERE t.phase = 'cleared'))[1] AS cleared,
               (array_agg(t.time ORDER BY t.age) FILTER (WHERE t.phase = 'withdrawn'))[1] AS withdrawn
        FROM told t JOIN raised r USING (alert) WHERE t.age < r.age GROUP BY 1
    ), shown AS (
        SELECT t.alert, t.phase, t.data, s.data AS said, r.time AS raised, e.cleared, e.withdrawn, r.notify, r.times, a.time AS acknowledged,
               a.data AS by
        FROM told t JOIN raised r USING (alert) JOIN said s USING (alert) LEFT JOIN ended e USING (alert)
        LEFT JOIN LATERAL (
            SELECT c.time, c.data FROM alerts.event c WHERE c.alert = t.alert AND c.type = 'alert.acknowledge.v1'
                AND c.recorded >= r.since AND c.recorded <= moment ORDER BY c.recorded, c."offset", c.id LIMIT 1) a ON true
        WHERE t.age = 1
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
