-- The ratios of a plant over each of many stretches of time.
SELECT b.start, r.*, r.yield_wh AS wh, r.yield_coverage AS coverage
FROM unnest(:starts::timestamptz[], :ends::timestamptz[]) AS b(start, "end"), solar.ratios(:plant, b.start, b."end") r
ORDER BY b.start
