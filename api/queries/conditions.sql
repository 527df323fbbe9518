-- Conditions that held at some time in [since, until) and have begun, by start.
SELECT domain, rule, subject, what, key, start, "end", data AS detail
FROM runtime.condition
WHERE start < least(:until::timestamptz, :now) AND ("end" > :since OR "end" IS NULL)
  AND (:domain::text IS NULL OR domain = :domain) AND (:rule::text IS NULL OR rule = :rule)
  AND (:subject::text IS NULL OR subject = :subject)
  AND (start, domain, rule, subject, what, key)
      > (:after_start, :after_domain, :after_rule, :after_subject, :after_what, :after_key)
ORDER BY start, domain, rule, subject, what, key
LIMIT :limit + 1
