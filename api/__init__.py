"""The HTTP API: queries, commands and live streams."""
