"""The reference page tells of every table, column and kind of fault."""

from common.history import reference, schema
from common.history.check import KINDS


def test_every_table_and_column_is_told_in_both_languages() -> None:
    page = reference.history_page()
    assert set(reference.TABLES) == set(schema.TABLES)
    columns = {column for table in schema.TABLES.values() for column in table}
    assert set(reference.COLUMNS) == columns
    for column in columns:
        assert f"| `{column}` |" in page
    for zh, en in reference.COLUMNS.values():
        assert zh
        assert en.isascii()


def test_every_kind_of_fault_is_told() -> None:
    assert set(reference.CHECKS) == set(KINDS)
