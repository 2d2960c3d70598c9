"""Everything that speaks against a migration, judged from what was read. Pure."""
