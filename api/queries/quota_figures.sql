-- Figures of some quotas with the levels reached, by time.
SELECT f.*, coalesce((SELECT jsonb_agg(jsonb_build_object('level', l.level, 'at', l.at) ORDER BY l.at, l.level)
                      FROM quotas.level l WHERE (l.quota, l.period, l.start) = (f.quota, f.period, f.start)), '[]') AS levels
FROM quotas.figure f
WHERE f.quota = ANY(:quotas::text[])
ORDER BY f.start, f.period
