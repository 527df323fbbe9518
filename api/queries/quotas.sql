-- Quotas of a year (null: the one that it is now in the department's site) as they hold now, or held at a moment, by id.
SELECT * FROM (
    SELECT c.id AS quota, c.data->>'department' AS department, c.data->>'medium' AS medium, (c.data->>'year')::int AS year,
           coalesce(c.data->>'counts', 'consumption') AS counts,
           coalesce((SELECT s.timezone FROM registry.current d JOIN registry.site s ON s.id = d.data->>'site'
                     WHERE d.kind = 'department' AND d.id = c.data->>'department'
                     ORDER BY d.valid_from DESC, s.valid_from DESC LIMIT 1), 'UTC') AS timezone
    FROM registry.current c
    WHERE c.kind = 'quota' AND c.id > :after
      AND CASE WHEN :at::timestamptz IS NULL THEN c.valid_to = 'infinity' ELSE c.valid_from <= :at AND c.valid_to > :at END
      AND (:department::text IS NULL OR c.data->>'department' = :department)
      AND (:medium::text IS NULL OR c.data->>'medium' = :medium)) q
WHERE q.year = coalesce(:year::int, extract(year FROM :now::timestamptz AT TIME ZONE q.timezone)::int)
ORDER BY q.quota
LIMIT :limit + 1
