"""Measurements, each beside its baseline in the same run: nox -s bench -- NAME."""
