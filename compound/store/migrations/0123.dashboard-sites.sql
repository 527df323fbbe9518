-- depends: 0122.dashboard-reader
-- What the comparison of the dashboards with the API found.

-- A register name may belong to several media (pulses): a meter is of the medium of where it sits.
CREATE OR REPLACE FUNCTION dashboard.meter_use(of_site text, of_medium text, since timestamptz, until timestamptz)
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
    ), meter AS MATERIALIZED (
        SELECT DISTINCT device FROM registry.placement
        WHERE kind = 'meter' AND site = of_site AND coalesce(medium, 'electricity') = of_medium
          AND valid_from <= now() AND valid_to > now()
    )
    SELECT f.subject, sum(d.quantity)::bigint, (sum(abs(d.unmeasured_day)) / nullif(sum(abs(d.quantity)), 0))::float8,
           least(sum(d.covered) / nullif((SELECT seconds FROM elapsed) * 1e6, 0), 1)::float8
    FROM span, energy.flow f JOIN energy.day d ON d.series = f.series
    WHERE f.medium = of_medium AND f.sign = 1 AND d.day >= span.first AND d.day < span.past
      AND f.subject IN (SELECT device FROM meter)
    GROUP BY f.subject
$$;

-- The alert of a department or of a person names no site itself: it is the department's, or where it happened.
CREATE OR REPLACE VIEW dashboard.alert AS
    SELECT a.id, a.domain, a.rule, a.category, a.priority, a.state, coalesce(a.site, d.site, p.site, a.detail->>'site') AS site,
           a.what, a.start, a."end", a.raised, a.cleared,
           a.acknowledged, a.acknowledged_by, a.note, a.times, coalesce(a.notify, false) AS notify, a.under,
           CASE WHEN a.subject NOT LIKE 'tok:%' THEN a.subject END AS device, coalesce(p.label, d.label, a.point) AS place,
           a.state IN ('raised', 'acknowledged', 'unacknowledged') AS open
    FROM alerts.alert a
    LEFT JOIN dashboard.item p ON p.kind = 'point' AND p.id = coalesce(a.point, a.detail->>'point')
    LEFT JOIN dashboard.item d ON d.kind = 'department' AND d.id = a.subject
    WHERE a.raised IS NOT NULL;
