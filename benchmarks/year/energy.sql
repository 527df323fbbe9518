-- Quarter hours and days of every series. Rows come in the order of time, as a year of readings brings them. One in a hundred
-- is estimated, one in three hundred missing.
CREATE TEMP TABLE flow AS
SELECT n, id, device, medium, role, type, weight, what FROM node,
LATERAL (SELECT CASE WHEN type = 'inverter' THEN 'energy_wh' WHEN medium = 'heat' THEN 'heat_wh' WHEN medium = 'electricity' THEN 'import_wh'
                ELSE 'volume_l' END AS what
         UNION ALL SELECT 'export_wh' WHERE medium = 'electricity' AND role IN ('main', 'storage')) w;
INSERT INTO energy.series (subject, what, zone) SELECT device, what, 'Asia/Shanghai' FROM flow ORDER BY n, what;
INSERT INTO energy.place (point) SELECT id FROM node ORDER BY n;
INSERT INTO energy.seat SELECT s.id, p.id FROM flow f JOIN energy.series s ON s.subject = f.device AND s.what = f.what
    JOIN energy.place p ON p.point = f.id;
CREATE TEMP TABLE source AS
SELECT s.id AS series, p.id AS place, f.* FROM flow f JOIN energy.series s ON s.subject = f.device AND s.what = f.what
    JOIN energy.place p ON p.point = f.id;
ANALYZE source;

-- The key is made when the rows are there: that takes less time.
ALTER TABLE energy.quarter DROP CONSTRAINT quarter_pkey;

DO $fill$
DECLARE
    week timestamptz := (SELECT since FROM span);
    past timestamptz := (SELECT until FROM span);
BEGIN
    WHILE week < past LOOP
        INSERT INTO energy.quarter (series, place, start, quantity, covered, estimated, substituted)
        SELECT series, place, t, round(weight * CASE
                   WHEN type = 'inverter' THEN sun * 750
                   WHEN what = 'export_wh' THEN sun * 20
                   ELSE 800 + 1500 * office + 100 * ((series * 7919 + q * 104729) % 7) END),
               900000000, CASE WHEN (series * 31 + q * 17) % 100 = 0 THEN 900000000 ELSE 0 END, 0
        FROM generate_series(week, least(week + interval '7 days', past) - interval '15 min', interval '15 min') AS t,
        LATERAL (SELECT (extract(epoch FROM t) / 900)::bigint AS q, t AT TIME ZONE 'Asia/Shanghai' AS local) a,
        LATERAL (SELECT greatest(0, sin(pi() * (extract(hour FROM local) * 60 + extract(minute FROM local) - 360) / 720)) AS sun,
                        CASE WHEN extract(isodow FROM local) < 6 AND extract(hour FROM local) BETWEEN 8 AND 17 THEN 1 ELSE 0.1 END AS office) b,
        source
        WHERE (series * 13 + q * 7) % 300 <> 0
        ORDER BY t, series;
        week := week + interval '7 days';
    END LOOP;
END $fill$;
ALTER TABLE energy.quarter ADD CONSTRAINT quarter_pkey PRIMARY KEY (series, start, place);

INSERT INTO energy.day (series, place, day, quantity, covered, unmeasured_day, unmeasured_month, unmeasured_year)
SELECT series, place, (start AT TIME ZONE 'Asia/Shanghai')::date, sum(quantity), sum(covered),
       coalesce(sum(quantity) FILTER (WHERE estimated > 0), 0), 0, 0
FROM energy.quarter GROUP BY 1, 2, 3 ORDER BY 3, 1;

-- Segments of the last three days, with a few breaks: what conditions are made of.
INSERT INTO energy.segment (series, sky, start, "end", first, last, mark, split)
SELECT series, 0, start, start + interval '15 min', 0, quantity, CASE WHEN (series + extract(epoch FROM start) / 900) % 20000 = 0 THEN 3 ELSE 0 END, false
FROM energy.quarter, span WHERE start >= until - interval '3 days' ORDER BY start, series;

INSERT INTO quotas.figure (quota, period, start, "end", department, medium, counts, year, until, budget, actual, used, plan, pace, rest,
                           forecast, coverage, marked, edit)
SELECT format('q%s-%s', to_char(d, 'FM00'), y), period, a, b, format('d%s', to_char(d, 'FM00')), 'electricity', 'consumption', y,
       least(b, until), 100000000, 90000000, 0.5 + d / 60.0, 85000000, 1.05, 1000000, 95000000, 0.99, false, 0
FROM span, generate_series(1, 30) d, generate_series(extract(year FROM since)::int, extract(year FROM until)::int) y,
LATERAL (
    SELECT 'year' AS period, make_timestamptz(y, 1, 1, 0, 0, 0, 'Asia/Shanghai') AS a, make_timestamptz(y + 1, 1, 1, 0, 0, 0, 'Asia/Shanghai') AS b
    UNION ALL SELECT 'month', make_timestamptz(y, m, 1, 0, 0, 0, 'Asia/Shanghai'),
                     make_timestamptz(y + m / 12, m % 12 + 1, 1, 0, 0, 0, 'Asia/Shanghai') FROM generate_series(1, 12) m
) p WHERE a < until;
INSERT INTO quotas.level SELECT quota, period, start, level, department, medium, start + interval '20 days'
FROM quotas.figure, unnest(ARRAY['notice', 'warning']) level WHERE used > 0.8;

INSERT INTO solar.clear_sky SELECT 'demo', t, (900 * greatest(0, sin(pi() * (extract(epoch FROM t + interval '8 hours')::bigint % 86400 - 21600) / 43200)))::int
FROM span, generate_series(since, until, interval '15 min') t;
INSERT INTO solar.weather_segment (subject, what, kind, start, key, "end", data, at)
SELECT 'ws-1', 'poa', 'poa', start, '', start + interval '15 min',
       jsonb_build_object('plant', 'pv-roof', 'point', 'p-ws-1', 'w_m2', ghi_w_m2 * 0.8, 'known_s', 900), start FROM solar.clear_sky;
INSERT INTO solar.segment (subject, what, kind, start, key, "end", data, at)
SELECT format('inv-inv%s', n), 'state', 'state', t, '', t + interval '12 hours',
       jsonb_build_object('inverter', format('p-inv%s', n), 'plant', 'pv-roof', 'state', CASE WHEN extract(hour FROM t) < 12 THEN 'MPPT' ELSE 'OFF' END, 'faults', '[]'::jsonb), t
FROM span, (SELECT substr(id, 6)::int AS n FROM node WHERE type = 'inverter') v, generate_series(since, until - interval '12 hours', interval '12 hours') t;
