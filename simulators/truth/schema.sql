-- All times are microseconds UTC. Energies are Wh, volumes litres.
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
-- Runs of the simulators: live_from NULL until history is caught up; messages before `cursor` were acknowledged; live faults
-- follow faults_from, at which the platform had read all history.
CREATE TABLE IF NOT EXISTS session (number INTEGER PRIMARY KEY, started INTEGER NOT NULL, live_from INTEGER, cursor INTEGER NOT NULL, statuses INTEGER NOT NULL, faults_from INTEGER);
-- The simulation's state at the beginning of each day, from which any instant can be rebuilt (zlib, JSON).
CREATE TABLE IF NOT EXISTS day (day TEXT PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS device (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, wire TEXT NOT NULL);
-- Every message: shown is what the device's clock said; sent NULL: it was lost on its way.
CREATE TABLE IF NOT EXISTS message (
    device INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, channel TEXT NOT NULL,
    time INTEGER NOT NULL, shown INTEGER NOT NULL, sent INTEGER, copies INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (device, boot, seq)) WITHOUT ROWID;
-- Counters at quarter-hour ends: metered is what the registers allow to know (whole steps, never wraps), true is all that flowed.
CREATE TABLE IF NOT EXISTS count (
    device TEXT NOT NULL, register TEXT NOT NULL, time INTEGER NOT NULL, metered INTEGER NOT NULL, true INTEGER NOT NULL,
    PRIMARY KEY (device, register, time)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stay (spot TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER, plate TEXT, PRIMARY KEY (spot, start)) WITHOUT ROWID;
-- People through doors; card NULL: nobody knows who.
CREATE TABLE IF NOT EXISTS passage (
    door TEXT NOT NULL, time INTEGER NOT NULL, direction TEXT NOT NULL, card TEXT, from_zone TEXT NOT NULL, to_zone TEXT NOT NULL,
    PRIMARY KEY (door, time)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS opening (door TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, PRIMARY KEY (door, start)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parcel (
    bank TEXT NOT NULL, cell TEXT NOT NULL, deposited INTEGER NOT NULL, reserved INTEGER NOT NULL, "end" INTEGER, outcome TEXT,
    PRIMARY KEY (bank, cell, deposited)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS condition (
    rule TEXT NOT NULL, subject TEXT NOT NULL, what TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER,
    PRIMARY KEY (rule, subject, what, start)) WITHOUT ROWID;
-- What can't be known, and why (kinds: gap, break, uncovered, moved, unheard); the platform must say so from shown_from on.
CREATE TABLE IF NOT EXISTS span (
    domain TEXT NOT NULL, subject TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, why TEXT NOT NULL,
    kind TEXT NOT NULL, shown_from INTEGER NOT NULL,
    PRIMARY KEY (domain, subject, start, kind)) WITHOUT ROWID;
-- Faults that hold messages back (offline, shuffled), or that only later readings tell (spike, replacement): nothing since the start of
-- one that still goes on is settled.
CREATE TABLE IF NOT EXISTS unsettled (
    device TEXT NOT NULL, kind TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, PRIMARY KEY (device, kind, start)) WITHOUT ROWID;
-- Devices (channel '': the connection died) or one channel of them that could say nothing while live, under the rule that tells it.
CREATE TABLE IF NOT EXISTS silence (
    device TEXT NOT NULL, rule TEXT NOT NULL, channel TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER,
    PRIMARY KEY (device, rule, channel, start)) WITHOUT ROWID;
-- People in each zone from `time` on.
CREATE VIEW IF NOT EXISTS presence AS
    WITH moved AS (
        SELECT to_zone AS zone, time, 1 AS change FROM passage UNION ALL SELECT from_zone, time, -1 FROM passage)
    SELECT zone, time, SUM(SUM(change)) OVER (PARTITION BY zone ORDER BY time) AS people FROM moved
    WHERE zone <> 'outside' GROUP BY zone, time;
