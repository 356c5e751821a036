"""The page of `compare`: what stands on it."""

from moldiff.reporting.comparison import comparison_page


def summary(counts: list[int]) -> dict:
    return {"descriptors": {"qed": {"n": sum(counts), "histogram": {"low": 0, "width": 0.01, "counts": counts}}}}


def test_an_empty_table_is_left_out_and_names_are_escaped():
    tables = {"rates": [["valid", "%", "100", "90"]], "distances": []}
    page = comparison_page(["<a>", "b"], tables, [summary([1] * 100), summary([0] * 50 + [2] * 50)], [])
    assert "&lt;a&gt;" in page
    assert "<a>" not in page
    assert "<caption>distances" not in page
    assert page.count("<h3>QED</h3>") == 1
    assert "<script" not in page


def test_sets_without_molecules_have_no_curve():
    page = comparison_page(["a", "b"], {}, [summary([0] * 100), summary([0] * 100)], [])
    assert 'class="curve' not in page


def test_few_molecules_in_one_bin_are_drawn():
    page = comparison_page(["a", "b"], {}, [summary([0] * 99 + [1]), summary([0] * 99 + [3])], [])
    assert "dot set1" in page
