"""Device models, scenarios with faults, load, and the truth they keep."""
