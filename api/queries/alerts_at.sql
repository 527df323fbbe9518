-- Alerts in some states at a moment, the newest first.
SELECT id, domain, rule, subject, what, site, point, category, priority, state, start, "end", raised, cleared, withdrawn,
       acknowledged, acknowledged_by, note, coalesce(notify, false) AS notify, under, times, detail
FROM alerts.at(:at)
WHERE state = ANY(:states::text[]) AND (:category::text IS NULL OR category = :category)
  AND (:subject::text IS NULL OR subject = :subject) AND (:rule::text IS NULL OR rule = :rule)
  AND (raised, id) < (:after_raised, :after_id)
ORDER BY raised DESC, id DESC
LIMIT :limit + 1
