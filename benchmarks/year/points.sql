-- The readings themselves, one at the end of each quarter hour: what the API lists of a meter.
ALTER TABLE energy.point DROP CONSTRAINT point_pkey;
INSERT INTO energy.point (series, serial, time, value, length, generation, partition, "offset", recorded)
SELECT series, 0, start + interval '15 min', 1000 + 500 * (extract(epoch FROM start)::bigint / 900 - 1700000), 0, 1, series % 4,
       extract(epoch FROM start)::bigint / 900, start + interval '15 min'
FROM energy.quarter;
ALTER TABLE energy.point ADD CONSTRAINT point_pkey PRIMARY KEY (series, time, value, length, serial);
