-- depends: 0121.dashboard-desks
-- Dashboards read with a role that sees no tokens of persons: what they need of rows that hold some is a view without them.

-- When doors were released (fire, schedule).
CREATE VIEW access.release AS
    SELECT subject AS device, data->>'point' AS point, data->>'site' AS site, start, "end"
    FROM access.segment WHERE kind = 'released';

-- runtime.condition without persons.
CREATE VIEW dashboard.condition AS
    SELECT c.domain, c.rule, CASE WHEN c.subject NOT LIKE 'tok:%' THEN c.subject END AS device, c.what, c.start, c."end",
           c.data->>'site' AS site, c.data->>'carpark' AS carpark, c.data->>'spot' AS spot, (c.data->>'limit_s')::float8 AS limit_s,
           c.data->>'inverter' AS inverter, c.data->>'plant' AS plant, (c.data->>'since')::timestamptz AS since,
           (SELECT string_agg(f.name, ', ' ORDER BY f.n) FROM jsonb_array_elements_text(CASE jsonb_typeof(c.data->'faults')
            WHEN 'array' THEN c.data->'faults' ELSE '[]' END) WITH ORDINALITY AS f(name, n)) AS faults
    FROM runtime.condition c;

CREATE OR REPLACE FUNCTION dashboard.doors(of_site text, moment timestamptz)
    RETURNS TABLE (device text, label text, state text, since timestamptz, opened timestamptz, link text)
    LANGUAGE sql STABLE AS $$
    SELECT d.device, d.label,
           CASE WHEN r.start IS NOT NULL THEN 'released' WHEN o."end" > moment OR (o.start IS NOT NULL AND o."end" IS NULL) THEN 'open'
                WHEN o.start IS NOT NULL THEN 'closed' END,
           coalesce(r.start, CASE WHEN o."end" > moment OR o."end" IS NULL THEN o.start ELSE o."end" END), o.start, l.state
    FROM dashboard.device d
    LEFT JOIN LATERAL (
        SELECT o.start, o."end" FROM access.opening o WHERE o.device = d.device AND o.start <= moment ORDER BY o.start DESC LIMIT 1) o ON true
    LEFT JOIN LATERAL (
        SELECT r.start FROM access.release r WHERE r.device = d.device AND r.start <= moment AND (r."end" > moment OR r."end" IS NULL)
        ORDER BY r.start DESC LIMIT 1) r ON true
    LEFT JOIN liveness.state l ON l.device = d.device
    WHERE d.kind = 'gate' AND d.site = of_site
$$;
