"""The whole definition of an instance as text: read, compared, changed, written back. Pure."""
