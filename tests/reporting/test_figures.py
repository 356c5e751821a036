import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.reporting.charts import Line, bin_edges, histogram, line_chart, ticks
from moldiff.reporting.figures import number, plain, rate_of, wilson
from moldiff.reporting.markup import Markup, embedded_json, short, tag, text
from moldiff.reporting.reference import compare, distance, neighbours, take_reference


def test_wilson_agrees_with_the_published_formula() -> None:
    rate = wilson(8, 10)
    assert rate is not None
    assert (rate.low, rate.high) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert wilson(0, 0) is None


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_wilson_holds_its_share(denominator: int, share: float) -> None:
    rate = wilson(int(share * denominator), denominator)
    assert rate is not None
    assert 0 <= rate.low <= rate.value + 1e-12
    assert rate.value - 1e-12 <= rate.high <= 1


def test_a_rate_needs_both_counts() -> None:
    assert rate_of({"value": 0.5}) is None
    assert rate_of({"numerator": 3, "denominator": 0}) is None
    assert rate_of({"numerator": 5, "denominator": 3}) is None
    found = rate_of({"numerator": 1, "denominator": 2, "low": 0.1, "high": 0.9})
    assert found is not None
    assert (found.value, found.low, found.high) == (0.5, 0.1, 0.9)


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "–"), (0, "0"), (float("nan"), "–"), (1234567, "1\u202f234\u202f567"), (0.12345, "0.123"), (-2.5, "−2.5"),
     (True, "yes"), (228.4, "228"), ("x", "x"), (np.int64(3), "3")],
)  # fmt: skip
def test_numbers_as_people_read_them(value: object, written: str) -> None:
    assert plain(value) == written


def test_what_is_no_number() -> None:
    assert [number(v) for v in ("x", None, True, math.inf, "1e3")] == [None, None, None, None, 1000.0]


@settings(max_examples=40)
@given(st.text())
def test_text_never_becomes_markup(words: str) -> None:
    written = tag("p", words, title=words, data_x=words)
    inside = written.removeprefix('<p title="').removesuffix("</p>")
    assert "<" not in inside
    written.encode("utf-8")
    embedded = embedded_json([words])
    assert not set(embedded) & set("<>&")
    embedded.encode("ascii")


def test_markup_passes_unchanged_and_attributes_are_named_as_in_html() -> None:
    assert text(Markup("<b>")) == "<b>"
    written = tag("a", [tag("b", "x")], class_="c", aria_label="y", open=True, hidden=False, id=None)
    assert written == '<a class="c" aria-label="y" open><b>x</b></a>'


def test_short_names() -> None:
    assert short("a\nb  c") == "a b c"
    assert len(short("x" * 10**6, 20)) == 20


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_inside_and_few(low: float, width: float) -> None:
    found = ticks(low, low + width)
    assert len(found) <= 11
    assert all(low - 1e-6 * (1 + abs(low) + width) <= value <= low + width * (1 + 1e-6) + 1e-6 for value in found)


@settings(max_examples=40)
@given(st.lists(st.integers(-50, 500), min_size=1, max_size=60))
def test_whole_numbers_get_whole_bins(values: list[int]) -> None:
    edges = bin_edges(np.array(values, dtype=float), whole=True)
    steps = np.diff(edges)
    assert np.allclose(steps, steps[0])
    assert steps[0] == int(steps[0])
    assert edges[0] % 1 == 0.5


def test_charts_bear_what_is_missing() -> None:
    nothing = [float("nan")] * 3
    assert "No values" in line_chart([Line("a", [1, 2, 3], nothing)], x_label="x", description="d")
    chart = line_chart([Line("a", [1, 2, 3], [1, nothing[0], -1])], x_label="x", description="d", log_y=True)
    assert "nan" not in chart
    assert "nan" not in histogram(np.array([2.0]), None, label="x", whole=False, description="d")


def test_long_curves_are_thinned() -> None:
    chart = line_chart([Line("a", list(range(100_000)), [1.0] * 100_000)], x_label="x", description="d")
    assert len(chart) < 12_000


def test_distance_and_noise_floor() -> None:
    draw = np.random.default_rng(0)
    reference = draw.normal(size=2000)
    assert distance(reference, reference + 1) == pytest.approx(1)
    same = compare(draw.normal(size=900), reference)
    moved = compare(draw.normal(size=900) + 1, reference)
    assert same is not None
    assert moved is not None
    assert same[2] == moved[2] == 900
    assert same[0] < 3 * same[1] < moved[0]
    assert compare(reference[:5], reference) is None


def test_nearest_neighbour_is_the_molecule_itself_where_it_was_trained_on() -> None:
    found, searched = neighbours(["c1ccccc1O", "not a molecule"], ["CCO", "Oc1ccccc1", "broken(", "CCN"])
    assert found[0] is not None
    assert (found[0].smiles, found[0].similarity) == ("Oc1ccccc1", 1.0)
    assert found[1] is None
    assert searched == 4


def test_reference_is_a_seeded_sample_in_two_halves() -> None:
    smiles = [f"{'C' * n}O" for n in range(1, 31)]
    one, two = take_reference(smiles, 5), take_reference(smiles, 5)
    assert one.smiles == two.smiles
    assert len(one.smiles) == 10
    assert set(one.values) >= {"qed", "sa", "logp", "mw"}
