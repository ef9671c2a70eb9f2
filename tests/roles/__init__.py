"""Who may say what to whom: the table written by hand, and every cell of it tried on real sockets."""
