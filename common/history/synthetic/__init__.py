"""A seeded A-share market: daily history and three sessions of five-level snapshots, with no account and no network."""
