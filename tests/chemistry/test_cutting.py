"""Parts cut by the bond graph: against RDKit where it knows them, and properties of every random cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from moldiff.chemistry.bond_graph import BondGraph
from moldiff.chemistry.cutting import cut_one, cut_several, union

MOLECULES = [
    "CCO",
    "c1ccccc1CCN2CCOCC2",
    "CC(=O)Nc1ccc(O)cc1",
    "O=C1CCC2(CC1)OCCO2",
    "C1CC2CCC1C2",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "CN1CCN(CC1)c1ccc(cn1)-c1nc2ccccc2[nH]1",
    "FC(F)(F)c1cc(C#N)ccc1OCC1CC1",
    "CCCCCCCC",
    "O=S(=O)(N)c1ccc(cc1)n1nc(cc1-c1ccc(C)cc1)C(F)(F)F",
]


def graph_of(smiles: str) -> tuple[BondGraph, Chem.Mol]:
    mol = Chem.MolFromSmiles(smiles)
    written = Chem.Mol(mol)
    Chem.Kekulize(written, clearAromaticFlags=True)
    bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in written.GetBonds()]).reshape(-1, 2)
    orders = np.array([int(b.GetBondTypeAsDouble()) for b in written.GetBonds()])
    return BondGraph(mol.GetNumAtoms(), bonds, orders), mol


@pytest.mark.parametrize("smiles", MOLECULES)
def test_bonds_in_rings_are_rdkits(smiles: str):
    graph, mol = graph_of(smiles)
    assert graph.in_ring.tolist() == [bond.IsInRing() for bond in mol.GetBonds()]


@pytest.mark.parametrize("smiles", MOLECULES)
def test_the_scaffold_is_murckos(smiles: str):
    graph, mol = graph_of(smiles)
    expected = set(mol.GetSubstructMatch(MurckoScaffold.GetScaffoldForMol(mol)))
    # molecules whose scaffold matches in one place only
    assert set(np.flatnonzero(graph.scaffold).tolist()) == expected


def test_ring_systems_hold_what_a_double_bond_holds():
    graph, _ = graph_of("O=C1CCC2(CC1)OCCO2")
    assert [int(system.sum()) for system in graph.ring_systems] == [11]
    graph, _ = graph_of("c1ccccc1CCN2CCOCC2")
    assert sorted(int(system.sum()) for system in graph.ring_systems) == [6, 6]


def test_pieces_are_cut_at_single_bonds_outside_rings():
    graph, _ = graph_of("CC(=O)Nc1ccc(O)cc1")
    assert sorted(sorted(np.flatnonzero(piece).tolist()) for piece in graph.pieces) == [
        [0, 1, 2],
        [3],
        [4, 5, 6, 7, 8, 9, 10],
    ]


@st.composite
def graphs(draw: st.DrawFn) -> BondGraph:
    """A random connected graph: a tree with some more bonds."""
    atoms = draw(st.integers(2, 30))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    bonds = {(int(random.integers(atom)), atom) for atom in range(1, atoms)}
    for _ in range(draw(st.integers(0, 6))):
        low, high = sorted(random.choice(atoms, 2, replace=False).tolist())
        bonds.add((low, high))
    return BondGraph(atoms, np.array(sorted(bonds)), random.integers(1, 4, len(bonds)))


@settings(deadline=None, max_examples=150)
@given(graph=graphs(), seed=st.integers(0, 999))
def test_one_part_is_connected_and_not_everything(graph: BondGraph, seed: int):
    part = cut_one(graph, np.random.default_rng(seed))
    assert 0 < part.sum() < graph.atoms
    assert len(graph.components(part)) == 1
    assert graph.attachments(part).any()
    assert not (graph.attachments(part) & ~part).any()


@settings(deadline=None, max_examples=150)
@given(graph=graphs(), seed=st.integers(0, 999))
def test_several_parts_are_joined_by_no_bond(graph: BondGraph, seed: int):
    parts = cut_several(graph, np.random.default_rng(seed))
    assert len(parts) in {0, 2, 3}
    if parts:
        together = union(parts, graph.atoms)
        assert together.sum() == sum(part.sum() for part in parts) < graph.atoms
        assert len(graph.components(together)) == len(parts)


@settings(deadline=None, max_examples=60)
@given(graph=graphs())
def test_pieces_and_components_share_out_all_atoms(graph: BondGraph):
    assert sum(piece.astype(int) for piece in graph.pieces).tolist() == [1] * graph.atoms
    assert len(graph.components(np.ones(graph.atoms, bool))) == 1


def test_the_same_seed_cuts_alike():
    graph, _ = graph_of(MOLECULES[6])
    cuts = [cut_one(graph, np.random.default_rng(4)).tolist() for _ in range(2)]
    assert cuts[0] == cuts[1]


def test_one_atom_cannot_be_cut():
    with pytest.raises(ValueError, match="one atom"):
        cut_one(BondGraph(1, np.zeros((0, 2), int), np.zeros(0, int)), np.random.default_rng(0))
