-- What all processors share: the outbox, and the tables that every state timeline has.
CREATE SCHEMA runtime;

CREATE TABLE runtime.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key bytea NOT NULL,
    headers bytea NOT NULL,
    value bytea NOT NULL
);

-- Positions, conditions to look at and what was told: every domain has these.
CREATE FUNCTION runtime.make_domain(domain text) RETURNS void LANGUAGE plpgsql AS $make$
BEGIN
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', domain);
    EXECUTE format('CREATE TABLE %I.position (topic text, generation int, partition int, next_offset bigint NOT NULL,
        PRIMARY KEY (topic, generation, partition))', domain);
    EXECUTE format('CREATE TABLE %I.subject (subject text PRIMARY KEY, topic text NOT NULL, partition int NOT NULL,
        newest timestamptz NOT NULL, recorded timestamptz NOT NULL, late_recorded timestamptz)', domain);
    EXECUTE format('CREATE TABLE %I.due (subject text, what text, kind text, start timestamptz, key text, at timestamptz NOT NULL,
        PRIMARY KEY (subject, what, kind, start, key))', domain);
    EXECUTE format('CREATE INDEX ON %I.due (at)', domain);
    EXECUTE format('CREATE TABLE %I.told (subject text, what text, kind text, start timestamptz, key text, state text NOT NULL, times int NOT NULL,
        notify boolean NOT NULL DEFAULT false,
        PRIMARY KEY (subject, what, kind, start, key))', domain);
END $make$;

-- Points, segments and checkpoints of a state timeline.
CREATE FUNCTION runtime.make_timeline(domain text, prefix text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $make$
BEGIN
    EXECUTE format('CREATE TABLE %I.%I (subject text, what text, time timestamptz, boot bigint, seq bigint, value text,
        recorded timestamptz NOT NULL, generation int NOT NULL, partition int NOT NULL, "offset" bigint NOT NULL,
        PRIMARY KEY (subject, what, time, boot, seq, value))', domain, prefix || 'point');
    EXECUTE format('CREATE TABLE %I.%I (subject text, what text, kind text, start timestamptz, key text, "end" timestamptz,
        data jsonb NOT NULL, at timestamptz NOT NULL, tell_at timestamptz,
        PRIMARY KEY (subject, what, kind, start, key))', domain, prefix || 'segment');
    EXECUTE format('CREATE INDEX ON %I.%I (kind, start)', domain, prefix || 'segment');
    EXECUTE format('CREATE INDEX ON %I.%I (kind, "end")', domain, prefix || 'segment');
    EXECUTE format('CREATE INDEX ON %I.%I (subject, what, at)', domain, prefix || 'segment');
    EXECUTE format('CREATE TABLE %I.%I (subject text, what text, time timestamptz, state bytea NOT NULL,
        PRIMARY KEY (subject, what, time))', domain, prefix || 'checkpoint');
    -- Rows to lock where several partitions write a subject.
    EXECUTE format('CREATE TABLE %I.%I (subject text PRIMARY KEY)', domain, prefix || 'lock');
END $make$;
