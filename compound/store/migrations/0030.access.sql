-- Access: the timelines of doors (subject = gate device, what = 'door'; kinds opening, passage, released and the conditions
-- forced, held, tailgating, duress, tamper) and of persons (person_*: subject = token, what = 'place'; kinds place,
-- anti-passback), and how they are read. Functions have string bodies: their tables are looked up at each call.
DO $make$ BEGIN
    PERFORM runtime.make_domain('access');
    PERFORM runtime.make_timeline('access');
    PERFORM runtime.make_timeline('access', 'person_');
END $make$;
CREATE INDEX person_place_open ON access.person_segment (start) WHERE kind = 'place' AND "end" IS NULL;

CREATE VIEW access.opening AS
    SELECT subject AS device, data->>'point' AS point, data->>'site' AS site, start, "end",
           (data->>'grants')::int AS grants, (data->>'exit_requests')::int AS exit_requests,
           (data->>'passages')::int AS passages, (data->>'entries')::int AS entries, (data->>'excess')::int AS excess,
           (data->>'forced')::boolean AS forced, (data->>'released')::boolean AS released,
           (data->>'complete')::boolean AS complete
    FROM access.segment WHERE kind = 'opening';

-- Ways through doors. token null: a passage without a name. `key` tells apart those of one door and moment.
CREATE VIEW access.passage AS
    SELECT subject AS device, data->>'point' AS point, data->>'site' AS site, start AS time, key, data->>'token' AS token,
           data->>'direction' AS direction, data->>'from' AS from_zone, data->>'to' AS to_zone,
           (data->>'opening')::timestamptz AS opening
    FROM access.segment WHERE kind = 'passage';

-- Where persons are. Rows may lie in the future: ask start <= T AND ("end" > T OR "end" IS NULL).
CREATE VIEW access.place AS
    SELECT subject AS token, data->>'zone' AS zone, data->>'state' AS state, data->>'site' AS site, data->>'door' AS door,
           start, "end"
    FROM access.person_segment WHERE kind = 'place';

-- The newest nightly reset of each site at or before `moment`.
CREATE FUNCTION access.reset_before(moment timestamptz) RETURNS TABLE (site text, reset timestamptz)
    LANGUAGE sql STABLE AS $$
    SELECT id, max(r) FROM (
        SELECT s.id, (date_trunc('day', moment AT TIME ZONE s.timezone) - d * interval '1 day'
                      + coalesce((s.data->>'reset_hour')::int, 3) * interval '1 hour') AT TIME ZONE s.timezone AS r
        FROM registry.site s, generate_series(0, 1) AS d WHERE s.valid_from <= moment AND s.valid_to > moment
    ) AS resets WHERE r <= moment GROUP BY id
$$;

-- Headcount of every zone at `moment`: persons inside, uncertain and stale beside; passages without a name since the
-- site's last nightly reset, in and out.
CREATE FUNCTION access.presence(moment timestamptz)
    RETURNS TABLE (zone text, site text, inside int, uncertain int, stale int, unnamed_in int, unnamed_out int)
    LANGUAGE sql STABLE AS $$
    WITH place AS (
        SELECT zone, count(*) FILTER (WHERE state = 'inside') AS inside,
               count(*) FILTER (WHERE state = 'uncertain') AS uncertain, count(*) FILTER (WHERE state = 'stale') AS stale
        FROM access.place WHERE start <= moment AND ("end" > moment OR "end" IS NULL) GROUP BY 1
    ), unnamed AS (
        SELECT z.zone, count(*) FILTER (WHERE z.zone = p.to_zone) AS came, count(*) FILTER (WHERE z.zone = p.from_zone) AS went
        FROM access.reset_before(moment) r
        JOIN access.passage p ON p.site = r.site AND p.time >= r.reset AND p.time <= moment AND p.token IS NULL,
        LATERAL (VALUES (p.from_zone), (p.to_zone)) AS z(zone) WHERE z.zone <> 'outside' GROUP BY 1
    )
    SELECT z.id, z.data->>'site', coalesce(inside, 0)::int, coalesce(uncertain, 0)::int, coalesce(stale, 0)::int,
           coalesce(came, 0)::int, coalesce(went, 0)::int
    FROM registry.current z LEFT JOIN place ON place.zone = z.id LEFT JOIN unnamed ON unnamed.zone = z.id
    WHERE z.kind = 'zone' AND z.valid_from <= moment AND z.valid_to > moment ORDER BY 1
$$;

-- Headcount of a zone at since, since + step, … before until (a step in seconds).
CREATE FUNCTION access.presence_history(of_zone text, since timestamptz, until timestamptz, step_s bigint)
    RETURNS TABLE (at timestamptz, inside int, uncertain int)
    LANGUAGE sql STABLE AS $$
    WITH piece AS (
        SELECT state, greatest(start, since) AS start, "end" FROM access.place
        WHERE zone = of_zone AND state <> 'stale' AND start < until AND ("end" > since OR "end" IS NULL)
    ), edge AS (
        SELECT state, start AS at, 1 AS change FROM piece
        UNION ALL SELECT state, "end", -1 FROM piece WHERE "end" < until
    ), bucket AS (
        SELECT ceil(extract(epoch FROM at - since) / step_s)::bigint AS n,
               sum(change) FILTER (WHERE state = 'inside') AS inside,
               sum(change) FILTER (WHERE state = 'uncertain') AS uncertain
        FROM edge GROUP BY 1
    )
    SELECT since + n * step_s * interval '1 second',
           coalesce(sum(b.inside) OVER w, 0)::int, coalesce(sum(b.uncertain) OVER w, 0)::int
    FROM generate_series(0, ceil(extract(epoch FROM until - since) / step_s)::bigint - 1) AS g(n) LEFT JOIN bucket b USING (n)
    WINDOW w AS (ORDER BY n) ORDER BY n
$$;
