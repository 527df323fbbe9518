-- Headcount of all zones at a moment, with their names.
SELECT p.zone AS id, p.site, p.inside, p.uncertain, p.stale AS lapsed, p.unnamed_in, p.unnamed_out,
       (SELECT data->'name' FROM registry.current c WHERE c.kind = 'zone' AND c.id = p.zone
        ORDER BY valid_from DESC LIMIT 1) AS name
FROM access.presence(:at) p
