"""`compound verify`: what the platform shows, through its API, against the simulators' truth."""
