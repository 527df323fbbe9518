-- Car parks that hold now, each with its occupancy.
SELECT c.id, c.data->>'site' AS site, c.data->'name' AS name, o.*,
       EXISTS (SELECT FROM registry.stale x JOIN parking.service v ON v.device = x.device
               WHERE x.domain = 'parking' AND v.carpark = c.id) AS stale
FROM registry.current c, parking.occupancy(c.id, :at) o
WHERE c.kind = 'carpark' AND c.valid_from <= :at AND c.valid_to > :at AND c.id > :after
ORDER BY c.id
LIMIT :limit + 1
