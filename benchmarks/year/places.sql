-- A year of 300 spots, 12 doors, 300 persons and 192 locker cells.
CREATE TEMP TABLE local_day AS
SELECT d AS midnight, extract(isodow FROM d AT TIME ZONE 'Asia/Shanghai') < 6 AS working, row_number() OVER (ORDER BY d)::int AS n
FROM span, generate_series(since, until - interval '1 day', interval '1 day') d;

CREATE TEMP TABLE stay AS
SELECT s, format('s%s', s) AS spot, CASE WHEN s <= 180 THEN 'P1' ELSE 'P2' END AS carpark,
       midnight + k * interval '100 min' + interval '8 hours' + (s * 37 + d.n * 11) % 60 * interval '1 min' AS start,
       CASE WHEN s % 8 = 0 THEN interval '70 min' ELSE interval '9 hours' END AS dwell
FROM generate_series(1, 300) s, local_day d, generate_series(0, CASE WHEN s % 8 = 0 THEN 4 ELSE 0 END) k
WHERE (working OR s % 8 = 0) AND (s + d.n) % 10 <> 0;
INSERT INTO parking.segment (subject, what, kind, start, key, "end", data, at)
SELECT format('sp-%s', s), 'spot', 'stay', start, '', start + dwell, jsonb_build_object('spot', spot, 'carpark', carpark,
    'dwell_s', extract(epoch FROM dwell), 'uncertain', false), start + dwell FROM stay ORDER BY start;
INSERT INTO parking.segment (subject, what, kind, start, key, "end", data, at)
SELECT format('sp-%s', s), 'spot', 'state', start, '', start + dwell, jsonb_build_object('spot', spot, 'carpark', carpark, 'state', 'occupied'),
       start + dwell FROM stay ORDER BY start;
INSERT INTO parking.segment (subject, what, kind, start, key, "end", data, at)
SELECT format('sp-%s', s), 'spot', 'state', start + dwell, '', next, jsonb_strip_nulls(jsonb_build_object('spot', spot, 'carpark', carpark,
    'state', 'free', 'known_until', CASE WHEN next IS NULL THEN to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END)),
    coalesce(next, '9999-01-01') FROM span, (SELECT *, lead(start) OVER (PARTITION BY s ORDER BY start) AS next FROM stay) x ORDER BY start;
INSERT INTO parking.segment (subject, what, kind, start, key, "end", data, at, tell_at)
SELECT format('sp-%s', s), 'spot', 'overstay', start + interval '1 hour', '', start + dwell, jsonb_build_object('spot', spot, 'carpark', carpark,
    'stay', start, 'limit_s', 3600), start + dwell, start + interval '1 hour' FROM stay WHERE s % 8 = 0 AND s % 3 = 0 ORDER BY start;

-- Each person: in at a gate, into a building, out for lunch, and home.
CREATE TEMP TABLE way AS
SELECT format('tok:%s', md5(format('%s %s', p, to_char(midnight, 'YYYYMM')))) AS token, m.door, m.zone_from, m.zone_to, m.inwards,
       midnight + m.at + (p * 13 + n * 7) % 50 * interval '1 min' + p * interval '100 ms' AS time, p
FROM generate_series(1, 300) p, local_day, LATERAL (VALUES
    (1 + p % 5, 'outside', 'grounds', true, interval '8 hours'), (6 + p % 4, 'grounds', format('z-b%s', (6 + p % 4) % 4 + 1), true, interval '8 hours 6 min'),
    (6 + p % 4, format('z-b%s', (6 + p % 4) % 4 + 1), 'grounds', false, interval '12 hours'), (10, 'grounds', 'z-b3', true, interval '12 hours 5 min'),
    (10, 'z-b3', 'grounds', false, interval '12 hours 40 min'), (6 + p % 4, 'grounds', format('z-b%s', (6 + p % 4) % 4 + 1), true, interval '12 hours 46 min'),
    (6 + p % 4, format('z-b%s', (6 + p % 4) % 4 + 1), 'grounds', false, interval '17 hours 30 min'), (1 + p % 5, 'grounds', 'outside', false, interval '17 hours 36 min')
) AS m(door, zone_from, zone_to, inwards, at) WHERE working;
INSERT INTO access.segment (subject, what, kind, start, key, "end", data, at)
SELECT format('g-%s', door), 'door', 'passage', time, '', time, jsonb_build_object('point', format('door-%s', door), 'site', 'demo',
    'token', CASE WHEN p % 20 <> 0 THEN token END, 'direction', CASE WHEN inwards THEN 'in' ELSE 'out' END, 'from', zone_from, 'to', zone_to, 'opening', time), time
