-- depends: 0111.runtime-lag 0120.archive
-- The platform itself: conditions of the archiver (history's side: they depend on what was told before).
DO $$ BEGIN
    PERFORM runtime.make_domain('platform');
END $$;

-- In the form of every domain's conditions: subject = 'archiver', what = 'book', kind = archiver-late or archiver-stopped.
CREATE TABLE platform.condition (
    subject text, what text, kind text, start timestamptz, key text, "end" timestamptz, data jsonb NOT NULL,
    tell_at timestamptz, PRIMARY KEY (subject, what, kind, start, key)
);

CREATE OR REPLACE VIEW runtime.condition AS
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
    FROM quotas.level l JOIN quotas.figure f USING (quota, period, start)
    UNION ALL
    SELECT 'platform', kind, subject, what, key, start, "end", data
    FROM platform.condition;

-- The same with Kafka's end where the log is Kafka's: what the book does not hold yet lags too, for how long is not
-- known (null).
CREATE OR REPLACE FUNCTION runtime.lag()
    RETURNS TABLE (domain text, topic text, generation int, partition int, records bigint, seconds float8)
    LANGUAGE sql STABLE AS $$
    WITH position AS (
        SELECT 'registry' AS domain, p.* FROM registry.position p UNION ALL SELECT 'energy', p.* FROM energy.position p
        UNION ALL SELECT 'parking', p.* FROM parking.position p UNION ALL SELECT 'access', p.* FROM access.position p
        UNION ALL SELECT 'parcels', p.* FROM parcels.position p UNION ALL SELECT 'solar', p.* FROM solar.position p
        UNION ALL SELECT 'liveness', p.* FROM liveness.position p UNION ALL SELECT 'alerts', p.* FROM alerts.position p
        UNION ALL SELECT 'quotas', p.* FROM quotas.position p UNION ALL SELECT 'quarantine', p.* FROM quarantine.position p
    )
    SELECT p.domain, p.topic, p.generation, p.partition, greatest(b.next_offset - p.next_offset, a.log_end - p.next_offset, 0),
           CASE WHEN p.next_offset < b.next_offset THEN extract(epoch FROM now() - e.recorded)::float8
                WHEN a.log_end > p.next_offset THEN NULL ELSE 0 END
    FROM position p JOIN book.partition b USING (topic, generation, partition)
    LEFT JOIN runtime.archive a USING (topic, generation, partition)
    LEFT JOIN book.event e ON e.topic = p.topic AND e.generation = p.generation AND e.partition = p.partition
        AND e."offset" = p.next_offset AND p.next_offset < b.next_offset
    WHERE NOT b.closed OR p.next_offset < b.next_offset
$$;
