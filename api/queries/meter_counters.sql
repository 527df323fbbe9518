-- The counters of registers at a moment: at t in a segment W1 + floor((W2 - W1)(t - t1)/(t2 - t1)); null where nothing is known
-- of it, in a break, and within what is spread by the clear sky.
SELECT n.series, s.start, s."end", s.mark,
       CASE WHEN s.mark = 3 OR (s.sky > 0 AND s.start < :at) THEN NULL
            ELSE s.first + div((s.last - s.first) * trunc(extract(epoch FROM :at::timestamptz - s.start) * 1000000),
                               trunc(extract(epoch FROM s."end" - s.start) * 1000000))::bigint END AS counter
FROM unnest(:series::int[]) AS n(series)
LEFT JOIN LATERAL (SELECT * FROM energy.segment g WHERE g.series = n.series AND g.start <= :at ORDER BY g.start DESC LIMIT 1) s
    ON s."end" > :at
ORDER BY n.series
