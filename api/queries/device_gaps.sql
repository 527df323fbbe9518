-- Numbers of a device that never arrived.
SELECT boot, first, last, last - first + 1 AS count
FROM liveness.gap
WHERE device = :id AND (boot, first) > (:after_boot, :after_first)
ORDER BY boot, first
LIMIT :limit + 1
