"""The running app: its bridge to the core, keys in order, tapes, what it leaves when it breaks."""
