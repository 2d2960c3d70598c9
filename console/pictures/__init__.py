"""Pictures in a terminal, drawn by textual-image: which way this terminal can, and how large."""
