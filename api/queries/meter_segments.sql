-- Segments of some series that touch [since, until), by start. Those of a series follow each other, so the first is the
-- last one that starts at or before `since`.
SELECT s.series, s.start, s."end", s.first, s.last, s.mark
FROM unnest(:series::int[]) AS n(series)
CROSS JOIN LATERAL (SELECT max(start) AS start FROM energy.segment WHERE series = n.series AND start <= :since) f
JOIN energy.segment s ON s.series = n.series AND s.start >= coalesce(f.start, '-infinity') AND s.start < :until
WHERE s."end" > :since AND (s.start, s.series) > (:after_start, :after_series)
ORDER BY s.start, s.series
LIMIT :limit + 1
