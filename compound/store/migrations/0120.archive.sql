-- depends: 0090.views
-- The archiver: what it saw of Kafka, one row a partition; where the book stands is in book.partition.
CREATE TABLE book.archive (
    topic text NOT NULL,
    generation int NOT NULL,
    partition int NOT NULL,
    log_start bigint NOT NULL,       -- the first offset that Kafka still holds
    log_end bigint NOT NULL,         -- the next one it will give
    oldest timestamptz,              -- when the first record that is not in the book was recorded; null: all are in it
    retention interval,              -- for how long Kafka keeps records; null: for ever
    seen timestamptz NOT NULL,       -- when all this was so, by the archiver's clock
    alarm text,                      -- why the archiver can't go on with this partition; null: it can
    PRIMARY KEY (topic, generation, partition),
    FOREIGN KEY (topic, generation, partition) REFERENCES book.partition
);

-- How far the book is behind Kafka, by partition of the topics that are in Kafka now. Without an archiver's row Kafka's side
-- is unknown (null). waiting_since: when the first record that is not in the book was recorded, at the latest; an archiver
-- that is gone has seen nothing after `seen`, so ask the age of that too.
CREATE VIEW runtime.archive AS
SELECT p.topic, p.generation, p.partition, a.log_start, a.log_end, p.next_offset AS archived,
       greatest(a.log_end - p.next_offset, 0) AS behind, p.next_offset - a.log_start AS margin,
       CASE WHEN a.log_end > p.next_offset THEN coalesce(a.oldest, a.seen) END AS waiting_since, a.retention, a.seen, a.alarm
FROM book.partition p JOIN book.generation g USING (topic, generation) LEFT JOIN book.archive a USING (topic, generation, partition)
WHERE g.log = 'kafka' AND NOT p.closed;
