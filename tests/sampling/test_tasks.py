"""Kept parts come out as they went in, to the last bit, whatever the network says around them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import rdDistGeom
from torch import nn

from moldiff.chemistry.arrays import MoleculeArrays, to_arrays
from moldiff.chemistry.bond_graph import BondGraph
from moldiff.chemistry.cutting import cut_one, cut_several, union
from moldiff.chemistry.exits import DISTANCE, Exit
from moldiff.chemistry.fragments import Fragment, fragments_of_smiles, without_atoms
from moldiff.chemistry.sides import Side
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, Statistics
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.levels import Levels
from moldiff.network.build import build_network
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.sampling.tasks import KeptPart
from tests import tiny

MOLECULES = ["CC(=O)Nc1ccc(O)cc1", "C1CC2CCC1C2", "C[N+](C)(C)CC([O-])=O", "FC(F)c1cc(C#N)ccc1OCC1CC1", "CCOC(=O)C=CN"]
SIZES = {5: 1, 12: 2, 20: 3}


def posed(smiles: str) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=3) == 0
    return Chem.RemoveHs(mol)


POSED = [posed(smiles) for smiles in MOLECULES]


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "placeholders"])
def sampler(request: pytest.FixtureRequest) -> Sampler:
    torch.manual_seed(0)
    vocabulary = Vocabulary((6, 7, 8, 9), (-1, 0, 1), placeholder=request.param)
    plain = tiny.network()
    made = build_network(plain.options, vocabulary, tiny.SIGMA_DATA)
    marginals = dict(tiny.MARGINALS)
    if request.param:
        marginals["element"] = [*(0.8 * share for share in marginals["element"]), 0.2]
    statistics = Statistics(tiny.SIGMA_DATA, marginals, SIZES, "implicit", 0.2 if request.param else 0.0)
    return Sampler(Model.of(made.float().eval(), statistics))


def graph_of(arrays: MoleculeArrays) -> BondGraph:
    return BondGraph(len(arrays), arrays.bonds.astype(int), arrays.bond_orders)


@settings(deadline=None, max_examples=25)
@given(data=st.data(), seed=st.integers(0, 9999))
def test_a_random_part_is_kept_exactly(sampler: Sampler, data: st.DataObject, seed: int) -> None:
    mol = data.draw(st.sampled_from(POSED))
    random = np.random.default_rng(seed)
    graph = graph_of(to_arrays(mol))
    parts = cut_several(graph, random) if seed % 2 else []
    kept = union(parts, graph.atoms) if parts else cut_one(graph, random)
    fragment = without_atoms(mol, np.flatnonzero(~kept).tolist(), "part", hydrogens="implicit")
    if seed % 3 == 0:
        fragment = replace(fragment, exits=tuple(Exit(atom, np.zeros(3)) for atom in range(len(fragment))))
    part = KeptPart((fragment,))
    plan = Plan.of(tiny.sample_options(n=3, steps=3, restarts=1, seed=seed))
    for batch in plan.batches(sampler.model.statistics, kept=len(part)):
        for made in sampler.batch(plan, batch, part):
            assert_kept(fragment, made.arrays)
            assert made.given == len(fragment)
            assert not made.flaw


def assert_kept(fragment: Fragment, made: MoleculeArrays) -> None:
    own, count = fragment.arrays, len(fragment)
    np.testing.assert_array_equal(made.positions[:count], own.positions)
    np.testing.assert_array_equal(made.atomic_numbers[:count], own.atomic_numbers)
    np.testing.assert_array_equal(made.formal_charges[:count], own.formal_charges)
    bonds = {(*sorted(pair), order) for pair, order in zip(made.bonds.tolist(), made.bond_orders.tolist(), strict=True)}
    expected = {
        (*sorted(pair), order) for pair, order in zip(own.bonds.tolist(), own.bond_orders.tolist(), strict=True)
    }
    assert {bond for bond in bonds if bond[1] < count} == expected
    leaving = {low for low, high, _ in bonds if low < count <= high}
    assert leaving <= set(np.flatnonzero(fragment.open).tolist()), "a closed atom has no new bond"


def write(path: Path, mol: Chem.Mol) -> str:
    path.write_text(Chem.MolToMolBlock(mol) + "$$$$\n")
    return str(path)


def test_every_task_of_the_options_is_sampled(sampler: Sampler, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.sdf", POSED[0])
    moved = Chem.Mol(POSED[1])
    for atom in range(moved.GetNumAtoms()):
        moved.GetConformer().SetAtomPosition(atom, moved.GetConformer().GetPositions()[atom] + 9)
    other = write(tmp_path / "other.sdf", moved)
    tasks = [
        ({"scaffold": other}, 7),
        ({"grow": other}, 7),
        ({"scaffold_smiles": "C1CC1[*:1]", "poses": 2}, 3),
        ({"link": [write(tmp_path / "small.sdf", posed("CO")), other]}, 9),
        ({"redesign": whole, "atoms": "1-4"}, 7),
    ]
    for options, count in tasks:
        made = sampler.sample(2, steps=2, restarts=0, threads=1, accelerator="cpu", new_atoms="2:3", **options)
        assert {mol.GetNumAtoms() for mol in made} <= {count + 2, count + 3}, options
        part = sampler.part(Plan.of(tiny.sample_options(**options)))
        assert part is not None
        for index, mol in enumerate(made):
            positions = mol.GetConformer().GetPositions()[:count]
            np.testing.assert_array_equal(positions, part.pose(index).arrays.positions)


@pytest.mark.parametrize(
    ("smiles", "options", "message"),
    [
        ("CSC", {}, "holds the element S, which the weights do not know; they know C, N, O, F"),
        ("CC[N-2]", {}, "holds the charge -2, which the weights do not know; they know -1, \\+0, \\+1"),
        ("CCCCCCCCCCCCCCCCCCCCCC", {}, "has 22 atoms, and the largest .* 20; .* --new-atoms"),
        ("CCCCC", {"atoms": "5"}, "at least 6"),
    ],
)
def test_what_the_weights_cannot_complete_is_refused(
    sampler: Sampler, smiles: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        sampler.sample(1, scaffold_smiles=smiles, **options)


def test_a_turned_stereocentre_is_named() -> None:
    pos = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    arrays = MoleculeArrays(pos, np.full(4, 6), np.zeros(4), np.array([[0, 1], [0, 2], [0, 3]]), np.ones(3, int))
    fragment = MoleculeArrays(pos[:3], np.full(3, 6), np.zeros(3), arrays.bonds[:2], np.ones(2, int))
    right, wrong = (
        KeptPart((Fragment(fragment, (Exit(0, np.zeros(3)),), True, (Side(0, (1, 2), False, sign),)),))
        for sign in (1, -1)
    )
    assert right.flaw(arrays) == ""
    assert wrong.flaw(arrays) == "stereocentre turned"
    assert wrong.flaw(fragment) == ""


def test_the_hand_of_an_open_stereocentre_is_asked_and_that_of_no_other() -> None:
    (open_centre,) = fragments_of_smiles("[*][C@@H](C)[C@H](O)F", hydrogens="implicit", conformers=1, seed=0)
    mirrored = fragments_of_smiles("[*][C@H](C)[C@H](O)F", hydrogens="implicit", conformers=1, seed=0)
    blank, vocabulary = MoleculeBatch.blank(tiny.mask_of(9, 9)), Vocabulary((6, 7, 8, 9), (0,))
    asked = []
    for fragment in (open_centre, *mirrored):
        known, _ = KeptPart((fragment,)).known(blank, [0, 1], vocabulary)
        assert known.handedness.shape == (2, 9, 4)
        assert known.handedness[0].any(1).nonzero().flatten().tolist() == [0]
        assert torch.equal(known.handedness[0], known.handedness[1])
        sign, first, second, third = known.handedness[0, 0].tolist()
        assert {first, second, third} == {1, 2, 0}
        assert third == 0
        # the new atom where the mark is makes the part right, and the other side does not
        (side,) = fragment.sides
        expected = fragment.arrays.positions[0] + 1.5 * fragment.exits[0].direction
        assert side.holds(np.vstack([fragment.arrays.positions, expected]), 5)
        edges = np.stack([fragment.arrays.positions[one] for one in (first, second)] + [expected])
        assert np.sign(np.linalg.det(edges - fragment.arrays.positions[0])) == sign
        asked.append(sign if first < second else -sign)
    assert asked[0] == -asked[1]
    plain = fragments_of_smiles("[*]CC", hydrogens="implicit", conformers=1, seed=0)
    assert KeptPart(tuple(plain)).known(blank, [0, 1], vocabulary)[0].handedness.shape == (2, 0, 4)


def first_seen(sampler: Sampler, smiles: str, n: int, **options: Any) -> list[MoleculeBatch]:
    """The noised molecules that the network was shown first in each sampling and restart of a batch."""
    seen: list[MoleculeBatch] = []

    def look(network: nn.Module, inputs: tuple[MoleculeBatch, Levels]) -> None:
        if float(inputs[1].highest[0]) == pytest.approx(5.0):
            seen.append(inputs[0])

    hook = sampler.model.network.register_forward_pre_hook(look)
    try:
        sampler.sample(n, scaffold_smiles=smiles, poses=1, steps=2, batch_pairs=10**6, **options)
    finally:
        hook.remove()
    return seen


def test_sampling_begins_beyond_the_open_atom(sampler: Sampler) -> None:
    """The mean over molecules of the new atoms' centre lies where a bond leaves the part, at the distance of data."""
    (seen,) = first_seen(sampler, "C1CCCCC1[*:1]", 120, atoms=16, restarts=0)
    (part,) = fragments_of_smiles("C1CCCCC1[*:1]", hydrogens="implicit", conformers=1, seed=0)
    own = part.arrays.positions - part.arrays.positions.mean(0)
    new = seen.pos.shape[1] - len(part)
    expected = own[5] + DISTANCE[0] * new ** DISTANCE[1] * part.exits[0].direction
    centre = seen.pos[:, len(part) :].mean((0, 1)).numpy()
    np.testing.assert_allclose(centre, expected, atol=0.8)
    assert np.linalg.norm(centre) > 3


def test_what_fails_around_a_part_begins_again_elsewhere(sampler: Sampler) -> None:
    """An untrained network completes nothing; each restart is from the first level, and from other positions."""
    first, *others = first_seen(sampler, "C1CCCCC1[*:1]", 20, atoms=16, restarts=2)
    assert len(others) == 2
    for again in others:
        assert len(again) > 10
    again = others[0].pos[:, 6:].mean(1)
    nearest = torch.cdist(again.double(), first.pos[:, 6:].mean(1).double()).amin(1)
    assert nearest.min() > 1e-3
