"""What a migration took and why, for people. Pure."""
