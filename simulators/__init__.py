"""Device models, scenarios with faults, load, and the truth they keep.

Nothing of the platform is imported here: simulators meet it in MQTT only, and the truth is written without its code.
Times are integers, microseconds since the Unix epoch (UTC); energies are whole Wh, volumes whole litres.
"""
