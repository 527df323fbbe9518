-- The book: every event, one row an address, chained by hashes. In embedded mode it is the log itself.
CREATE SCHEMA book;

-- One row for each incarnation of a topic, wherever its log is. `topic_id` is Kafka's own id of the topic (a UUID).
CREATE TABLE book.generation (
    topic text NOT NULL,
    generation int NOT NULL CHECK (generation > 0),
    log text NOT NULL CHECK (log IN ('postgresql', 'kafka')),
    topic_id text UNIQUE CHECK ((topic_id IS NOT NULL) = (log = 'kafka')),
    partitions int NOT NULL CHECK (partitions > 0),
    made timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, generation)
);

-- What the book holds of each partition. Appending locks these rows in (topic, partition) order; they hand out the
-- offsets and keep the head of the hash chain. A closed one belongs to a generation that has a successor.
CREATE TABLE book.partition (
    topic text NOT NULL,
    generation int NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    head bytea NOT NULL CHECK (length(head) = 32),
    recorded timestamptz NOT NULL DEFAULT 'epoch',
    closed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (topic, generation, partition),
    FOREIGN KEY (topic, generation) REFERENCES book.generation
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE book.event (
    topic text NOT NULL,
    generation int NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    recorded timestamptz NOT NULL,
    key bytea NOT NULL,
    headers bytea NOT NULL,          -- MessagePack: [[name, bytes], …] in the order of the record
    value bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (topic, generation, partition, "offset")
) PARTITION BY RANGE ("offset");

-- Ranges of offsets that have a table. The same range serves all topics.
CREATE TABLE book.range (lower bigint PRIMARY KEY, upper bigint NOT NULL UNIQUE, CHECK (lower < upper));

-- Make ranges until offsets below `wanted` have a table; the bound reached. Attaching, not creating as a partition:
-- that way nobody who reads or writes waits.
CREATE FUNCTION book.reserve(wanted bigint, size bigint DEFAULT 1000000) RETURNS bigint LANGUAGE plpgsql AS $reserve$
DECLARE
    top bigint;
BEGIN
    SELECT coalesce(max(upper), 0) INTO top FROM book.range;
    IF top < wanted THEN
        PERFORM pg_advisory_xact_lock(71004, 1);
        SELECT coalesce(max(upper), 0) INTO top FROM book.range;
    END IF;
    WHILE top < wanted LOOP
        EXECUTE format('CREATE TABLE book.event_%s (LIKE book.event INCLUDING ALL)', top);
        EXECUTE format('ALTER TABLE book.event ATTACH PARTITION book.event_%1$s FOR VALUES FROM (%1$s) TO (%2$s)', top, top + size);
        INSERT INTO book.range VALUES (top, top + size);
        top := top + size;
    END LOOP;
    RETURN top;
END $reserve$;
DO $$ BEGIN PERFORM book.reserve(1); END $$;

-- The first offset recorded at or after `since` (next_offset when there is none): recordedtime grows with the offset.
CREATE FUNCTION book.offset_at(a_topic text, a_generation int, a_partition int, since timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $search$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
BEGIN
    SELECT next_offset INTO high FROM book.partition
        WHERE topic = a_topic AND generation = a_generation AND partition = a_partition;
    WHILE low < high LOOP
        middle := (low + high) / 2;
        IF (SELECT recorded < since FROM book.event WHERE topic = a_topic AND generation = a_generation
                AND partition = a_partition AND "offset" = middle) THEN
            low := middle + 1;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN high;
END $search$;

-- Members of groups that read the book, one row a connection. Unlogged: a crash ends the connections too.
CREATE UNLOGGED TABLE book.member (
    "group" text NOT NULL,
    pid int NOT NULL,
    started timestamptz NOT NULL,    -- of the server process: tells it from a later one with the same pid
    topics text[] NOT NULL,
    seen timestamptz NOT NULL,       -- by the database's clock
    PRIMARY KEY ("group", pid, started)
);
