"""How long a test waits for what must come."""

PATIENCE = 10.0
"""A wait names the seconds a thing takes on an idle machine; after ten times that it has failed. A
busy machine is no fault, and a wait that ends well costs nothing more."""
