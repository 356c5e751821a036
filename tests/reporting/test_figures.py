import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from moldiff.reporting.charts import Line, Plot, histogram, line_chart, log_ticks, ticks
from moldiff.reporting.figures import number, plain, short
from moldiff.reporting.histograms import BINS, Histogram, join, of_integers, of_numbers, stated
from moldiff.reporting.rendering import render
from moldiff.scoring.records import DescriptorRecord, HistogramRecord


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "–"), (0, "0"), (float("nan"), "–"), (1234567, "1\u202f234\u202f567"), (0.12345, "0.123"), (-2.5, "−2.5"),
     (True, "yes"), (228.4, "228"), ("x", "x"), (np.int64(3), "3")],
)  # fmt: skip
def test_numbers_as_people_read_them(value: object, written: str) -> None:
    assert plain(value) == written


def test_what_is_no_number() -> None:
    assert [number(v) for v in ("x", None, True, math.inf, "1e3")] == [None, None, None, None, 1000.0]


def comparison_of(words: str) -> str:
    return render(
        "comparison.html", title=words, names=[words], warnings=[words], tables=[], samples=[], charts=[],
        legend=[(words, words)], style="", digest="",
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.text())
def test_text_never_becomes_markup(words: str) -> None:
    page, nothing = comparison_of(words), comparison_of("")
    assert page.count("<") == nothing.count("<")
    assert page.count('"') == nothing.count('"')
    page.encode("utf-8")


def test_every_value_of_a_template_is_escaped() -> None:
    page = comparison_of("""<b>"x" 'y' & \x00 \ud800""")
    assert page.count("&lt;b&gt;&#34;x&#34; &#39;y&#39; &amp; \ufffd \ufffd") == 6


def test_short_names() -> None:
    assert short("a\nb  c") == "a b c"
    assert len(short("x" * 10**6, 20)) == 20


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_inside_and_few(low: float, width: float) -> None:
    found = ticks(low, low + width)
    assert len(found) <= 11
    assert all(low - 1e-6 * (1 + abs(low) + width) <= value <= low + width * (1 + 1e-6) + 1e-6 for value in found)


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6))
def test_a_logarithmic_axis_has_numbers(low: float, ratio: float) -> None:
    found = log_ticks(low, low * ratio)
    assert 2 <= len(found) <= 14
    assert all(low * (1 - 1e-6) <= value <= low * ratio * (1 + 1e-6) for value in found)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 50), min_size=40, max_size=40).filter(any), min_size=1, max_size=3))
def test_common_bins_hold_everything(counts: list[list[int]]) -> None:
    binned = join([Histogram(-1.0, 0.5, np.array(row)) for row in counts])
    assert binned.shares.shape == (len(counts), len(binned.edges) - 1)
    assert len(binned.edges) - 1 <= BINS
    assert np.allclose(binned.shares.sum(axis=1), 1)
    assert np.allclose(np.diff(binned.edges), binned.edges[1] - binned.edges[0])


def test_histograms_of_other_bins_are_not_joined() -> None:
    with pytest.raises(ValueError, match="different bins"):
        join([Histogram(0, 1, np.array([1])), Histogram(0, 2, np.array([1]))])


@given(st.lists(st.integers(-50, 500), min_size=1, max_size=60))
def test_integers_get_a_bin_each(values: list[int]) -> None:
    found = of_integers(np.array(values, dtype=float))
    assert found is not None
    assert found.total == len(values)
    assert found.counts[values[0] - round(found.low + 0.5)] == values.count(values[0])
    assert of_integers(np.array([])) is None
    assert of_numbers(np.array([]), 0.1) is None


def test_what_is_no_histogram() -> None:
    assert stated(None) is None
    empty = HistogramRecord(low=0, width=1, counts=[0, 0])
    assert stated(DescriptorRecord(n=0, mean=None, std=None, p10=None, p50=None, p90=None, histogram=empty)) is None
    with pytest.raises(ValidationError, match="width"):
        HistogramRecord(low=0, width=0, counts=[1])


def test_charts_bear_what_is_missing() -> None:
    nothing = [float("nan")] * 3
    assert line_chart([Line("a", [1, 2, 3], nothing)], x_label="x", description="d") is None
    chart = line_chart([Line("a", [1, 2, 3], [1, nothing[0], -1])], x_label="x", description="d", log_y=True)
    assert "nan" not in repr(chart)
    single = of_numbers(np.array([2.0]), 0.1)
    assert single is not None
    assert "nan" not in repr(histogram(join([single]), ["generated"], label="x", description="d"))


def test_the_loss_axis_of_a_narrow_range_has_numbers() -> None:
    chart = line_chart([Line("a", [1, 2], [0.62, 0.81])], x_label="x", description="d", log_y=True)
    assert isinstance(chart, Plot)
    assert len({words for _, words in chart.y_ticks}) >= 3


def test_long_curves_are_thinned() -> None:
    chart = line_chart([Line("a", list(range(100_000)), [1.0] * 100_000)], x_label="x", description="d")
    assert chart is not None
    assert len(chart.marks[0].path) < 8_000
