-- Alerts: what history and commands say of each, and how it is delivered.
DO $make$ BEGIN PERFORM runtime.make_domain('alerts'); END $make$;

-- One row an alert, a fold over its events. Only its id stands where a command came before it was raised (state null).
CREATE TABLE alerts.alert (
    id text PRIMARY KEY,
    domain text,
    rule text,
    subject text,
    what text,
    site text,
    point text,
    category text,
    priority text,
    start timestamptz,               -- of the condition
    "end" timestamptz,
    raised timestamptz,              -- when it was told, newest time
    cleared timestamptz,
    withdrawn timestamptz,
    acknowledged timestamptz,        -- since it was raised
    acknowledged_by text,
    note text,
    notify boolean,                  -- false: over before it could be known, recorded only
    under text,                      -- the alert of the same cause that stands for this one
    times int NOT NULL DEFAULT 0,    -- how often it was raised
    phase text,                      -- what was told last: raised | cleared | withdrawn
    detail jsonb,
    state text GENERATED ALWAYS AS (CASE
        WHEN phase = 'raised' AND acknowledged IS NOT NULL THEN 'acknowledged'
        WHEN phase = 'cleared' AND category = 'security' AND notify AND acknowledged IS NULL THEN 'unacknowledged'
        ELSE phase END) STORED
);
CREATE INDEX alert_by_raised ON alerts.alert (raised, id);
CREATE INDEX alert_by_subject ON alerts.alert (subject, raised);
-- Those that wait under another.
CREATE INDEX alert_under ON alerts.alert (under) WHERE under IS NOT NULL AND phase = 'raised';
-- The desk's list.
CREATE INDEX alert_listed ON alerts.alert (category, raised) WHERE state IN ('raised', 'acknowledged', 'unacknowledged');

-- The history of each alert, commands and deliveries among it.
CREATE TABLE alerts.event (
    alert text,
    id text,
    type text NOT NULL,
    source text NOT NULL,
    time timestamptz NOT NULL,
    recorded timestamptz NOT NULL,
    "offset" bigint NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (alert, id)
);

CREATE TABLE alerts.delivery (
    event text,
    channel text CHECK (channel IN ('webhook', 'mqtt')),
    alert text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead', 'left')),  -- left: too old to be sent when it was read
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    error text,
    delivered timestamptz,
    PRIMARY KEY (event, channel)
);
CREATE INDEX delivery_waiting ON alerts.delivery (channel, alert, number) WHERE state = 'waiting';
CREATE INDEX delivery_by_alert ON alerts.delivery (alert);
