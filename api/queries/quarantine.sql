-- Quarantined messages and unregistered devices whose messages wait, the newest first.
WITH entry AS (
    SELECT id, 'message' AS kind, reason, detail, topic, NULL AS device, received, recorded, size, element, cut,
           copies AS count, state, retried_by, retry_asked, retry_sent, retry_failed
    FROM quarantine.entry
    WHERE (:id::text IS NULL OR id = :id) AND (:reason::text IS NULL OR reason = :reason)
    UNION ALL
    SELECT 'device.' || device, 'device', 'unknown device', NULL, NULL, device, since, last_seen, NULL, NULL, false,
           count, 'held', NULL, NULL, NULL, NULL
    FROM liveness.unknown
    WHERE (:id::text IS NULL OR 'device.' || device = :id) AND (:reason::text IS NULL OR :reason = 'unknown device')
)
SELECT * FROM entry
WHERE (recorded, id) < (:after_recorded, :after_id)
ORDER BY recorded DESC, id DESC
LIMIT :limit + 1
