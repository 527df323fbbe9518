-- A thousand meters: a main, 20 buildings of 7 floors of 5 rooms, 20 chargers, 10 inverters, a battery; water, gas and heat;
-- 30 departments that share the rooms. `span` says from when to when; `scale` how many buildings and floors, if it is to be less.
CREATE TEMP TABLE node AS
WITH room AS (
    SELECT b, f, r FROM scale, generate_series(1, buildings) b, generate_series(1, floors) f, generate_series(1, 5) r
), dept AS (SELECT b, f, r, format('d%s', to_char((b * 35 + f * 5 + r) % 30 + 1, 'FM00')) AS department FROM room
), told(id, parent, medium, role, type, building, department, weight) AS (
    SELECT 'p-main', NULL, 'electricity', 'main', 'meter', NULL, NULL, 760.0
    UNION ALL SELECT format('p-b%s', b), 'p-main', 'electricity', 'sub', 'meter', format('b%s', b), NULL, 36.0
    FROM scale, generate_series(1, buildings) b
    UNION ALL SELECT format('p-b%s-%s', b, f), format('p-b%s', b), 'electricity', 'sub', 'meter', format('b%s', b), NULL, 5.05
    FROM scale, generate_series(1, buildings) b, generate_series(1, floors) f
    UNION ALL SELECT format('p-b%s-%s-%s', b, f, r), format('p-b%s-%s', b, f), 'electricity', 'sub', 'meter', format('b%s', b),
                     department, 1.0 FROM dept
    UNION ALL SELECT format('p-ev%s', n), 'p-main', 'electricity', 'sub', 'meter', NULL, 'd01', 1.0
    FROM scale, generate_series(1, buildings) n
    UNION ALL SELECT format('p-inv%s', n), 'p-main', 'electricity', 'generation', 'inverter', 'b1', NULL, 15.0
    FROM scale, generate_series(1, (buildings + 1) / 2) n
    UNION ALL SELECT 'p-bat', 'p-main', 'electricity', 'storage', 'meter', NULL, NULL, 4.0
    UNION ALL SELECT format('p-%s', m), NULL, m, 'main', 'meter', NULL, NULL, 20.0 FROM unnest(ARRAY['water', 'gas', 'heat']) m
    UNION ALL SELECT format('p-%s-b%s', m, b), format('p-%s', m), m, 'sub', 'meter', format('b%s', b), NULL, 1.0
    FROM scale, unnest(ARRAY['water', 'heat']) m, generate_series(1, buildings) b
    UNION ALL SELECT format('p-water-b%s-%s', b, n), format('p-water-b%s', b), 'water', 'sub', 'meter', format('b%s', b),
                     format('d%s', to_char((b * 3 + n) % 30 + 1, 'FM00')), 0.3
    FROM scale, generate_series(1, buildings) b, generate_series(1, 3) n
    UNION ALL SELECT format('p-gas-b%s', b), 'p-gas', 'gas', 'sub', 'meter', format('b%s', b), 'd02', 4.0
    FROM scale, generate_series(1, least(buildings, 5)) b
)
SELECT row_number() OVER ()::int AS n, t.*, CASE type WHEN 'inverter' THEN 'inv' ELSE 'm' END || substr(id, 2) AS device
FROM told t;

CREATE TEMP TABLE told (kind text, id text, data jsonb);
INSERT INTO told
SELECT 'site', 'demo', '{"timezone": "Asia/Shanghai", "latitude": 36.65, "longitude": 117.0, "name": {"zh": "大院", "en": "Compound"}}'::jsonb
UNION ALL SELECT 'building', format('b%s', b), jsonb_build_object('site', 'demo', 'area_m2', 9000,
    'name', jsonb_build_object('zh', b || '号楼', 'en', 'Building ' || b)) FROM scale, generate_series(1, buildings) b
UNION ALL SELECT 'department', format('d%s', to_char(d, 'FM00')), jsonb_build_object('site', 'demo', 'area_m2', 3000, 'headcount', 40,
    'name', jsonb_build_object('zh', d || '处', 'en', 'Department ' || d)) FROM generate_series(1, 30) d
UNION ALL SELECT 'point', id, jsonb_strip_nulls(jsonb_build_object('type', type, 'site', 'demo', 'building', building,
    'department', department, 'parent', parent, 'name', jsonb_build_object('zh', '点' || id, 'en', id))
    || CASE type WHEN 'inverter' THEN '{"plant": "pv-roof", "p0_w": 50000}'::jsonb
       ELSE jsonb_build_object('medium', medium, 'role', role) END) FROM node
