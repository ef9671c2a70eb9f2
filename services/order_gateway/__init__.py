"""The order gateway: the journal of everything that happened to orders and money, and the only way to the broker."""
