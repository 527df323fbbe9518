-- The channels a device spoke on.
SELECT c.channel, c.last_seen,
       (SELECT max(l.start) FROM liveness.lost l
        WHERE l.device = c.device AND l.kind = 'channel-silent' AND l.channel = c.channel AND l."end" IS NULL) AS silent_since
FROM liveness.channel c WHERE c.device = :id ORDER BY c.channel
