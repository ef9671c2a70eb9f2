"""`pankou accept live`: a first day with a real client, written down event by event and compared with what we believe."""
