-- Locker banks that hold at a moment, with the controller in service and whether it is being derived again.
SELECT p.id, p.site, p.building, p.name, d.id AS device,
       EXISTS (SELECT FROM registry.stale x WHERE x.domain = 'parcels' AND x.device = d.id) AS stale
FROM registry.point p
LEFT JOIN registry.device d ON d.point = p.id AND d.kind = 'locker' AND d.valid_from <= :at AND d.valid_to > :at
WHERE p.type = 'locker' AND p.valid_from <= :at AND p.valid_to > :at AND p.id > :after
ORDER BY p.id
LIMIT :limit + 1
