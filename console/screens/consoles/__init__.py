"""The consoles of guests."""
