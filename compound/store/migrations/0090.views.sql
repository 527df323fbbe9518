-- depends: 0011.energy-views 0020.parking 0030.access 0040.parcels 0050.solar 0060.liveness 0080.quotas
-- What dashboards and the API read across the domains.

-- Conditions of every domain, in one form: from when to when (null: it goes on) something held that may be told. Those
-- that lie ahead are in it too: ask start <= now().
CREATE VIEW runtime.condition AS
    SELECT 'parking' AS domain, kind AS rule, subject, what, key, start, "end", data
    FROM parking.segment WHERE kind = 'overstay'
    UNION ALL
    SELECT 'access', kind, subject, what, key, start, "end", data
    FROM access.segment WHERE kind IN ('forced', 'held', 'tailgating', 'duress', 'tamper')
    UNION ALL
    SELECT 'access', kind, subject, what, key, start, "end", data
    FROM access.person_segment WHERE kind = 'anti-passback'
    UNION ALL
    SELECT 'parcels', kind, subject, what, key, start, "end", data
    FROM parcels.segment WHERE kind IN ('overdue-24', 'overdue-48', 'overdue-72', 'door-left-open')
    UNION ALL
    SELECT 'solar', kind, subject, what, key, start, "end", data
    FROM solar.segment WHERE kind = 'inverter-fault'
    UNION ALL
    SELECT 'energy', kind, subject, what, key, start, "end", data
    FROM energy.condition
    UNION ALL
    SELECT 'liveness', kind, device, channel, '', start, "end", '{}'::jsonb
    FROM liveness.lost
    UNION ALL
    SELECT 'quotas', 'quota-' || l.level, l.department, l.quota || ' ' || l.period, '', l.at, f."end",
           jsonb_build_object('quota', l.quota, 'medium', l.medium, 'period', l.period, 'start', l.start)
    FROM quotas.level l JOIN quotas.figure f USING (quota, period, start);
