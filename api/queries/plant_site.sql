-- The site of a plant, and whether a device of it is being derived again.
SELECT p.site,
       EXISTS (SELECT FROM registry.stale x JOIN registry.placement d ON d.device = x.device
               WHERE d.plant = :plant AND x.domain IN ('solar', 'energy')) AS stale
FROM registry.point p WHERE p.type = 'inverter' AND p.plant = :plant
ORDER BY p.valid_from DESC LIMIT 1
