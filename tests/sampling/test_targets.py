"""Targets and sizes: what is asked for is drawn, what cannot be asked for is refused, what is far away warns."""

import warnings

import numpy as np
import pytest

from moldiff.config.options import ConfigError, parse
from moldiff.config.sample import SampleOptions
from moldiff.errors import UserError
from moldiff.models.checkpoint import Statistics
from moldiff.molecules.properties import BINS, PropertyScale
from moldiff.sampling.targets import OutsideRange, draw_properties, draw_sizes, parse_targets

LOGP = PropertyScale("logp", quantiles=(-1.0, 0.0, 1.0, 5.0))
MW = PropertyScale(
    "mw",
    quantiles=tuple(np.linspace(100, 500, 9).tolist()),
    sizes=tuple({10 + 3 * place: 100} for place in range(BINS)),
)
SERIES = PropertyScale("series", categories=("amide", "ether"), sizes=({10: 5}, {31: 5}))
SCALES = (LOGP, MW, SERIES)


def statistics(placeholders: float = 0.0) -> Statistics:
    sizes = {10 + 3 * place: 100 for place in range(BINS)}
    return Statistics(1.0, {}, sizes, "implicit", placeholders, (MW,))


def sizes_of(target: list[str], *, placeholders: float = 0.0, **options: object) -> np.ndarray:
    random = np.random.default_rng(0)
    known = statistics(placeholders)
    properties = draw_properties(parse_targets(target, known.properties), known.properties, 3000, random)
    return draw_sizes(SampleOptions(n=3000, **options), known, properties, random)


def test_values_ranges_and_categories_are_drawn() -> None:
    targets = parse_targets(["logp=0.5", "series = ether", "mw=200:300"], SCALES)
    drawn = draw_properties(targets, SCALES, 500, np.random.default_rng(0))
    assert drawn[:, 0] == pytest.approx(0.5)
    assert set(drawn[:, 2]) == {1.0}
    numbers = MW.decode(drawn[:, 1])
    assert 200 <= numbers.min() < 205
    assert 295 < numbers.max() <= 300
    assert np.isnan(draw_properties([], SCALES, 3, np.random.default_rng(0))).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("logp", "expected NAME=VALUE"),
        ("solubility=1", "do not know the property solubility; they know logp, mw, series"),
        ("logp=high", "neither a number nor a range"),
        ("logp=1:2:3", "neither a number nor a range"),
        ("logp=nan", "neither a number nor a range"),
        ("logp=3:1", "write logp=1:3"),
        ("series=ketone", "there are amide, ether"),
    ],
)
def test_a_target_that_cannot_be_asked_for_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_targets([text], SCALES)


def test_refusals_across_targets() -> None:
    with pytest.raises(UserError, match="asked for twice"):
        parse_targets(["logp=1", "logp=2"], SCALES)
    with pytest.raises(UserError, match="train.properties"):
        parse_targets(["logp=1"], ())


def test_a_target_outside_the_training_set_warns_with_the_range() -> None:
    with pytest.warns(OutsideRange, match="from -1 to 5; 9 counts as the nearest"):
        (target,) = parse_targets(["logp=9"], SCALES)
    assert target.low == target.high == 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse_targets(["logp=5", "mw=100:500"], SCALES)


def test_sizes_follow_the_wanted_property() -> None:
    anything = sizes_of([])
    assert set(anything.tolist()) == set(range(10, 34, 3))
    small, large = sizes_of(["mw=110:140"]), sizes_of(["mw=460:490"])
    assert (small == 10).mean() > 0.9
    assert (large == 31).mean() > 0.9


def test_the_network_decides_the_size_where_it_learned_to() -> None:
    offered = sizes_of([], placeholders=0.3)
    assert offered.max() == 31 + 9
    assert (sizes_of([], placeholders=0.3, atoms="16:19") <= 19).all()
    assert (sizes_of(["mw=110:140"], placeholders=0.3) <= 13).mean() > 0.9


def test_a_size_or_range_is_kept() -> None:
    assert set(sizes_of([], atoms=12)) == {12}
    assert set(sizes_of([], atoms="16:20").tolist()) == {16, 19}
    assert set(sizes_of([], atoms="40:42").tolist()) == {40, 41, 42}
    assert set(sizes_of(["mw=110:140"], atoms="28:31").tolist()) == {28, 31}


@pytest.mark.parametrize("atoms", ["0", "a", "5:3", "1:2:3", "2000", ""])
def test_other_sizes_are_refused(atoms: str) -> None:
    with pytest.raises(ConfigError, match="atoms"):
        parse(SampleOptions, {"atoms": atoms})


def test_a_histogram_is_needed() -> None:
    empty = Statistics(1.0, {}, {}, "implicit")
    with pytest.raises(UserError, match="no histogram"):
        draw_sizes(SampleOptions(n=2), empty, np.zeros((2, 0)), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scaffold": "a.sdf", "grow": "b.sdf"}, "scaffold and grow contradict"),
        ({"link": ["a.sdf"]}, "two files or more"),
        ({"redesign": "a.sdf"}, "needs the atoms to replace"),
        ({"new_atoms": "5"}, "give one"),
        ({"new_atoms": "5", "atoms": "20", "scaffold": "a.sdf"}, "contradict each other"),
        ({"new_atoms": "9:5", "scaffold": "a.sdf"}, "must not end before it begins"),
    ],
)
def test_tasks_that_contradict_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(SampleOptions, options)


def test_a_kept_part_leaves_room_for_new_atoms() -> None:
    known, random = statistics(), np.random.default_rng(0)
    nothing = np.zeros((2000, 0))
    sizes = draw_sizes(SampleOptions(scaffold="a.sdf"), known, nothing, random, kept=18)
    assert set(sizes.tolist()) == {19, 22, 25, 28, 31}
    sizes = draw_sizes(SampleOptions(scaffold="a.sdf", new_atoms="3:5"), known, nothing, random, kept=18)
    assert set(sizes.tolist()) == {22}, "of the training set's sizes only this one is in the range"
    sizes = draw_sizes(SampleOptions(scaffold="a.sdf", new_atoms="40"), known, nothing, random, kept=18)
    assert set(sizes.tolist()) == {58}