UNION ALL SELECT 'device', device, jsonb_build_object('kind', CASE type WHEN 'inverter' THEN 'inverter' ELSE 'meter' END,
    'site', 'demo', 'point', id, CASE WHEN medium IN ('water', 'gas') THEN 'rated_l_h' ELSE 'rated_w' END,
    (weight * 20000)::int) FROM node
UNION ALL SELECT 'quota', format('q%s-%s', to_char(d, 'FM00'), y), jsonb_build_object('department', format('d%s', to_char(d, 'FM00')),
    'year', y, 'medium', 'electricity', 'budget', 100000000, 'weights', '[]'::jsonb)
    FROM generate_series(1, 30) d, span, generate_series(extract(year FROM span.since)::int, extract(year FROM span.until)::int) y
UNION ALL SELECT 'calendar', 'c' || y, jsonb_build_object('year', y, 'working', jsonb_build_object(y || '-10-01', false))
    FROM span, generate_series(extract(year FROM span.since)::int, extract(year FROM span.until)::int) y
UNION ALL SELECT 'point', 'p-ws-1', '{"type": "weather", "site": "demo", "plant": "pv-roof"}'
UNION ALL SELECT 'device', 'ws-1', '{"kind": "weather", "site": "demo", "point": "p-ws-1"}'
UNION ALL SELECT 'zone', z, jsonb_build_object('site', 'demo', 'name', jsonb_build_object('zh', z, 'en', z))
    FROM unnest(ARRAY['grounds', 'z-b1', 'z-b2', 'z-b3', 'z-b4', 'z-dc']) z
UNION ALL SELECT 'point', format('door-%s', n), jsonb_build_object('type', 'gate', 'site', 'demo',
    'from_zone', CASE WHEN n <= 5 THEN 'outside' ELSE 'grounds' END,
    'to_zone', CASE WHEN n <= 5 THEN 'grounds' WHEN n = 12 THEN 'z-dc' ELSE format('z-b%s', n % 4 + 1) END,
    'name', jsonb_build_object('zh', '门' || n, 'en', 'Door ' || n)) FROM generate_series(1, 12) n
UNION ALL SELECT 'device', format('g-%s', n), jsonb_build_object('kind', 'gate', 'site', 'demo', 'point', format('door-%s', n))
    FROM generate_series(1, 12) n
UNION ALL SELECT 'carpark', c, jsonb_build_object('site', 'demo', 'name', jsonb_build_object('zh', c || '停车场', 'en', 'Car park ' || c))
    FROM unnest(ARRAY['P1', 'P2']) c
UNION ALL SELECT 'spot_class', 'visitor', '{"limit_s": 10800}' UNION ALL SELECT 'spot_class', 'staff', '{"limit_s": 129600}'
UNION ALL SELECT 'point', format('s%s', n), jsonb_build_object('type', 'parking', 'site', 'demo',
    'carpark', CASE WHEN n <= 180 THEN 'P1' ELSE 'P2' END, 'spot_class', CASE WHEN n % 8 = 0 THEN 'visitor' ELSE 'staff' END)
    FROM generate_series(1, 300) n
UNION ALL SELECT 'device', format('sp-%s', n), jsonb_build_object('kind', 'parking', 'site', 'demo', 'point', format('s%s', n))
    FROM generate_series(1, 300) n
UNION ALL SELECT 'point', format('p-lk-%s', n), jsonb_build_object('type', 'locker', 'site', 'demo', 'cells',
    (SELECT jsonb_object_agg(format('c%s', c), CASE WHEN c <= 24 THEN 'S' WHEN c <= 40 THEN 'M' ELSE 'L' END) FROM generate_series(1, 48) c))
    FROM generate_series(1, 4) n
UNION ALL SELECT 'device', format('lk-%s', n), jsonb_build_object('kind', 'locker', 'site', 'demo', 'point', format('p-lk-%s', n))
    FROM generate_series(1, 4) n;

INSERT INTO registry.item (kind, id, valid_from, recorded, "offset", data)
SELECT kind, id, '2020-01-01 00:00+08', '2020-01-01 00:00+08', row_number() OVER (), data FROM told;
UPDATE registry.version SET version = version + 1;
