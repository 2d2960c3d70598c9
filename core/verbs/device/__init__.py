"""Devices of an instance, attached and detached while it runs. `family.py` has the verbs."""
