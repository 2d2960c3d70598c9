"""The calls that change something: a module per family of verbs."""
