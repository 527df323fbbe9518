-- Whether a spot of the car park is being derived again.
SELECT EXISTS (SELECT FROM registry.stale x JOIN parking.service v ON v.device = x.device
               WHERE x.domain = 'parking' AND v.carpark = :carpark)
