-- Quotas of a year as they hold now, by id.
SELECT c.id AS quota, c.data->>'department' AS department, c.data->>'medium' AS medium, (c.data->>'year')::int AS year,
       coalesce(c.data->>'counts', 'consumption') AS counts,
       coalesce((SELECT s.timezone FROM registry.current d JOIN registry.site s ON s.id = d.data->>'site'
                 WHERE d.kind = 'department' AND d.id = c.data->>'department'
                 ORDER BY d.valid_from DESC, s.valid_from DESC LIMIT 1), 'UTC') AS timezone
FROM registry.current c
WHERE c.kind = 'quota' AND c.valid_to = 'infinity' AND (c.data->>'year')::int = :year AND c.id > :after
  AND (:department::text IS NULL OR c.data->>'department' = :department)
  AND (:medium::text IS NULL OR c.data->>'medium' = :medium)
ORDER BY c.id
LIMIT :limit + 1
