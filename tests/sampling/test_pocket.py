"""A pocket, as a prototype: given atoms that bond to nothing, around a molecule that is made. No module changes."""

import torch

from moldiff.diffusion.schedules import karras
from moldiff.diffusion.solvers import euler, generate
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.levels import Given, Levels
from tests import tiny


def surrounded(pocket: torch.Tensor, batch: MoleculeBatch) -> tuple[MoleculeBatch, Given]:
    """The molecules without bonds between pocket and ligand, and the pocket with these pairs as given."""
    pairs = batch.pairs
    across = pocket.index_select(1, pairs.row) != pocket.index_select(1, pairs.column)
    known = batch.replace(bond=batch.bond.masked_fill(across, 0))
    return known, Given.fragment(known, pocket, closed=pocket)


def test_a_pocket_never_leaves_level_zero_and_binds_nothing() -> None:
    batch = tiny.batch_of(9, 7, seed=3)
    pocket = (torch.arange(9) < 5) & batch.mask
    known, given = surrounded(pocket, batch)
    start = given.framed(known)
    grid = karras(8, sigma_max=5.0, sigma_min=0.05)
    with torch.no_grad():
        *_, made = generate(
            tiny.process(), tiny.network(), euler, grid, start, tiny.seeded(), Levels.along(start, given)
        )
    result = given.unframed(known, made)
    for name in ("pos", "element", "charge"):
        assert torch.equal(getattr(result, name)[pocket], getattr(known, name)[pocket]), name
    pairs = batch.pairs
    touching = pairs.real(batch.mask) & (pocket.index_select(1, pairs.row) | pocket.index_select(1, pairs.column))
    assert torch.equal(result.bond[touching], known.bond[touching])
    ligand = batch.mask & ~pocket
    assert result.pos[ligand].isfinite().all()
    assert not torch.equal(result.pos[ligand], known.pos[ligand])
