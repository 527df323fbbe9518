-- depends: 0070.alerts 0075.quarantine 0090.views
-- How far each domain is behind what the book holds: records, and seconds since the oldest of them was recorded. A generation
-- that was left is listed only while it is not read to its end. The body is a string: tables are looked up at each call.
CREATE FUNCTION runtime.lag()
    RETURNS TABLE (domain text, topic text, generation int, partition int, records bigint, seconds float8)
    LANGUAGE sql STABLE AS $$
    WITH position AS (
        SELECT 'registry' AS domain, p.* FROM registry.position p UNION ALL SELECT 'energy', p.* FROM energy.position p
        UNION ALL SELECT 'parking', p.* FROM parking.position p UNION ALL SELECT 'access', p.* FROM access.position p
        UNION ALL SELECT 'parcels', p.* FROM parcels.position p UNION ALL SELECT 'solar', p.* FROM solar.position p
        UNION ALL SELECT 'liveness', p.* FROM liveness.position p UNION ALL SELECT 'alerts', p.* FROM alerts.position p
        UNION ALL SELECT 'quotas', p.* FROM quotas.position p UNION ALL SELECT 'quarantine', p.* FROM quarantine.position p
    )
    SELECT p.domain, p.topic, p.generation, p.partition, greatest(b.next_offset - p.next_offset, 0),
           coalesce(extract(epoch FROM now() - e.recorded), 0)::float8
    FROM position p JOIN book.partition b USING (topic, generation, partition)
    LEFT JOIN book.event e ON e.topic = p.topic AND e.generation = p.generation AND e.partition = p.partition
        AND e."offset" = p.next_offset AND p.next_offset < b.next_offset
    WHERE NOT b.closed OR p.next_offset < b.next_offset
$$;
