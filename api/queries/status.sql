-- Counts for the status, one row.
SELECT (SELECT version FROM registry.version) AS registry_version,
       (SELECT max("end") FROM liveness.receiving) AS receiving_until,
       (SELECT coalesce(jsonb_object_agg(state, n), '{}')
        FROM (SELECT state, count(*) AS n FROM liveness.state WHERE watched GROUP BY state) AS s) AS devices,
       (SELECT coalesce(jsonb_object_agg(domain, n), '{}')
        FROM (SELECT domain, count(DISTINCT device) AS n FROM registry.stale GROUP BY domain) AS s) AS stale,
       (SELECT count(*) FROM runtime.outbox) AS waiting_to_be_told,
       (SELECT coalesce(jsonb_object_agg(reason, n), '{}')
        FROM (SELECT reason, count(*) AS n FROM quarantine.entry WHERE state <> 'retried' GROUP BY reason) AS q) AS quarantine,
       (SELECT count(*) FROM liveness.unknown) AS unknown_devices,
       (SELECT coalesce(jsonb_object_agg(priority, n), '{}')
        FROM (SELECT priority, count(*) AS n FROM alerts.alert
              WHERE state IN ('raised', 'acknowledged', 'unacknowledged') GROUP BY priority) AS a) AS open_alerts
