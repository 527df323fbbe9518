-- Devices registered at a moment or heard by then, with their state, by id. What they had sent by then is not kept.
WITH registered AS (
    SELECT id, kind, site, point, name, coalesce((data->>'maintenance')::boolean, false) AS maintenance
    FROM registry.device WHERE valid_from <= :at AND valid_to > :at
), found AS (
    SELECT coalesce(r.id, s.device) AS id, coalesce(r.kind, s.kind) AS kind, coalesce(r.site, s.site) AS site,
           r.id IS NOT NULL AS registered, r.point, r.name, coalesce(r.maintenance, false) AS maintenance,
           coalesce(s.state, 'never') AS state, s.since, s.first_seen, NULL::timestamptz AS last_seen,
           NULL::timestamptz AS newest, NULL::bigint AS boot, NULL::bigint AS messages
    FROM registered r FULL JOIN liveness.at(:at) s ON s.device = r.id
)
SELECT * FROM found
WHERE (:kind::text IS NULL OR kind = :kind) AND (:site::text IS NULL OR site = :site)
  AND (:state::text IS NULL OR state = :state) AND id > :after
ORDER BY id
LIMIT :limit + 1
