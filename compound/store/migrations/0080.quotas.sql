-- Quotas: figures and levels (facts: functions of the energy's totals and the registry) of every quota's months and year,
-- and the conditions that were told of them (history's side: they depend on what was told before).
DO $$ BEGIN
    PERFORM runtime.make_domain('quotas');
END $$;

-- Figures at `until`, the end of the last quarter hour known. Quantities in Wh or litres; plan, pace and rest are of the
-- covered time; used, pace and coverage are shares (1 = 100 %). marked: coverage below 95 %, the forecast raises no level.
-- edit: number of the budget's edits since it was first set.
CREATE TABLE quotas.figure (
    quota text NOT NULL,
    period text NOT NULL CHECK (period IN ('month', 'year')),
    start timestamptz NOT NULL,
    "end" timestamptz NOT NULL,
    department text NOT NULL,
    medium text NOT NULL,
    counts text NOT NULL,
    year int NOT NULL,
    until timestamptz NOT NULL,
    budget bigint NOT NULL,
    actual bigint NOT NULL,
    used float8,
    plan float8 NOT NULL,
    pace float8,
    rest float8 NOT NULL,
    forecast float8,
    coverage float8,
    marked boolean NOT NULL,
    edit int NOT NULL,
    PRIMARY KEY (quota, period, start)
);
CREATE INDEX figure_department ON quotas.figure (department, medium, year);

-- The levels reached: `at` is the end of the first quarter hour at whose end it holds, by all that is now known.
CREATE TABLE quotas.level (
    quota text NOT NULL,
    period text NOT NULL,
    start timestamptz NOT NULL,
    level text NOT NULL CHECK (level IN ('notice', 'warning', 'alarm')),
    department text NOT NULL,
    medium text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (quota, period, start, level)
);

-- What is told of levels, in the form of every domain's conditions: subject = department, what = 'quota period',
-- kind = quota-LEVEL, start = the period's start, key = number of the budget's edit, end = where it cleared or the period ends.
CREATE TABLE quotas.condition (
    subject text, what text, kind text, start timestamptz, key text, "end" timestamptz, data jsonb NOT NULL,
    tell_at timestamptz, PRIMARY KEY (subject, what, kind, start, key)
);
