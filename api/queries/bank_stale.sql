-- Whether a controller that ever sat at the bank is being derived again.
SELECT EXISTS (SELECT FROM registry.stale x JOIN registry.placement p ON p.device = x.device
               WHERE x.domain = 'parcels' AND p.point = :bank)
