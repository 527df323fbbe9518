-- Items of a kind that hold at a time, by id.
SELECT kind, id, valid_from AS since, nullif(valid_to, 'infinity') AS until, recorded, data
FROM registry.item
WHERE kind = :kind AND superseded = 'infinity' AND data IS NOT NULL
  AND valid_from <= :at AND valid_to > :at AND id > :after
ORDER BY id
LIMIT :limit + 1
