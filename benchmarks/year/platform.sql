-- The platform itself: devices heard, alerts and their deliveries, quarantine, the book's partitions and its last days.
CREATE TEMP TABLE heard AS SELECT id AS device, data->>'kind' AS kind, row_number() OVER (ORDER BY id)::int AS n FROM told WHERE kind = 'device';
INSERT INTO liveness.device (device, kind, site, first_seen, last_seen, newest, boot, messages, status, status_since)
SELECT device, kind, 'demo', since, until, until, 1, 35000, 'online', since FROM heard, span;
INSERT INTO liveness.channel SELECT device, 'reading', until FROM heard, span;
INSERT INTO liveness.seq SELECT device, 1, int8multirange(int8range(0, 10000), int8range(10000 + n % 3, 35000)) FROM heard;
INSERT INTO liveness.watch SELECT device, kind, n % 4, 'demo', since, 2700, '{}' FROM heard, span;
INSERT INTO liveness.receiving SELECT since, until FROM span;
INSERT INTO liveness.lost (device, kind, channel, start, "end")
SELECT device, 'silent', '', since + k * interval '70 days' + n * interval '1 hour', CASE WHEN k < 4 OR n > 20 THEN since + k * interval '70 days' + n * interval '1 hour' + interval '3 hours' END
FROM heard, span, generate_series(0, 4) k;

CREATE TEMP TABLE rung AS
SELECT n, format('a%s', n) AS id, since + n * (until - since) / 6000 AS at, (ARRAY['g-1', 'sp-8', 'm-b1', 'inv-inv1', 'lk-1'])[n % 5 + 1] AS subject,
       (ARRAY['access', 'parking', 'liveness', 'solar', 'parcels'])[n % 5 + 1] AS domain, (ARRAY['held', 'overstay', 'silent', 'inverter-fault', 'overdue-24'])[n % 5 + 1] AS rule,
       (ARRAY['door-1', 's8', 'p-b1', 'p-inv1', 'p-lk-1'])[n % 5 + 1] AS point, (ARRAY['security', 'security', 'maintenance', 'maintenance', 'notification'])[n % 5 + 1] AS category
FROM span, generate_series(1, 6000) n;
INSERT INTO alerts.alert (id, domain, rule, subject, what, site, point, category, priority, start, "end", raised, cleared, acknowledged, acknowledged_by, notify, times, phase, detail)
SELECT id, domain, rule, subject, 'x', 'demo', point, category, (ARRAY['high', 'medium', 'low'])[n % 3 + 1], at, CASE WHEN n < 5950 THEN at + interval '1 hour' END, at,
       CASE WHEN n < 5950 THEN at + interval '1 hour' END, CASE WHEN n % 2 = 0 OR n < 5900 THEN at + interval '10 min' END, CASE WHEN n % 2 = 0 THEN 'desk' END, true, 1,
       CASE WHEN n < 5950 THEN 'cleared' ELSE 'raised' END, '{}' FROM rung;
INSERT INTO alerts.event SELECT id, format('%s-%s', id, k), (ARRAY['alert.raised.v1', 'alert.acknowledged.v1', 'alert.cleared.v1'])[k], 'x', at + k * interval '10 min', at + k * interval '10 min', n * 3 + k, '{}'
FROM rung, generate_series(1, 3) k;
INSERT INTO alerts.delivery (event, channel, alert, state, attempts, next_at, delivered)
SELECT format('%s-1', id), 'webhook', id, CASE WHEN n % 400 = 0 THEN 'dead' ELSE 'delivered' END, 1, at, at FROM rung;

INSERT INTO quarantine.message (id, reason, detail, size, cut, month, sealed, received, first_recorded, recorded, copies)
SELECT md5(n::text), (ARRAY['not JSON', 'time in the future', 'field is missing'])[n % 3 + 1], NULL, 200, false, '2026-01', 'x', at, at, at, 1
FROM (SELECT n, since + n * (until - since) / 2000 AS at FROM span, generate_series(1, 2000) n) m;

INSERT INTO book.generation (topic, generation, log, partitions) SELECT t, 1, 'postgresql', CASE t WHEN 'registry' THEN 1 ELSE 4 END
FROM unnest(ARRAY['meter', 'inverter', 'weather', 'gate', 'parking', 'locker', 'registry', 'commands', 'history', 'quarantine']) t;
INSERT INTO book.partition SELECT topic, 1, p, CASE WHEN topic = 'meter' THEN 250000 ELSE 5000 END, sha256(''), until, false
FROM book.generation, span, generate_series(0, partitions - 1) p;
INSERT INTO book.event SELECT topic, 1, partition, o, until - (next_offset - o) * interval '4 s', 'k', 'h', repeat('v', 106)::bytea, sha256('')
FROM book.partition, span, generate_series(0, next_offset - 1) o;
INSERT INTO energy.position SELECT topic, 1, partition, next_offset - 10 FROM book.partition WHERE topic IN ('meter', 'inverter');
INSERT INTO parking.position SELECT topic, 1, partition, next_offset FROM book.partition WHERE topic = 'parking';
INSERT INTO access.position SELECT topic, 1, partition, next_offset FROM book.partition WHERE topic = 'gate';
INSERT INTO parcels.position SELECT topic, 1, partition, next_offset FROM book.partition WHERE topic = 'locker';
INSERT INTO solar.position SELECT topic, 1, partition, next_offset FROM book.partition WHERE topic IN ('inverter', 'weather');
INSERT INTO liveness.position SELECT topic, 1, partition, next_offset FROM book.partition;
INSERT INTO alerts.position SELECT topic, 1, partition, next_offset FROM book.partition WHERE topic IN ('history', 'commands');
INSERT INTO registry.position SELECT topic, 1, partition, next_offset FROM book.partition WHERE topic = 'registry';
