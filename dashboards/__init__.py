"""What people look at: the web console and Grafana, both through the API and the tables only."""
