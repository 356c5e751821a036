"""What molecules are asked for: property targets and sizes, drawn for each molecule."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from moldiff.config.sample import SampleOptions
from moldiff.dataset.placeholders import offered_sizes
from moldiff.errors import UserError
from moldiff.models.checkpoint import Statistics
from moldiff.molecules.properties import PropertyScale


class OutsideRange(UserWarning):
    """A target that the training set does not reach; the nearest value that it has is asked for."""


@dataclass(frozen=True)
class Target:
    """What is asked of one property.

    Attributes:
        column: of the property among those that the network knows.
        scale: of the property.
        low, high: what the network sees at the ends of the range; equal for a single value.
    """

    column: int
    scale: PropertyScale
    low: float
    high: float

    def draw(self, n: int, random: np.random.Generator) -> np.ndarray:
        """What the network sees for each of n molecules: values within the range as frequent as in training."""
        return self.low + (self.high - self.low) * random.random(n)


def parse_targets(texts: Sequence[str], scales: Sequence[PropertyScale]) -> list[Target]:
    """Targets from texts such as ``logp=2.5``, ``tpsa=60:80`` or ``series=amide``.

    A number outside the training set's range warns (`OutsideRange`), with the range.

    Raises:
        UserError: the text has another form, the weights do not know the property or category, the property is named
            twice, or a range ends before it begins.
    """
    known = {scale.name: (column, scale) for column, scale in enumerate(scales)}
    targets: dict[str, Target] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise UserError(f"target {text}: expected NAME=VALUE or NAME=LOW:HIGH, such as logp=2.5")
        if name not in known:
            there = f"they know {', '.join(known)}" if known else "they know none; train with train.properties"
            raise UserError(f"target {text}: the weights do not know the property {name}; {there}")
        if name in targets:
            raise UserError(f"target {text}: {name} is asked for twice; give a range, such as {name}=1:2")
        targets[name] = _target(text, value, *known[name])
    return list(targets.values())


def _target(text: str, value: str, column: int, scale: PropertyScale) -> Target:
    if scale.categories:
        if value not in scale.categories:
            raise UserError(f"target {text}: no such category; there are {', '.join(scale.categories)}")
        place = float(scale.categories.index(value))
        return Target(column, scale, place, place)
    try:
        ends = [float(part) for part in value.split(":")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2) or not np.isfinite(ends).all():
        raise UserError(f"target {text}: {value!r} is neither a number nor a range such as 60:80")
    low, high = ends[0], ends[-1]
    if low > high:
        raise UserError(f"target {text}: the range ends before it begins; write {scale.name}={high:g}:{low:g}")
    outside = [end for end in sorted({low, high}) if not scale.inside(end)]
    if outside:
        warnings.warn(
            f"target {text}: the training molecules have {scale.name} from {scale.low:g} to {scale.high:g}; "
            f"{' and '.join(f'{end:g}' for end in outside)} counts as the nearest of these",
            OutsideRange,
            stacklevel=3,
        )
    first, last = scale.encode(np.array([low, high])).tolist()
    return Target(column, scale, first, last)


def draw_properties(
    targets: Sequence[Target], scales: Sequence[PropertyScale], n: int, random: np.random.Generator
) -> np.ndarray:
    """[molecule, property] what the network sees of each molecule, NaN for properties that are not asked for."""
    result = np.full((n, len(scales)), np.nan)
    for target in targets:
        result[:, target.column] = target.draw(n, random)
    return result


def draw_sizes(
    options: SampleOptions, statistics: Statistics, properties: np.ndarray, random: np.random.Generator, kept: int = 0
) -> np.ndarray:
    """[molecule] number of atoms of each molecule, or of those offered where the network decides the size.

    In a latent space of several atoms a node the number of nodes of each, as the training set has them.

    The sizes of the training set, weighted by what its molecules of the wanted properties have: the properties are
    taken to be independent given the size. A size or range that is asked for is what the molecules have.

    Args:
        options: of the sampling.
        statistics: of the weights.
        properties: [molecule, property] as `draw_properties` gives them.
        random: of the sizes.
        kept: atoms of a part that every molecule has; at least one is added.

    Raises:
        UserError: the histogram of sizes is empty, or a size is asked for that the decoder of a latent space decides.
    """
    n = len(properties)
    if not statistics.sizes:
        raise UserError("the weights hold no histogram of sizes; train on a dataset that is not empty")
    ends, new = options.atom_range, options.new_range
    if statistics.nodes:
        if ends is not None or new is not None:
            raise UserError(
                "the decoder of these weights decides how many atoms the molecules have; leave the number out, or take "
                "weights of a node an atom (autoencode.group: 1)"
            )
        return _drawn(statistics.nodes, n, random)
    if new is not None:
        ends = (kept + new[0], kept + new[1])
    if ends is not None and ends[0] == ends[1]:
        return np.full(n, ends[0])
    low, high = ends or (kept + 1, max(statistics.sizes))
    within = {size: float(count) for size, count in statistics.sizes.items() if low <= size <= high}
    sizes = within or dict.fromkeys(range(low, high + 1), 1.0)
    learned = ends is None and statistics.placeholders > 0
    shown = np.flatnonzero(~np.isnan(properties).all(0))
    if not len(shown):
        return _drawn(offered_sizes(sizes, statistics.placeholders) if learned else sizes, n, random)
    result = np.zeros(n, dtype=np.int64)
    bins = [tuple(_bins(statistics.properties, row, shown)) for row in properties]
    for kind in sorted(set(bins)):
        those = np.array([own == kind for own in bins])
        weighted = _weighted(sizes, statistics, kind)
        offered = offered_sizes(weighted, statistics.placeholders) if learned else weighted
        result[those] = _drawn(offered, int(those.sum()), random)
    return result


def _bins(scales: Sequence[PropertyScale], row: np.ndarray, shown: np.ndarray) -> list[tuple[int, int]]:
    return [(int(column), scales[column].bin_of(float(row[column]))) for column in shown]


def _weighted(
    sizes: Mapping[int, float], statistics: Statistics, kind: tuple[tuple[int, int], ...]
) -> dict[int, float]:
    """p(N | properties) ∝ p(N) Π p(property | N), with a molecule more of each kind, so that nothing is impossible."""
    weighted = {}
    for size, count in sizes.items():
        weight = float(count)
        for column, place in kind:
            counts = statistics.properties[column].sizes
            own = counts[place].get(size, 0) + 1 / len(counts)
            weight *= own / (sum(part.get(size, 0) for part in counts) + 1)
        weighted[size] = weight
    return weighted


def _drawn(sizes: Mapping[int, float], n: int, random: np.random.Generator) -> np.ndarray:
    known = np.array(sorted(sizes))
    counts = np.array([float(sizes[size]) for size in known.tolist()])
    return random.choice(known, n, p=counts / counts.sum())
