-- depends: 0011.energy-views
-- What makes up the consumption of every group, kept instead of worked out at each question: a page of dashboards asks for it a
-- hundred times, and the whole meter tree was walked each time. A function of the registry alone (rows of points and sites),
-- made anew as a whole at the end of a transaction that changes these. docs/decisions/speed-of-dashboards.md
CREATE TABLE registry.term (
    kind text NOT NULL,              -- point, children, building, department or site
    of_id text NOT NULL,
    medium text NOT NULL,
    point text NOT NULL,
    part text NOT NULL,              -- own, generation or storage
    factor int NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX term_of ON registry.term (kind, of_id, medium);

-- Nothing counts twice: a place counts where its parent in the meter tree is not of the same group, and counts against where
-- only its parent is. A place without a building or department is of its parent's. A site is its mains at the roots of the
-- tree; where it has none, all roots. With what lies behind each place: consumption = import - export + generation +
-- storage discharge - charge.
CREATE FUNCTION registry.make_terms() RETURNS void LANGUAGE sql AS $$
    DELETE FROM registry.term;
    INSERT INTO registry.term
    WITH RECURSIVE point AS MATERIALIZED (SELECT * FROM energy.node
    ), node AS MATERIALIZED (SELECT * FROM point WHERE role IN ('main', 'sub')
    ), held AS (
        SELECT id, medium, range_agg(tstzrange(since, until)) AS times FROM node GROUP BY 1, 2
    ), root AS MATERIALIZED (
        SELECT n.id, n.medium, n.role, n.site, n.building, n.department, lower(r) AS since, upper(r) AS until
        FROM node n LEFT JOIN held p ON p.id = n.parent AND p.medium = n.medium,
        unnest(tstzmultirange(tstzrange(n.since, n.until)) - coalesce(p.times, '{}'::tstzmultirange)) AS r
    ), tree AS (
        SELECT id, medium, role, site, building, department, NULL::text AS parent, NULL::text AS above_building,
               NULL::text AS above_department, since, until
        FROM root
        UNION ALL
        SELECT n.id, n.medium, n.role, n.site, coalesce(n.building, t.building), coalesce(n.department, t.department), t.id,
               t.building, t.department, greatest(n.since, t.since), least(n.until, t.until)
        FROM tree t JOIN node n ON n.parent = t.id AND n.medium = t.medium AND n.since < t.until AND t.since < n.until
    ), base AS MATERIALIZED (
        SELECT g.kind, g.of_id, t.medium, t.id AS point, g.factor, t.since, t.until
        FROM tree t CROSS JOIN LATERAL (
            VALUES ('point', t.id, 1), ('children', t.parent, 1),
                   ('building', CASE WHEN t.building IS DISTINCT FROM t.above_building THEN t.building END, 1),
                   ('building', CASE WHEN t.building IS DISTINCT FROM t.above_building THEN t.above_building END, -1),
                   ('department', CASE WHEN t.department IS DISTINCT FROM t.above_department THEN t.department END, 1),
                   ('department', CASE WHEN t.department IS DISTINCT FROM t.above_department THEN t.above_department END, -1),
                   ('site', CASE WHEN t.parent IS NULL AND (t.role = 'main' OR NOT EXISTS (
                        SELECT FROM root m WHERE m.role = 'main' AND m.site = t.site AND m.medium = t.medium
                        AND m.since < t.until AND t.since < m.until)) THEN t.site END, 1)
        ) AS g(kind, of_id, factor) WHERE g.of_id IS NOT NULL
    )
    SELECT kind, of_id, medium, point, 'own', factor, since, until FROM base
    UNION ALL
    SELECT b.kind, b.of_id, b.medium, n.id, n.role, CASE n.role WHEN 'storage' THEN -b.factor ELSE b.factor END,
           greatest(n.since, b.since), least(n.until, b.until)
    FROM base b JOIN point n ON n.parent = b.point AND n.role IN ('generation', 'storage') AND n.medium = b.medium
        AND n.since < b.until AND b.since < n.until;
$$;

-- Which devices sat where, with their rated power (W) or flow (l/h): registry.placement, kept for the same reason.
CREATE TABLE registry.placed (
    device text NOT NULL,
    point text NOT NULL,
    rated bigint,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL
);
CREATE INDEX placed_device ON registry.placed (device);
CREATE INDEX placed_point ON registry.placed (point);
CREATE FUNCTION registry.make_placed() RETURNS void LANGUAGE sql AS $$
    DELETE FROM registry.placed;
    INSERT INTO registry.placed SELECT device, point, coalesce(rated_w, rated_l_h), valid_from, valid_to FROM registry.placement;
$$;

-- Once a transaction, however many rows it changed.
CREATE FUNCTION registry.item_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('registry.made', true), '') <> 'yes' THEN
        PERFORM registry.make_terms(), registry.make_placed(), set_config('registry.made', 'yes', true);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER item_changed AFTER INSERT OR UPDATE ON registry.item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (new.kind IN ('point', 'device', 'site')) EXECUTE FUNCTION registry.item_changed();
