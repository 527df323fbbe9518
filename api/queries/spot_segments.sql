-- Segments in [since, until) of the sensors that sat at a spot: the history belongs to the spot.
SELECT s.subject, s.kind, s.start, s."end", s.key, s.data
FROM parking.segment s
WHERE s.subject IN (SELECT device FROM registry.placement WHERE point = :spot) AND s.what = 'spot'
  AND s.data->>'spot' = :spot AND s.start < :until AND (s."end" > :since OR s."end" IS NULL)
  AND (s.start, s.kind, s.subject, s.key) > (:after_start, :after_kind, :after_subject, :after_key)
ORDER BY s.start, s.kind, s.subject, s.key
LIMIT :limit + 1
