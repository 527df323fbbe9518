-- depends: 0130.terms
-- Use of several groups at once, for pages that show all buildings or departments: one pass over the totals for all of them.
-- What is expected of a meter (elapsed time) and what was counted stand below each other and are summed, not joined: joins of
-- rows that the planner can't count become loops in loops. docs/decisions/speed-of-dashboards.md

-- By day, month or year of local dates [since, until), all groups of one zone. One row a group and period that has begun
-- before `now`; quantity null where nothing is known. unmeasured and gross: sums of absolute quantities, not measured at the period's
-- level and all. coverage: mean over the meters of covered/elapsed time, weighted by rated power. incomplete: meters not covered
-- throughout.
CREATE FUNCTION energy.uses_by_days(kind text, ids text[], of_medium text, of_what text, zone text, since date, until date, by text,
                                    now timestamptz)
    RETURNS TABLE (of_id text, period date, quantity bigint, unmeasured bigint, gross bigint, coverage float8, incomplete int)
    LANGUAGE sql STABLE AS $$
    WITH formula AS MATERIALIZED (  -- n: the meter of the group; first, past: the local days that the stretch holds
        SELECT array_position(ids, f.of_id) AS "of", dense_rank() OVER (ORDER BY f.of_id, f.meter)::int AS n, f.meter, f.series, f.place,
               f.sign, f.weight, f.seated, f."left",
               greatest(uses_by_days.since, ((f.since - interval '1 microsecond') AT TIME ZONE zone)::date + 1) AS first,
               least(uses_by_days.until, ((f.until - interval '1 microsecond') AT TIME ZONE zone)::date + 1) AS past
        FROM energy.formulas(uses_by_days.kind, ids, of_medium, of_what) f
    ), expected AS MATERIALIZED (  -- a register that counts against is missed only while its meter was there
        SELECT "of", n, first, past, positive, negative, seated, "left",
               coalesce(CASE uses_by_days.kind
                   WHEN 'meter' THEN (SELECT max(p.rated) FROM registry.placed p WHERE p.device = meter
                                      AND p.valid_from < uses_by_days.until::timestamp AT TIME ZONE zone AND p.valid_to > uses_by_days.since::timestamp AT TIME ZONE zone)
                   ELSE (SELECT max(p.rated) FROM registry.placed p WHERE p.point = meter
                         AND p.valid_from < uses_by_days.until::timestamp AT TIME ZONE zone AND p.valid_to > uses_by_days.since::timestamp AT TIME ZONE zone)
               END, 0) AS rated
        FROM (SELECT DISTINCT "of", n, meter, first, past, bool_or(sign > 0) OVER w AS positive, bool_or(sign < 0) OVER w AS negative,
                     min(seated) FILTER (WHERE sign < 0) OVER w AS seated, max("left") FILTER (WHERE sign < 0) OVER w AS "left"
              FROM formula WINDOW w AS (PARTITION BY n)) e
    ), elapsed AS MATERIALIZED (
        SELECT s.first, s.past, date_trunc(by, g.day)::date AS period, min(a.start) AS start, max(a.stop) AS stop,
               sum((extract(epoch FROM least(a.stop, now) - a.start) * 1e6)::bigint)::bigint AS elapsed
        FROM (SELECT DISTINCT first, past FROM expected) s,
        LATERAL generate_series(s.first::timestamp, s.past::timestamp - interval '1 day', '1 day') AS g(day),
        LATERAL (SELECT g.day AT TIME ZONE zone AS start, (g.day + interval '1 day') AT TIME ZONE zone AS stop) a
        WHERE a.start < now GROUP BY 1, 2, 3
    ), part AS (
        SELECT e."of", e.n, s.period, e.rated, e.positive, e.negative, e.seated, e."left", s.start, s.stop, s.elapsed,
               NULL::bigint AS quantity, NULL::bigint AS gross, NULL::bigint AS unmeasured, NULL::bigint AS plus, NULL::bigint AS minus
        FROM expected e JOIN elapsed s USING (first, past)
        UNION ALL
        SELECT f."of", f.n, CASE by WHEN 'day' THEN d.day ELSE date_trunc(by, d.day::timestamp)::date END,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.quantity * f.weight, abs(d.quantity),
               abs(CASE by WHEN 'day' THEN d.unmeasured_day WHEN 'month' THEN d.unmeasured_month ELSE d.unmeasured_year END),
               CASE WHEN f.sign > 0 THEN d.covered END, CASE WHEN f.sign < 0 THEN d.covered END
        FROM formula f JOIN energy.day d ON d.series = f.series AND d.place = f.place
            AND d.day >= f.first AND d.day < f.past AND d.day >= uses_by_days.since AND d.day < uses_by_days.until
    ), meter AS (
        SELECT "of", n, period, max(rated) AS rated, sum(elapsed) AS elapsed, sum(quantity) AS quantity, sum(gross) AS gross,
               sum(unmeasured) AS unmeasured, bool_or(positive) AS positive,
               bool_or(negative) AND max(seated) < max(stop) AND max("left") > min(start) AS negative,
               coalesce(sum(plus), 0) AS plus, coalesce(sum(minus), 0) AS minus
        FROM part GROUP BY 1, 2, 3
    ), known AS (
        SELECT *, coalesce(positive OR negative, false) AS expected,
               least(CASE WHEN positive THEN plus END, CASE WHEN negative THEN minus END) AS covered
        FROM meter
    )
    SELECT ids["of"], period, sum(quantity)::bigint, sum(unmeasured)::bigint, sum(gross)::bigint,
           least(coalesce(sum(rated * covered) FILTER (WHERE expected) / nullif(sum(rated * elapsed) FILTER (WHERE expected), 0), 0), 1)::float8,
           (count(*) FILTER (WHERE expected AND covered < elapsed))::int
    FROM known GROUP BY "of", period HAVING bool_or(expected) ORDER BY "of", period
