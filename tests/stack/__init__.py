"""docker-compose.yml without Docker: every service's exact command, environment, files and user, natively in namespaces."""
