"""What a migration has come to, from what is true on both hosts. Pure."""
