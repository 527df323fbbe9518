-- TimescaleDB: the book, partitioned by hand on plain PostgreSQL, as a hypertable on its offset. Every row stays as it is.
LOCK TABLE book.event IN ACCESS EXCLUSIVE MODE;
CREATE TABLE book.converted (LIKE book.event INCLUDING ALL);
SELECT create_hypertable('book.converted', by_range('offset', 1000000), create_default_indexes => false);
INSERT INTO book.converted SELECT * FROM book.event;
DROP TABLE book.event;
ALTER TABLE book.converted RENAME TO event;
ALTER INDEX book.converted_pkey RENAME TO event_pkey;

-- As on plain PostgreSQL: what offsets below `wanted` need is made ahead, so that nobody who writes waits for another's
-- commit. A chunk is made by a row that needs it; this one is gone before anybody sees it. Chunks have one size.
DELETE FROM book.range;
CREATE OR REPLACE FUNCTION book.reserve(wanted bigint, size bigint DEFAULT 1000000) RETURNS bigint LANGUAGE plpgsql AS $reserve$
DECLARE
    top bigint;
BEGIN
    SELECT coalesce(max(upper), 0) INTO top FROM book.range;
    IF top < wanted THEN
        PERFORM pg_advisory_xact_lock(71004, 1);
        SELECT coalesce(max(upper), 0) INTO top FROM book.range;
    END IF;
    WHILE top < wanted LOOP
        INSERT INTO book.event VALUES ('', 0, 0, top, 'epoch', '', '', '', '');
        DELETE FROM book.event WHERE topic = '' AND generation = 0 AND partition = 0 AND "offset" = top;
        INSERT INTO book.range VALUES (top, top + 1000000);
        top := top + 1000000;
    END LOOP;
    RETURN top;
END $reserve$;
DO $$ BEGIN PERFORM book.reserve(1); END $$;
