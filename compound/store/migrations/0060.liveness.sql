-- Liveness: what arrived of each device, by recordedtime, and which fell silent. Functions have string bodies.
DO $make$ BEGIN PERFORM runtime.make_domain('liveness'); END $make$;

-- Devices that were heard, registered or not. Times are recordedtimes but `newest`, the newest time of the device's own.
CREATE TABLE liveness.device (
    device text PRIMARY KEY,
    kind text NOT NULL,              -- = the topic
    site text NOT NULL,              -- as its MQTT topic says
    first_seen timestamptz NOT NULL,
    last_seen timestamptz,           -- null: only replays of retained messages and wills
    newest timestamptz,
    boot bigint NOT NULL,
    messages bigint NOT NULL,        -- records in the log, repeated ones too
    status text CHECK (status IN ('online', 'offline')),
    status_since timestamptz,
    alive_since timestamptz          -- came back from silence or offline
);

CREATE TABLE liveness.channel (
    device text,
    channel text CHECK (channel IN ('reading', 'event', 'status')),
    last_seen timestamptz NOT NULL,
    PRIMARY KEY (device, channel)
);

-- Numbers received of each start of a device; what is missing between them was lost.
CREATE TABLE liveness.seq (device text, boot bigint, seqs int8multirange NOT NULL, PRIMARY KEY (device, boot));

-- What the registry wants watched now: registered, sitting at a point, not in maintenance.
CREATE TABLE liveness.watch (
    device text PRIMARY KEY,
    kind text NOT NULL,
    partition int NOT NULL,
    site text NOT NULL,
    since timestamptz NOT NULL,
    silence_s int NOT NULL,
    channels jsonb NOT NULL          -- channel -> limit in seconds
);

-- While ingest was receiving, by the recordedtimes of its heartbeats. The newest row is the current stretch.
CREATE TABLE liveness.receiving (start timestamptz PRIMARY KEY, "end" timestamptz NOT NULL);

-- Devices and channels that were lost, from their last sign of life to the next one (null: still lost). Told, no fact.
CREATE TABLE liveness.lost (
    device text,
    kind text CHECK (kind IN ('silent', 'offline', 'channel-silent')),
    channel text,                    -- '' but for channel-silent
    start timestamptz,
    "end" timestamptz,
    PRIMARY KEY (device, kind, channel, start)
);
CREATE INDEX lost_open ON liveness.lost (device) WHERE "end" IS NULL;

-- Messages of devices that were not registered at their time: they wait for it (DESIGN, The log and the book).
CREATE TABLE liveness.waiting (
    device text, kind text, time timestamptz, boot bigint, seq bigint, recorded timestamptz NOT NULL,
    PRIMARY KEY (device, kind, time, boot, seq)
);

-- Numbers lost: from first to last, both included.
CREATE VIEW liveness.gap AS
    SELECT device, boot, lower(r) AS first, upper(r) - 1 AS last
    FROM liveness.seq, unnest(int8multirange(range_merge(seqs)) - seqs) AS r;

CREATE VIEW liveness.unknown AS
    SELECT device, kind, count(*) AS count, min(recorded) AS since, max(recorded) AS last_seen,
           min(time) AS first_time, max(time) AS last_time
    FROM liveness.waiting GROUP BY device, kind;

-- Each device that is watched or was heard, with its state as of the newest judgement.
CREATE VIEW liveness.state AS
    SELECT b.device, b.kind, b.site, b.watched,
           CASE WHEN l.kind IS NOT NULL THEN l.kind WHEN b.status = 'offline' THEN 'offline'
                WHEN b.last_seen IS NULL THEN 'never' ELSE 'alive' END AS state,
           CASE WHEN l.kind IS NOT NULL THEN l.start WHEN b.status = 'offline' THEN b.status_since
                ELSE coalesce(b.alive_since, b.first_seen) END AS since,
           b.first_seen, b.last_seen, b.newest, b.boot, b.messages, b.status, b.status_since
    FROM (SELECT device, coalesce(w.kind, d.kind) AS kind, coalesce(w.site, d.site) AS site, w.since IS NOT NULL AS watched,
                 d.first_seen, d.last_seen, d.newest, d.boot, d.messages, d.status, d.status_since, d.alive_since
          FROM liveness.watch w FULL JOIN liveness.device d USING (device)) b
    LEFT JOIN liveness.lost l ON l.device = b.device AND l."end" IS NULL AND l.kind <> 'channel-silent';
