-- States and faults of an inverter that touch [since, until), by start.
SELECT s.subject, s.kind, s.start, s."end", s.key, s.data
FROM solar.segment s
WHERE s.subject = :device AND s.what = 'state' AND s.start < :until AND (s."end" > :since OR s."end" IS NULL)
  AND (s.start, s.kind, s.key) > (:after_start, :after_kind, :after_key)
ORDER BY s.start, s.kind, s.key
LIMIT :limit + 1
