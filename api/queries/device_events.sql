-- Events of one key in a stretch of a partition.
SELECT "offset", recorded, key, headers, value
FROM book.event
WHERE topic = :topic AND generation = :generation AND partition = :partition
  AND "offset" >= :low AND "offset" < :high AND key = :key
ORDER BY "offset"
LIMIT :limit + 1
