-- Stays of a car park that ended in [since, until), by their end.
SELECT device, spot, carpark, start, "end", dwell_s, uncertain
FROM parking.stay
WHERE carpark = :carpark AND "end" >= :since AND "end" < :until
  AND ("end", device, start) > (:after_end, :after_device, :after_start)
ORDER BY "end", device, start
LIMIT :limit + 1
