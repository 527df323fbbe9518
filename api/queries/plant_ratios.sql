-- The ratios of a plant over a range (no start), and over stretches of time that follow each other.
SELECT b.start, r.*, r.yield_wh AS wh, r.yield_coverage AS coverage
FROM solar.ratios_of(:plant, :since, :until, :starts::timestamptz[], :ends::timestamptz[]) r
LEFT JOIN unnest(:starts::timestamptz[]) WITH ORDINALITY AS b(start, n) USING (n)
ORDER BY r.n
