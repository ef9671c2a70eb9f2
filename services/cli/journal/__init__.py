"""`audit journal`: what must hold of a gateway's journal, and the life of one order in it."""
