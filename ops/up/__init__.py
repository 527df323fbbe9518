"""`compound up`: everything on one machine, from pip alone."""
