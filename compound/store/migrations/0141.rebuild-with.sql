-- depends: 0093.rebuild
-- A rebuild with changes of the registry that nobody has published: which ones (a digest), so that none is taken for another.
ALTER TABLE runtime.rebuild ADD COLUMN assumed text;
