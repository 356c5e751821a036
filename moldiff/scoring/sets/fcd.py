"""The Fréchet ChemNet distance of a check, on as many molecules as its noise floor is taken from."""

import random
from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from moldiff.errors import UserError
from moldiff.scoring.parts import ROWS, Part
from moldiff.scoring.records import DistanceRecord
from moldiff.scoring.sets.frechet import SMALLEST, activations, frechet_distance, require_fcd
from moldiff.scoring.sets.known import KnownSet
from moldiff.scoring.sets.reference import FLOOR_DRAWS, Reference


def require_means(wanted: int, has_reference: bool) -> None:
    """Make sure, before the work begins, that a wanted distance can be taken.

    Raises:
        UserError: there is nothing to compare with, or the extra is not installed.
    """
    if wanted and not has_reference:
        raise UserError("the Fréchet ChemNet distance needs a set to compare with; name it with --reference or --train")
    if wanted:
        require_fcd()


def require_structures(wanted: int, compared: KnownSet | None) -> None:
    """Make sure that a wanted distance is to a set whose molecules are there.

    Raises:
        UserError: the set is that which ships with weights.
    """
    if wanted and not isinstance(compared, Reference):
        raise UserError("the Fréchet ChemNet distance needs the molecules of the set to compare with; name their file")


def take_fcd(
    wanted: int, parts: Sequence[Part], keys: NDArray[np.uint64], compared: KnownSet | None, seed: int
) -> DistanceRecord | None:
    """The distance as an entry of the summary's distances; None if none is wanted or there are too few molecules.

    Both sides have the same number of molecules, for the distance depends on it, and so have the two halves of the
    reference that make the noise floor.

    Args:
        wanted: most molecules of a side; 0 for no distance.
        parts: the checked parts.
        keys: [D] hashes of the distinct valid keys, ascending: the lowest are taken.
        compared: the reference.
        seed: seed of the reference's draws.
    """
    if not wanted or not isinstance(compared, Reference):
        return None
    size = min(wanted, len(keys), len(compared.keys) // 2)
    if size < SMALLEST:
        return None
    chosen_places = random.Random(seed).sample(range(len(compared.smiles)), 2 * size)
    ours = activations(_smiles(parts, keys[:size]))
    theirs = activations([compared.smiles[place] for place in chosen_places])
    floors = []
    for draw in range(FLOOR_DRAWS):
        order = np.random.default_rng([seed, draw]).permutation(2 * size)
        floors.append(frechet_distance(theirs[order[:size]], theirs[order[size:]]))
    return DistanceRecord(
        kind="Fréchet",
        unit="",
        value=frechet_distance(ours, theirs[:size]),
        noise_floor=float(np.mean(floors)),
        n=size,
        reference_n=size,
        noise_floor_n=size,
        covered=None,
    )


def _smiles(parts: Sequence[Part], keys: NDArray[np.uint64]) -> list[str]:
    """The flat SMILES with these key hashes, in the order of the hashes."""
    smiles: dict[int, str] = {}
    for part in parts:
        with pq.ParquetFile(part.folder / ROWS) as file:
            for batch in file.iter_batches(columns=["_key", "key"]):
                chosen = batch.filter(pc.less_equal(batch["_key"], keys[-1]))
                smiles.update(zip(chosen["_key"].to_pylist(), chosen["key"].to_pylist(), strict=True))
    return [smiles[key] for key in keys.tolist()]
