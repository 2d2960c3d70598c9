"""What is to be expected of a migration, from its samples. Pure."""
