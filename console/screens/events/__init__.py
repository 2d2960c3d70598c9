"""The events of all hosts."""
