"""The editor of an instance's definition."""
