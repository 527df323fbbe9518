-- Parcels: the timelines of the lockers' cells (subject = bank's device, what = cell; kinds state, parcel, reservation, door,
-- door-left-open, overdue-24/-48/-72), and how they are read. Functions have string bodies: tables are looked up at each call.
DO $$ BEGIN
    PERFORM runtime.make_domain('parcels');
    PERFORM runtime.make_timeline('parcels');
END $$;
CREATE INDEX parcel_by_bank ON parcels.segment ((data->>'bank'), "end") WHERE kind = 'parcel';

-- Parcels, those still there included. dwell_s in seconds, counted from closing to closing.
CREATE VIEW parcels.parcel AS
    SELECT subject AS device, data->>'bank' AS bank, what AS cell, data->>'size' AS size, start, "end",
           data->>'parcel' AS parcel, data->>'outcome' AS outcome, (data->>'dwell_s')::float8 AS dwell_s,
           (data->>'uncertain')::boolean AS uncertain
    FROM parcels.segment WHERE kind = 'parcel';

-- Openings; one for a pick-up after which the parcel is still present was an opening without pick-up.
CREATE VIEW parcels.opening AS
    SELECT subject AS device, data->>'bank' AS bank, what AS cell, start, "end", data->>'purpose' AS purpose,
           (data->>'present')::boolean AS present
    FROM parcels.segment WHERE kind = 'door';

-- Every registered cell of the banks in service (or of one) at a moment: its state, since when, and the parcel in it.
CREATE FUNCTION parcels.cells(moment timestamptz, of_bank text DEFAULT NULL)
    RETURNS TABLE (bank text, device text, cell text, size text, state text, since timestamptz, parcel_since timestamptz,
                   parcel text, overdue_h int, door_open_since timestamptz)
    LANGUAGE sql STABLE AS $$
    WITH standing AS (
        SELECT DISTINCT ON (subject, what, kind) subject, what, kind, start, data FROM parcels.segment
        WHERE kind IN ('state', 'parcel', 'door') AND start <= moment AND ("end" > moment OR "end" IS NULL)
        ORDER BY subject, what, kind, start DESC
    )
    SELECT p.id, d.id, c.key, c.value, coalesce(s.data->>'state', 'free'), s.start, k.start, k.data->>'parcel',
           CASE WHEN moment >= k.start + interval '72 hours' THEN 72 WHEN moment >= k.start + interval '48 hours' THEN 48
                WHEN moment >= k.start + interval '24 hours' THEN 24 END, o.start
    FROM registry.point p
    JOIN registry.device d ON d.point = p.id AND d.kind = 'locker' AND d.valid_from <= moment AND d.valid_to > moment
    CROSS JOIN LATERAL jsonb_each_text(p.data->'cells') c
    LEFT JOIN standing s ON s.subject = d.id AND s.what = c.key AND s.kind = 'state'
    LEFT JOIN standing k ON k.subject = d.id AND k.what = c.key AND k.kind = 'parcel'
    LEFT JOIN standing o ON o.subject = d.id AND o.what = c.key AND o.kind = 'door'
    WHERE p.type = 'locker' AND p.valid_from <= moment AND p.valid_to > moment AND (of_bank IS NULL OR p.id = of_bank)
      AND NOT coalesce((d.data->>'maintenance')::boolean, false)
    ORDER BY p.id, c.key
$$;

-- How full the banks are at a moment, by size: fill = cells with a parcel / cells not in fault.
CREATE FUNCTION parcels.fill(moment timestamptz, of_bank text DEFAULT NULL)
    RETURNS TABLE (bank text, size text, cells int, free int, reserved int, occupied int, fault int, fill numeric)
    LANGUAGE sql STABLE AS $$
    SELECT bank, size, count(*)::int, (count(*) FILTER (WHERE state = 'free'))::int,
           (count(*) FILTER (WHERE state = 'reserved'))::int, (count(*) FILTER (WHERE state = 'occupied'))::int,
           (count(*) FILTER (WHERE state = 'fault'))::int,
           round((count(*) FILTER (WHERE state = 'occupied'))::numeric / nullif(count(*) FILTER (WHERE state <> 'fault'), 0), 4)
    FROM parcels.cells(moment, of_bank) GROUP BY bank, size ORDER BY bank, size
$$;

-- Dwell in seconds of the parcels that went in [since, until): collected and returned apart, uncertain ones only counted.
CREATE FUNCTION parcels.dwell(since timestamptz, until timestamptz, of_bank text DEFAULT NULL)
    RETURNS TABLE (bank text, outcome text, parcels int, uncertain int, dwell_p50_s float8, dwell_p95_s float8)
    LANGUAGE sql STABLE AS $$
    SELECT bank, outcome, count(*)::int, (count(*) FILTER (WHERE uncertain))::int,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY dwell_s) FILTER (WHERE NOT uncertain),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY dwell_s) FILTER (WHERE NOT uncertain)
    FROM parcels.parcel WHERE "end" >= since AND "end" < until AND (of_bank IS NULL OR bank = of_bank)
    GROUP BY bank, outcome ORDER BY bank, outcome
$$;
