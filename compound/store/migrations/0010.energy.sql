-- Energy: points of registers, the segments between them, and their sums over quarter hours and local days.
-- Times of what happened are microseconds exact; quantities are integer Wh or litres.
DO $$ BEGIN
    PERFORM runtime.make_domain('energy');
END $$;
SET LOCAL search_path = energy, public;

-- What a meter says of one register. `zone`: the calendar its days are cut by, null before the first. `longest`: seconds of its
-- longest interval (interval data).
CREATE TABLE series (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL,
    what text NOT NULL,
    zone text,
    longest int NOT NULL DEFAULT 0,
    UNIQUE (subject, what)
);
-- Numbers for texts that stand in many rows.
CREATE TABLE place (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, point text NOT NULL UNIQUE);
CREATE TABLE serial (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial text NOT NULL UNIQUE);
CREATE TABLE sky (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, latitude float8 NOT NULL, longitude float8 NOT NULL,
    UNIQUE (latitude, longitude)
);
-- Where a series was ever in place.
CREATE TABLE seat (series int NOT NULL, place int NOT NULL, PRIMARY KEY (place, series));

-- When the last reading came in that was late by more than an hour.
CREATE TABLE burst (one boolean PRIMARY KEY CHECK (one), recorded timestamptz NOT NULL);

-- Never changed or deleted. `length`: seconds of interval data, which starts at `time`; 0 of a register.
CREATE TABLE point (
    series int NOT NULL,
    serial int NOT NULL,
    time timestamptz NOT NULL,
    value bigint NOT NULL,
    length int NOT NULL,
    generation smallint NOT NULL,
    partition smallint NOT NULL,
    "offset" bigint NOT NULL,
    recorded timestamptz NOT NULL,
    PRIMARY KEY (series, time, value, length, serial)
);
-- Points that don't count, and why: 1 suspect, 2 conflict, 3 pending, 4 waiting. A point without a mark is accepted.
CREATE TABLE mark (
    series int NOT NULL,
    length int NOT NULL,
    time timestamptz NOT NULL,
    value bigint NOT NULL,
    verdict smallint NOT NULL CHECK (verdict BETWEEN 1 AND 4),
    PRIMARY KEY (series, time, value, length)
);
-- Between neighbouring accepted points. mark: 0 measured, 1 estimated, 2 substituted, 3 break (no quantity).
-- `first` and `last` are the counter at its ends, Wh; `split`: an end is interpolated; `sky` > 0: spread by the clear sky.
CREATE TABLE segment (
    series int NOT NULL,
    sky int NOT NULL,
    start timestamptz NOT NULL,
    "end" timestamptz NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    mark smallint NOT NULL CHECK (mark BETWEEN 0 AND 3),
    split boolean NOT NULL,
    PRIMARY KEY (series, start)
);
CREATE INDEX segment_break ON segment (series, "end") WHERE mark = 3;
-- Microseconds covered, and of these by estimated and substituted segments.
CREATE TABLE quarter (
    series int NOT NULL,
    place int NOT NULL,
    start timestamptz NOT NULL,
    quantity bigint NOT NULL,
    covered int NOT NULL,
    estimated int NOT NULL,
    substituted int NOT NULL,
    PRIMARY KEY (series, start, place)
);
-- Quantity not measured at the level of the day, its month and its year.
CREATE TABLE day (
    series int NOT NULL,
    place int NOT NULL,
    day date NOT NULL,
    quantity bigint NOT NULL,
    covered bigint NOT NULL,
    unmeasured_day bigint NOT NULL,
    unmeasured_month bigint NOT NULL,
    unmeasured_year bigint NOT NULL,
    PRIMARY KEY (series, day, place)
);