$$;

-- By quarter hours that begin in [since, until), estimated and substituted: microseconds so covered, of all
-- meters; the rest as above.
CREATE FUNCTION energy.uses_by_quarters(kind text, ids text[], of_medium text, of_what text, since timestamptz, until timestamptz,
                                        now timestamptz)
    RETURNS TABLE (of_id text, start timestamptz, quantity bigint, unmeasured bigint, gross bigint, estimated bigint, substituted bigint,
                   coverage float8, incomplete int)
    LANGUAGE sql STABLE AS $$
    WITH formula AS MATERIALIZED (
        SELECT array_position(ids, f.of_id) AS "of", dense_rank() OVER (ORDER BY f.of_id, f.meter)::int AS n, f.meter, f.series, f.place,
               f.sign, f.weight, f.seated, f."left", greatest(uses_by_quarters.since, f.since) AS first,
               least(uses_by_quarters.until, f.until) AS past
        FROM energy.formulas(uses_by_quarters.kind, ids, of_medium, of_what) f
    ), expected AS MATERIALIZED (
        SELECT "of", n, first, past, positive, negative, seated, "left",
               coalesce(CASE uses_by_quarters.kind
                   WHEN 'meter' THEN (SELECT max(p.rated) FROM registry.placed p WHERE p.device = meter
                                      AND p.valid_from < uses_by_quarters.until AND p.valid_to > uses_by_quarters.since)
                   ELSE (SELECT max(p.rated) FROM registry.placed p WHERE p.point = meter
                         AND p.valid_from < uses_by_quarters.until AND p.valid_to > uses_by_quarters.since)
               END, 0) AS rated
        FROM (SELECT DISTINCT "of", n, meter, first, past, bool_or(sign > 0) OVER w AS positive, bool_or(sign < 0) OVER w AS negative,
                     min(seated) FILTER (WHERE sign < 0) OVER w AS seated, max("left") FILTER (WHERE sign < 0) OVER w AS "left"
              FROM formula WINDOW w AS (PARTITION BY n)) e
    ), part AS (
        SELECT e."of", e.n, g.start, e.rated, e.positive,
               e.negative AND e.seated < g.start + interval '15 min' AND e."left" > g.start AS negative,
               NULL::bigint AS quantity, NULL::bigint AS gross, NULL::int AS estimated, NULL::int AS substituted, NULL::bigint AS unmeasured,
               NULL::int AS plus, NULL::int AS minus
        FROM expected e, LATERAL generate_series(
            to_timestamp(ceil(extract(epoch FROM e.first) / 900) * 900), least(e.past, now) - interval '1 microsecond', interval '15 min') AS g(start)
        UNION ALL
        SELECT f."of", f.n, q.start, NULL, NULL, NULL, q.quantity * f.weight, abs(q.quantity), q.estimated, q.substituted,
               CASE WHEN q.estimated > 0 OR q.substituted > 0 THEN abs(q.quantity) END,
               CASE WHEN f.sign > 0 THEN q.covered END, CASE WHEN f.sign < 0 THEN q.covered END
        FROM formula f JOIN energy.quarter q ON q.series = f.series AND q.place = f.place
            AND q.start >= f.first AND q.start < f.past AND q.start >= uses_by_quarters.since AND q.start < uses_by_quarters.until
    ), meter AS (
        SELECT "of", n, start, max(rated) AS rated, sum(quantity) AS quantity, sum(gross) AS gross, sum(estimated) AS estimated,
               sum(substituted) AS substituted, sum(unmeasured) AS unmeasured, bool_or(positive) AS positive, bool_or(negative) AS negative,
               coalesce(sum(plus), 0) AS plus, coalesce(sum(minus), 0) AS minus
        FROM part GROUP BY 1, 2, 3
    ), known AS (
        SELECT *, coalesce(positive OR negative, false) AS expected,
               least(CASE WHEN positive THEN plus END, CASE WHEN negative THEN minus END) AS covered
        FROM meter
    ), grouped AS (
        SELECT "of", start, sum(quantity) AS quantity, sum(unmeasured) AS unmeasured, sum(gross) AS gross, sum(estimated) AS estimated,
               sum(substituted) AS substituted, sum(rated * covered) FILTER (WHERE expected) AS covered,
               sum(rated) FILTER (WHERE expected) AS rated, min(covered) FILTER (WHERE expected) AS least, array_agg(covered) FILTER (WHERE expected) AS each
        FROM known GROUP BY 1, 2 HAVING bool_or(expected)
    )
    SELECT ids["of"], start, quantity::bigint, coalesce(unmeasured, 0)::bigint, gross::bigint, estimated::bigint, substituted::bigint,
           least(coalesce(covered / nullif(rated * e.elapsed, 0), 0), 1)::float8,
           CASE WHEN "least" >= e.elapsed THEN 0 ELSE (SELECT count(*) FROM unnest("each") c WHERE c < e.elapsed)::int END
    FROM grouped, LATERAL (SELECT (extract(epoch FROM least(start + interval '15 min', now) - start) * 1e6)::bigint AS elapsed) e
    ORDER BY "of", start
