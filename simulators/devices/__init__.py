"""Devices: how what happens becomes what a meter, an inverter or a weather station reports."""
