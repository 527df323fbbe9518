-- The registers of a meter or inverter, and the newest medium of its place.
SELECT s.id, s.what, s.zone,
       (SELECT p.medium FROM registry.placement p WHERE p.device = s.subject ORDER BY p.valid_from DESC LIMIT 1) AS medium
FROM energy.series s
WHERE s.subject = :device AND (:register::text IS NULL OR s.what = :register)
ORDER BY s.what