FROM way ORDER BY time;
INSERT INTO access.segment (subject, what, kind, start, key, "end", data, at)
SELECT format('g-%s', door), 'door', 'opening', time, '', time + interval '4 s', jsonb_build_object('point', format('door-%s', door), 'site', 'demo',
    'grants', 1, 'exit_requests', 0, 'passages', 1, 'entries', 1, 'excess', 0, 'forced', false, 'released', false, 'complete', true), time + interval '4 s'
FROM way ORDER BY time ON CONFLICT DO NOTHING;
INSERT INTO access.segment (subject, what, kind, start, key, "end", data, at, tell_at)
SELECT format('g-%s', door), 'door', CASE WHEN p % 2 = 0 THEN 'held' ELSE 'tailgating' END, time, '', time + interval '2 min',
    jsonb_build_object('point', format('door-%s', door), 'site', 'demo'), time, time FROM way WHERE p % 100 = 1 AND inwards ON CONFLICT DO NOTHING;
INSERT INTO access.person_segment (subject, what, kind, start, key, "end", data, at)
SELECT token, 'place', 'place', time, '', next, jsonb_build_object('zone', zone_to, 'state', 'inside', 'site', 'demo', 'door', format('g-%s', door)), coalesce(next, time)
FROM (SELECT *, lead(time) OVER (PARTITION BY token ORDER BY time) AS next FROM way) x WHERE zone_to <> 'outside' AND p % 20 <> 0 ORDER BY time;

CREATE TEMP TABLE parcel AS
SELECT b, c, midnight + interval '10 hours' + (b * 7 + c * 3) % 300 * interval '1 min' AS start, interval '5 hours' + c % 7 * interval '1 hour' AS dwell
FROM generate_series(1, 4) b, generate_series(1, 48) c, local_day WHERE (b + c + n) % 2 = 0;
INSERT INTO parcels.segment (subject, what, kind, start, key, "end", data, at)
SELECT format('lk-%s', b), format('c%s', c), kind, start, '', start + CASE kind WHEN 'door' THEN interval '20 s' ELSE dwell END,
    jsonb_build_object('bank', format('p-lk-%s', b), 'cell', format('c%s', c), 'size', CASE WHEN c <= 24 THEN 'S' WHEN c <= 40 THEN 'M' ELSE 'L' END)
    || CASE kind WHEN 'parcel' THEN jsonb_build_object('parcel', md5(start::text || c), 'outcome', 'collected', 'dwell_s', extract(epoch FROM dwell), 'uncertain', false)
       WHEN 'door' THEN '{"purpose": "deposit", "present": true}' ELSE '{"state": "occupied"}' END, start + dwell
FROM parcel, unnest(ARRAY['parcel', 'door', 'state']) kind ORDER BY start;
INSERT INTO parcels.segment (subject, what, kind, start, key, "end", data, at)
SELECT format('lk-%s', b), format('c%s', c), 'state', start + dwell, '', lead(start) OVER (PARTITION BY b, c ORDER BY start),
    jsonb_build_object('bank', format('p-lk-%s', b), 'cell', format('c%s', c), 'size', CASE WHEN c <= 24 THEN 'S' WHEN c <= 40 THEN 'M' ELSE 'L' END, 'state', 'free'), start + dwell
FROM parcel;
