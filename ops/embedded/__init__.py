"""The services that `compound up` and the tests run themselves: PostgreSQL and an MQTT broker, from pip alone."""
