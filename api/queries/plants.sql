-- Plants that hold at a moment: the inverters' points that name them.
SELECT p.plant AS id, max(p.site) AS site, sum(p.p0_w)::bigint AS p0_w, array_agg(p.id ORDER BY p.id) AS inverters,
       EXISTS (SELECT FROM registry.point w WHERE w.type = 'weather' AND w.plant = p.plant
               AND w.valid_from <= :at AND w.valid_to > :at) AS has_irradiance
FROM registry.point p
WHERE p.type = 'inverter' AND p.valid_from <= :at AND p.valid_to > :at AND p.plant > :after
GROUP BY p.plant
ORDER BY p.plant
LIMIT :limit + 1
