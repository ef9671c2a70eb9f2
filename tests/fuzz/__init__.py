"""Hostile bytes: into every decoder, and into every socket of a running system."""
