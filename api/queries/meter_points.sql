-- Readings of some series in [since, until), by time.
SELECT p.series, p.time, p.value, p.length, p.serial AS serial_id, c.serial, p.recorded, p.generation, p.partition,
       p."offset", m.verdict
FROM energy.point p
LEFT JOIN energy.mark m ON m.series = p.series AND m.time = p.time AND m.value = p.value AND m.length = p.length
LEFT JOIN energy.serial c ON c.id = p.serial
WHERE p.series = ANY(:series::int[]) AND p.time >= greatest(:since, :after_time::timestamptz) AND p.time < :until
  AND (p.time, p.series, p.value, p.length, p.serial) > (:after_time, :after_series, :after_value, :after_length, :after_serial)
ORDER BY p.time, p.series, p.value, p.length, p.serial
LIMIT :limit + 1
