"""MQTT to the event log: bridge, decoders and quarantine."""
