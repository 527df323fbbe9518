-- depends: 0030.access
-- Passages say whether they have a name, so that a headcount needs no token: dashboards see none.
CREATE OR REPLACE VIEW access.passage AS
    SELECT subject AS device, data->>'point' AS point, data->>'site' AS site, start AS time, key, data->>'token' AS token,
           data->>'direction' AS direction, data->>'from' AS from_zone, data->>'to' AS to_zone,
           (data->>'opening')::timestamptz AS opening, data->>'token' IS NOT NULL AS named
    FROM access.segment WHERE kind = 'passage';

CREATE OR REPLACE FUNCTION access.presence(moment timestamptz)
    RETURNS TABLE (zone text, site text, inside int, uncertain int, stale int, unnamed_in int, unnamed_out int)
    LANGUAGE sql STABLE AS $$
    WITH place AS (
        SELECT zone, count(*) FILTER (WHERE state = 'inside') AS inside,
               count(*) FILTER (WHERE state = 'uncertain') AS uncertain, count(*) FILTER (WHERE state = 'stale') AS stale
        FROM access.place WHERE start <= moment AND ("end" > moment OR "end" IS NULL) GROUP BY 1
    ), unnamed AS (
        SELECT z.zone, count(*) FILTER (WHERE z.zone = p.to_zone) AS came, count(*) FILTER (WHERE z.zone = p.from_zone) AS went
        FROM access.reset_before(moment) r
        JOIN access.passage p ON p.site = r.site AND p.time >= r.reset AND p.time <= moment AND NOT p.named,
        LATERAL (VALUES (p.from_zone), (p.to_zone)) AS z(zone) WHERE z.zone <> 'outside' GROUP BY 1
    )
    SELECT z.id, z.data->>'site', coalesce(inside, 0)::int, coalesce(uncertain, 0)::int, coalesce(stale, 0)::int,
           coalesce(came, 0)::int, coalesce(went, 0)::int
    FROM registry.current z LEFT JOIN place ON place.zone = z.id LEFT JOIN unnamed ON unnamed.zone = z.id
    WHERE z.kind = 'zone' AND z.valid_from <= moment AND z.valid_to > moment ORDER BY 1
$$;
