-- depends: 0002.registry 0003.runtime
-- Domains whose projection is being built a second time, in the schema `<domain>_next`. What a change of the registry makes
-- stale is noted for that schema too (registry.stale.domain = '<domain>_next').
CREATE TABLE runtime.rebuild (domain text PRIMARY KEY, started timestamptz NOT NULL DEFAULT now());
