"""The screen of the virtual networks."""
