-- The zone of a subject, and the medium of a meter or point: that of where it is.
SELECT energy.zone_of(:kind, :id) AS timezone,
       CASE :kind
           WHEN 'meter' THEN (SELECT coalesce(medium, 'electricity') FROM registry.placement
                              WHERE device = :id ORDER BY valid_from DESC LIMIT 1)
           WHEN 'point' THEN (SELECT coalesce(medium, 'electricity') FROM registry.point
                              WHERE id = :id ORDER BY valid_from DESC LIMIT 1)
       END AS medium
