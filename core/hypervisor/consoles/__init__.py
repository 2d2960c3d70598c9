"""Consoles of instances: their streams, and the files that keep what a guest wrote."""
