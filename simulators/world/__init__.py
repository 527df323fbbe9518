"""What really happens in the demo compound: weather, energy, people, cars and parcels, day by day and seeded.

A day is a pure function of (seed, date, the state the day before left), so any instant can be rebuilt.
"""
