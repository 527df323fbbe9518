-- The registry: dated items as events, and what their changes make stale.
CREATE SCHEMA registry;

CREATE TABLE registry.item (
    kind text NOT NULL,
    id text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL DEFAULT 'infinity',
    recorded timestamptz NOT NULL,
    superseded timestamptz NOT NULL DEFAULT 'infinity',
    "offset" bigint NOT NULL,
    data jsonb,                      -- null: removed
    PRIMARY KEY (kind, id, valid_from, "offset", valid_to, recorded)
);
CREATE INDEX item_current ON registry.item (kind, id, valid_from) WHERE superseded = 'infinity';

CREATE TABLE registry.position (
    topic text, generation int, partition int, next_offset bigint NOT NULL, PRIMARY KEY (topic, generation, partition)
);

-- Grows with every projected change: a cached registry is good while it stands still.
CREATE TABLE registry.version (one boolean PRIMARY KEY DEFAULT true CHECK (one), version bigint NOT NULL);
INSERT INTO registry.version VALUES (true, 0);

-- Stretches of a device's timeline to derive again: one row for each domain that may care.
CREATE TABLE registry.stale (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,              -- the device's kind = its topic
    device text NOT NULL,
    since timestamptz NOT NULL,
    domain text NOT NULL
);
CREATE INDEX stale_domain ON registry.stale (domain, kind);

-- What holds now by the registry's newest knowledge, dated.
CREATE VIEW registry.current AS
    SELECT kind, id, valid_from, valid_to, data FROM registry.item WHERE superseded = 'infinity' AND data IS NOT NULL;
CREATE VIEW registry.device AS
    SELECT id, valid_from, valid_to, data->>'kind' AS kind, data->>'site' AS site, data->>'point' AS point,
           (data->>'rated_w')::bigint AS rated_w, (data->>'rated_l_h')::bigint AS rated_l_h,
           data->'name' AS name, data
    FROM registry.current WHERE kind = 'device';
CREATE VIEW registry.point AS
    SELECT id, valid_from, valid_to, data->>'type' AS type, data->>'site' AS site, data->>'building' AS building,
           data->>'department' AS department, data->>'medium' AS medium, coalesce(data->>'role', 'sub') AS role,
           data->>'parent' AS parent, data->>'plant' AS plant, data->>'carpark' AS carpark,
           data->>'spot_class' AS spot_class, data->>'from_zone' AS from_zone, data->>'to_zone' AS to_zone,
           (data->>'p0_w')::bigint AS p0_w, data->'name' AS name, data
    FROM registry.current WHERE kind = 'point';
CREATE VIEW registry.site AS
    SELECT id, valid_from, valid_to, coalesce(data->>'timezone', 'Asia/Shanghai') AS timezone,
           (data->>'latitude')::float8 AS latitude, (data->>'longitude')::float8 AS longitude, data->'name' AS name, data
    FROM registry.current WHERE kind = 'site';
-- A device at a point, for the time both hold.
CREATE VIEW registry.placement AS
    SELECT d.id AS device, d.kind, p.id AS point, p.site, p.building, p.department, p.medium, p.role, p.parent, p.plant,
           p.carpark, p.spot_class, p.p0_w, d.rated_w, d.rated_l_h,
           greatest(d.valid_from, p.valid_from) AS valid_from, least(d.valid_to, p.valid_to) AS valid_to
    FROM registry.device d JOIN registry.point p ON p.id = d.point AND p.valid_from < d.valid_to AND d.valid_from < p.valid_to;
