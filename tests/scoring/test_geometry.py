"""Histograms of lengths, angles and torsions: counted by hand, mergeable, and zero distance from themselves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolTransforms
from scipy.spatial.transform import Rotation

from moldiff.scoring.molecule.geometry import KINDS, MINIMUM, Geometry, measure


def embedded(smiles: str, seed: int = 1) -> Chem.Mol:
    """A conformer with hydrogens."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=seed) == 0
    return mol


def flat_chain(x: list[tuple[float, float, float]], smiles: str = "NCC=O") -> Chem.Mol:
    """A molecule of heavy atoms at given coordinates, Å."""
    mol = Chem.MolFromSmiles(smiles)
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(np.array(x, dtype=float))
    mol.AddConformer(conformer)
    return mol


SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "C1CC1C#CCN", "O=S(=O)(N)c1ccsc1", "CC(C)(C)OC=C"]
MOLECULES = [embedded(smiles, seed) for smiles in SMILES for seed in (1, 2, 3)]


def test_keys_and_bins_by_hand() -> None:
    mol = flat_chain([(0, 1.451, 0), (0, 0, 0), (1.5301, 0, 0), (1.5301, 0, 1.2201)])
    geometry = Geometry.of([mol])
    lengths = geometry.histograms("bond_lengths")
    assert {name: np.flatnonzero(counts).tolist() for name, counts in lengths.items()} == {
        "C-C": [306],
        "C-N": [290],
        "C=O": [244],
    }
    angles = geometry.histograms("bond_angles")
    assert {name: int(counts.sum()) for name, counts in angles.items()} == {"C-C-N": 1, "C-C=O": 1}
    torsions = geometry.histograms("torsions")
    assert list(torsions) == ["N-C-C=O"]
    assert np.flatnonzero(torsions["N-C-C=O"]).tolist() in ([44], [45])


@pytest.mark.parametrize("degrees", [-135, -61, -5, 31, 121, 175])
def test_torsions_are_folded_not_dropped(degrees: float) -> None:
    angle = math.radians(degrees)
    mol = flat_chain([(0, 1.4, 0), (0, 0, 0), (1.5, 0, 0), (1.5, 1.2 * math.cos(angle), 1.2 * math.sin(angle))])
    assert abs(rdMolTransforms.GetDihedralDeg(mol.GetConformer(), 0, 1, 2, 3)) == pytest.approx(abs(degrees))
    counts = Geometry.of([mol]).histograms("torsions")["N-C-C=O"]
    assert np.flatnonzero(counts).tolist() == [int(abs(degrees) // KINDS["torsions"].width)]


@pytest.mark.parametrize("mol", MOLECULES)
def test_every_path_is_counted_once(mol: Chem.Mol) -> None:
    geometry = Geometry.of([mol])
    conformer = mol.GetConformer()
    for kind, smarts in (("bond_angles", "*~*~*"), ("torsions", "*~*~*~*")):
        paths = mol.GetSubstructMatches(Chem.MolFromSmarts(smarts), uniquify=False, maxMatches=100_000)
        measured = rdMolTransforms.GetAngleDeg if kind == "bond_angles" else rdMolTransforms.GetDihedralDeg
        straight = [
            path
            for path in paths
            for three in (path[:3], path[-3:])
            if rdMolTransforms.GetAngleDeg(conformer, *three) > 179.9 and kind == "torsions"
        ]
        values = [abs(measured(conformer, *path)) for path in paths if path[0] < path[-1] and path not in straight]
        counted = np.sum(list(geometry.histograms(kind).values()), axis=0)
        expected = np.bincount((np.array(values) // KINDS[kind].width).astype(int), minlength=KINDS[kind].bins)
        assert np.abs(np.cumsum(counted) - np.cumsum(expected)).max() <= 2  # a value on the edge of a bin
        assert counted.sum() == len(values)


def test_straight_chains_have_no_torsion() -> None:
    mol = flat_chain([(0, 0, 0), (1.2, 0, 0), (2.6, 0, 0), (3.8, 0, 0)], "N#CC#N")
    assert Geometry.of([mol]).histograms("torsions") == {}
    assert list(Geometry.of([mol]).histograms("bond_angles")) == ["C-C#N"]


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(len(MOLECULES))), st.integers(0, len(MOLECULES)), st.integers(0, 1000))
def test_merged_parts_equal_the_whole_in_any_order_and_orientation(order: list[int], cut: int, seed: int) -> None:
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    turned = []
    for place in order:
        mol = Chem.Mol(MOLECULES[place])
        mol.GetConformer().SetPositions(mol.GetConformer().GetPositions() @ turn.T)
        turned.append(mol)
    parts = Geometry.of(turned[:cut])
    parts.merge(Geometry.from_state(*Geometry.of(turned[cut:]).state()))
    whole = Geometry.of(MOLECULES)
    for kind in KINDS:
        ours, theirs = parts.histograms(kind), whole.histograms(kind)
        assert ours.keys() == theirs.keys()
        assert all(np.abs(np.cumsum(ours[key] - theirs[key])).max() <= 1 for key in ours)  # rounding at a bin's edge


def test_distances() -> None:
    geometry = Geometry.of(MOLECULES * MINIMUM)
    for name, distance in geometry.distances(geometry).items():
        assert (distance.w1, distance.js, distance.covered) == (0.0, 0.0, 1.0)
        assert distance.unit == KINDS[name].unit
    short = [flat_chain([(0, 1.4, 0), (0, 0, 0), (1.5, 0, 0), (1.5, 0, 1.2)])] * MINIMUM
    long = [flat_chain([(0, 1.4, 0), (0, 0, 0), (1.6, 0, 0), (1.6, 0, 1.2)])] * MINIMUM
    lengths = Geometry.of(long).distances(Geometry.of(short))["bond_lengths"]
    assert lengths.w1 == pytest.approx(0.1 / 3, abs=0.005)
    assert lengths.js == pytest.approx(1 / 3)
    assert (lengths.covered, lengths.keys) == (1.0, 3)


def test_keys_seen_too_seldom_are_not_covered() -> None:
    reference = Geometry.of(MOLECULES * MINIMUM)
    few = Geometry.of([embedded("CO")])
    distance = few.distances(reference)["torsions"]
    assert (distance.w1, distance.js, distance.covered, distance.keys) == (None, None, 0.0, 0)
    assert Geometry().distances(Geometry())["bond_lengths"].w1 is None


def test_molecules_without_a_measurable_pose_give_nothing() -> None:
    broken = embedded("CO")
    broken.GetConformer().SetAtomPosition(0, (math.nan, 0, 0))
    for mol in (Chem.Mol(), Chem.MolFromSmiles("CC"), embedded("[He]"), broken):
        assert len(measure(mol)) == 0
    assert len(measure(flat_chain([(0, 0, 0), (5, 0, 0)], "C.C"))) == 0
