"""The screen of an instance's snapshots."""
