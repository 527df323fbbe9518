-- What a group used by quarter hour, day or month; see energy.use.
SELECT start, quantity, quality, coverage, estimated_share, incomplete_meters, stale
FROM energy.use(:kind, :id, :since, :until, :by, :medium, :register, :now)
