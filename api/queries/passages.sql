-- Passages in [since, until), by time.
SELECT device, point, time, key, token, direction, from_zone, to_zone, opening
FROM access.passage
WHERE time >= greatest(:since, :after_time::timestamptz) AND time < :until
  AND (:door::text IS NULL OR device = :door)
  AND (time, device, key) > (:after_time, :after_device, :after_key)
ORDER BY time, device, key
LIMIT :limit + 1
