"""Titles that a spreadsheet would run are shown as text; all else stays as it is."""

import pytest

from moldiff.files.spreadsheet import inert, inert_row


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", " =1", "\t=1", "\tx", "\rx", "\n+1"])
def test_a_formula_gets_an_apostrophe(text: str):
    assert inert(text) == "'" + text


@pytest.mark.parametrize("value", ["CCO", "[NH4+]", "", "a=b", "2-butanol", "'quoted", -1.5, 3, None, True])
def test_other_values_stay(value: object):
    assert inert(value) is value
    assert inert_row({"a": value, "b": "=x"}) == {"a": value, "b": "'=x"}
