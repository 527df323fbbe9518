"""The event log to tables: the runtime, and one package a domain."""