$$;

-- As energy.use, for several groups of a kind.
CREATE FUNCTION energy.uses(kind text, ids text[], since timestamptz, until timestamptz, by text, of_medium text DEFAULT 'electricity',
                            of_what text DEFAULT NULL, now timestamptz DEFAULT now())
    RETURNS TABLE (of_id text, start timestamptz, "end" timestamptz, quantity bigint, quality text, coverage float8, estimated_share float8,
                   incomplete_meters int, stale boolean)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    zone text;
    members text[];
    changed jsonb;                   -- of_id -> since when it is being derived again
    first date;
    past date;
    length interval := CASE by WHEN 'quarter' THEN '15 min' ELSE '1 ' || by END;
BEGIN
    IF EXISTS (SELECT FROM registry.stale r WHERE r.domain = 'energy') THEN
        changed := (SELECT jsonb_object_agg(c.of_id, c.since) FROM (
            SELECT f.of_id, min(r.since) AS since FROM energy.formulas(kind, ids, of_medium, of_what) f JOIN energy.series s ON s.id = f.series
            JOIN registry.stale r ON r.device = s.subject AND r.domain = 'energy' GROUP BY 1) c);
    END IF;
    IF by = 'quarter' THEN
        RETURN QUERY SELECT u.of_id, u.start, u.start + interval '15 min', u.quantity,
            CASE WHEN u.quantity IS NULL THEN NULL WHEN u.substituted > 0 THEN 'substituted' WHEN u.estimated > 0 THEN 'estimated'
                 ELSE 'measured' END,
            u.coverage, u.unmeasured::float8 / nullif(u.gross, 0), u.incomplete,
            coalesce((changed->>u.of_id)::timestamptz < u.start + interval '15 min', false)
        FROM energy.uses_by_quarters(kind, ids, of_medium, of_what, since, until, now) u;
        RETURN;
    END IF;
    FOR zone, members IN SELECT energy.zone(m.site), array_agg(m.id) FROM (
        SELECT i.id, coalesce((SELECT data->>'site' FROM registry.current c WHERE c.id = i.id
                               AND c.kind = CASE uses.kind WHEN 'meter' THEN 'device' ELSE uses.kind END
                               ORDER BY valid_from DESC LIMIT 1), i.id) AS site
        FROM unnest(ids) AS i(id)) m GROUP BY m.site
    LOOP
        first := ((since - interval '1 microsecond') AT TIME ZONE zone)::date + 1;
        past := ((until - interval '1 microsecond') AT TIME ZONE zone)::date + 1;
        first := date_trunc(by, (first - 1)::timestamp + length)::date;
        past := date_trunc(by, (past - 1)::timestamp + length)::date;
        RETURN QUERY SELECT u.of_id, u.period::timestamp AT TIME ZONE zone, (u.period + length) AT TIME ZONE zone, u.quantity,
            CASE WHEN u.quantity IS NULL THEN NULL WHEN u.unmeasured > 0 THEN 'estimated' ELSE 'measured' END,
            u.coverage, u.unmeasured::float8 / nullif(u.gross, 0), u.incomplete,
            coalesce((changed->>u.of_id)::timestamptz < (u.period + length) AT TIME ZONE zone, false)
        FROM energy.uses_by_days(kind, members, of_medium, of_what, zone, first, past, by, now) u;
    END LOOP;
END $$;
CREATE OR REPLACE FUNCTION energy.use(kind text, of_id text, since timestamptz, until timestamptz, by text, of_medium text DEFAULT 'electricity',
                                      of_what text DEFAULT NULL, now timestamptz DEFAULT now())
    RETURNS TABLE (start timestamptz, "end" timestamptz, quantity bigint, quality text, coverage float8, estimated_share float8,
                   incomplete_meters int, stale boolean)
    LANGUAGE sql STABLE AS $$
    SELECT start, "end", quantity, quality, coverage, estimated_share, incomplete_meters, stale
    FROM energy.uses("use".kind, ARRAY["use".of_id], "use".since, "use".until, by, of_medium, of_what, now)
$$;
DROP FUNCTION energy.rated(text, text, timestamptz, timestamptz), energy.use_by_days(text, text, text, text, date, date, text, timestamptz),
    energy.use_by_quarters(text, text, text, text, timestamptz, timestamptz, timestamptz);
