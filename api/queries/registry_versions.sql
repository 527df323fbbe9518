-- All versions of one item as now known, by time, removals included.
SELECT kind, id, valid_from AS since, nullif(valid_to, 'infinity') AS until, recorded, data
FROM registry.item
WHERE kind = :kind AND id = :id AND superseded = 'infinity' AND valid_from > :after
ORDER BY valid_from
LIMIT :limit + 1
