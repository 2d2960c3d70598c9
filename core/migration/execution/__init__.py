"""Migrations carried out and followed: the only part that touches hosts and clocks."""
