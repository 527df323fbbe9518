"""The real services that the tests run against: PostgreSQL, TimescaleDB, two MQTT brokers, Apache Kafka.

Each pytest process (each worker, with pytest-xdist) starts its own, when a test first asks for one, and nothing
outlives it. Own services cost less than shared ones would: PostgreSQL is there in 1 s and Kafka in 3, a test has them
to itself without names to keep apart, and a worker that ends early takes nothing away from the other.
"""
