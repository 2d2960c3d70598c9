"""The editor of a definition."""
