-- Where a person was in [since, until), by start; what lies ahead (uncertain, stale) only once it has come.
SELECT token, zone, state, site, door, start, "end"
FROM access.place
WHERE token = :token AND start < least(:until, now()) AND ("end" > :since OR "end" IS NULL) AND start > :after
ORDER BY start
LIMIT :limit + 1
