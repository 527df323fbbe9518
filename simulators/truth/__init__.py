"""The truth: what really happened and what was sent, in a SQLite file that the platform never sees."""
