"""Measurements: `./dev bench [NAME] [--json]` prints tables; nothing here fails for being slow."""
