"""What the command line reaches outside of our own system."""
