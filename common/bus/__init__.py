"""Sockets: who is where, who may speak, how a message goes out and comes in. Knows no trading."""
