"""`pankou doctor`: pure checks over facts, and the gathering of the facts."""