DO $$ BEGIN PERFORM registry.make_terms(), registry.make_placed(); END $$;

-- The series that make up the figures of several groups of a kind: see energy.formula.
CREATE FUNCTION energy.formulas(kind text, ids text[], of_medium text, of_what text)
    RETURNS TABLE (of_id text, meter text, part text, series int, place int, sign int, weight int, since timestamptz,
                   until timestamptz, seated timestamptz, "left" timestamptz)
    LANGUAGE sql STABLE AS $$
    WITH told AS MATERIALIZED (  -- what meters tell that ever sat at one of the places
        SELECT k.point, k.id AS place, s.id AS series, s.subject, s.what
        FROM energy.place k JOIN energy.seat x ON x.place = k.id JOIN energy.series s ON s.id = x.series
        WHERE k.point IN (SELECT t.point FROM registry.term t
                          WHERE t.kind = formulas.kind AND t.of_id = ANY(ids) AND t.medium = of_medium)
    ), source AS MATERIALIZED (  -- of what counts, the best (energy.flow)
        SELECT t.point, t.series, r.sign, min(p.valid_from) AS seated, max(p.valid_to) AS "left"
        FROM told t JOIN energy.register r ON r.medium = of_medium AND r.what = t.what
        LEFT JOIN registry.placed p ON p.device = t.subject AND p.point = t.point
        WHERE (of_what IS NULL OR t.what = of_what) AND NOT EXISTS (
            SELECT FROM energy.series o JOIN energy.register b USING (what)
            WHERE o.subject = t.subject AND b.medium = of_medium AND b.sign = r.sign AND b.rank < r.rank)
        GROUP BY 1, 2, 3
    )
    SELECT t.of_id, t.point, t.part, f.series, k.id, coalesce(f.sign, 1),
           t.factor * CASE WHEN of_what IS NULL THEN f.sign ELSE 1 END, t.since, t.until, f.seated, f."left"
    FROM registry.term t LEFT JOIN energy.place k ON k.point = t.point LEFT JOIN source f ON f.point = t.point
    WHERE t.kind = formulas.kind AND t.of_id = ANY(ids) AND t.medium = of_medium AND (of_what IS NULL OR t.part = 'own')
    UNION ALL
    SELECT m.id, m.id, 'own', s.series, s.place, 1, 1, timestamptz '-infinity', timestamptz 'infinity', NULL, NULL
    FROM unnest(ids) AS m(id)
    LEFT JOIN LATERAL (
        SELECT s.id AS series, x.place FROM energy.series s JOIN energy.seat x ON x.series = s.id
        WHERE s.subject = m.id AND CASE WHEN of_what IS NOT NULL THEN s.what = of_what
            ELSE s.id IN (SELECT f.series FROM energy.flow f WHERE f.medium = of_medium AND f.sign = 1) END
    ) s ON true
    WHERE formulas.kind = 'meter'
$$;
CREATE OR REPLACE FUNCTION energy.formula(kind text, of_id text, of_medium text, of_what text)
    RETURNS TABLE (meter text, part text, series int, place int, sign int, weight int, since timestamptz, until timestamptz,
                   seated timestamptz, "left" timestamptz)
    LANGUAGE sql STABLE AS $$
    SELECT meter, part, series, place, sign, weight, since, until, seated, "left"
    FROM energy.formulas(formula.kind, ARRAY[formula.of_id], of_medium, of_what)
$$;
DROP FUNCTION energy.terms(text, text, text), energy.base(text, text, text);
