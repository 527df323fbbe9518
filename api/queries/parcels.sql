-- Parcels of a bank that lay there at any time in [since, until), by deposit.
SELECT device, bank, cell, size, start, "end", parcel, outcome, dwell_s, uncertain
FROM parcels.parcel
WHERE bank = :bank AND ("end" > :since OR "end" IS NULL) AND start < :until
  AND (start, device, cell) > (:after_start, :after_device, :after_cell)
ORDER BY start, device, cell
LIMIT :limit + 1
