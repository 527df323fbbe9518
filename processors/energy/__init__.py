"""Energy: from register readings to what was used in every quarter hour and day (DOMAIN, Metering)."""
