"""Vendors of history behind one interface (`source.py`); their words stop at the `*_parse.py` files."""
