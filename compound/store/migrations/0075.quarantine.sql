-- depends: 0003.runtime
-- Quarantine: what ingest could not read, with its reason, and the wishes to have it judged again. Payloads stay sealed.
DO $make$ BEGIN PERFORM runtime.make_domain('quarantine'); END $make$;

-- One row a message: delivered again, it has the same id. `topic` only where it follows the contract.
CREATE TABLE quarantine.message (
    id text PRIMARY KEY,
    reason text NOT NULL,
    detail text,
    topic text,
    element int,                     -- place in the payload's array
    size int NOT NULL,               -- bytes
    cut boolean NOT NULL,            -- longer than is kept: can't be sent again
    month text NOT NULL,             -- of the key
    sealed text NOT NULL,            -- base64
    received timestamptz NOT NULL,   -- by ingest's clock, the first time
    first_recorded timestamptz NOT NULL,
    recorded timestamptz NOT NULL,   -- the newest copy
    copies bigint NOT NULL
);
CREATE INDEX message_recorded ON quarantine.message (recorded DESC, id DESC);
CREATE INDEX message_reason ON quarantine.message (reason, recorded DESC, id DESC);

-- Commands to send a message again. `sent` and `failed` are what the sender did, not facts.
CREATE TABLE quarantine.retry (
    id text NOT NULL,
    command text NOT NULL,
    who text NOT NULL,
    asked timestamptz NOT NULL,      -- recordedtime of the command
    sent timestamptz,
    failed text,
    PRIMARY KEY (id, command)
);
CREATE INDEX retry_open ON quarantine.retry (asked) WHERE sent IS NULL AND failed IS NULL;

-- What stands in quarantine: held (again, after a retry that did not help), retrying, retried, or why a retry failed.
CREATE VIEW quarantine.entry AS
    SELECT m.*, r.who AS retried_by, r.asked AS retry_asked, r.sent AS retry_sent, r.failed AS retry_failed,
           CASE WHEN r.command IS NULL OR r.failed IS NOT NULL OR m.recorded > r.sent THEN 'held'
                WHEN r.sent IS NULL THEN 'retrying' ELSE 'retried' END AS state
    FROM quarantine.message m
    LEFT JOIN LATERAL (SELECT * FROM quarantine.retry r WHERE r.id = m.id ORDER BY asked DESC LIMIT 1) r ON true;
