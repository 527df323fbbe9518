-- Devices registered now or ever heard, with their state, by id.
WITH registered AS (
    SELECT id, kind, site, point, name, coalesce((data->>'maintenance')::boolean, false) AS maintenance, data
    FROM registry.device WHERE valid_from <= :now AND valid_to > :now
), found AS (
    SELECT coalesce(r.id, s.device) AS id, coalesce(r.kind, s.kind) AS kind, coalesce(r.site, s.site) AS site,
           r.id IS NOT NULL AS registered, r.point, r.name, coalesce(r.maintenance, false) AS maintenance,
           coalesce(s.state, 'never') AS state, s.since, s.first_seen, s.last_seen, s.newest, s.boot,
           coalesce(s.messages, 0) AS messages, r.data
    FROM registered r FULL JOIN liveness.state s ON s.device = r.id
)
SELECT * FROM found
WHERE (:id::text IS NULL OR id = :id) AND (:kind::text IS NULL OR kind = :kind) AND (:site::text IS NULL OR site = :site)
  AND (:state::text IS NULL OR state = :state) AND id > :after
ORDER BY id
LIMIT :limit + 1
