"""Secrets of a server: a folder with passwords, certificates and Mosquitto's password file, one file each."""
