"""How verbs are carried out: accept, order, call, look, journal, take over. Knows none by name."""
