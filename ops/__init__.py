"""How the platform is run: the command line, `up`, embedded services and doctor."""
