-- depends: 0130.platform 0132.dashboard-uses
-- What the platform's own alerts are judged by: how devices send, and how full the broker is.

-- Messages of now: they arrived soon after their own time. A flood is judged by these, so no backlog looks like one.
ALTER TABLE liveness.device ADD COLUMN fresh bigint NOT NULL DEFAULT 0;

-- What ingest's newest heartbeat says of the broker, where that tells.
CREATE TABLE liveness.broker (
    ingest text PRIMARY KEY,
    seen timestamptz NOT NULL,       -- recordedtime of the heartbeat
    waiting bigint NOT NULL,         -- messages that wait for a session
    most bigint NOT NULL             -- from so many on it drops some; 0: never
);
