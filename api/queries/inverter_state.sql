-- What an inverter was in at a moment; a state that goes on is known up to its last reading and a little more.
SELECT CASE WHEN known_until <= :at THEN 'unknown' ELSE state END AS state,
       CASE WHEN known_until <= :at THEN '[]' ELSE faults END AS faults, CASE WHEN known_until <= :at THEN known_until ELSE start END AS since
FROM solar.state WHERE device = :device AND start <= :at AND ("end" > :at OR "end" IS NULL)
ORDER BY start DESC LIMIT 1
