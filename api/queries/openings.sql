-- Openings of a door that touch [since, until), by start.
SELECT device, point, start, "end", grants, exit_requests, passages, entries, excess, forced, released, complete
FROM access.opening
WHERE device = :device AND start < :until AND ("end" > :since OR "end" IS NULL OR start >= :since) AND start > :after
ORDER BY start
LIMIT :limit + 1
