"""Connections to a host: opened, kept, lost and opened again; a lane is a thread with one."""
