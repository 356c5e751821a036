"""BRICS bonds and aromaticity of a bare graph, against RDKit's, and what is cut of them."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import BRICS

from moldiff.chemistry.aromaticity import aromatic_bonds
from moldiff.chemistry.bond_graph import BondGraph
from moldiff.chemistry.brics import brics_bonds, brics_pieces
from moldiff.chemistry.cutting import cut_one, cut_several

MOLECULES = """
    CC(=O)Nc1ccc(O)cc1  CN1CCN(CC1)c1ccc(cn1)-c1nc2ccccc2[nH]1  FC(F)(F)c1cc(C#N)ccc1OCC1CC1
    O=S(=O)(N)c1ccc(cc1)n1nc(cc1-c1ccc(C)cc1)C(F)(F)F  CC(C)Cc1ccc(cc1)C(C)C(=O)OCCN1CCOCC1
    O=C1NC(=O)C(c2ccccc2)(c2ccccc2)N1  CN(C)C(=O)Cc1c(-c2ccc(C)cc2)nc2ccc(C)cn12  C1CC2CCC1C2  c1ccc2cccc-2cc1
    CSCCC(NC(C)=O)C(=O)N1CCCC1C(N)=O  C/C=C/Cc1ccco1  O=c1cc[nH]c2ccccc12  C[n+]1ccccc1CS(=O)(=O)c1ccsc1
    O=C1CCCN1c1ccc(OC2CCCC2)cc1  CC(=O)c1ccc(-c2ccc(N3CCSCC3)nn2)cc1  C[N+](C)(C)CC(=O)[O-]  O=[N+]([O-])c1ccc(Cl)o1
    CON(C)C(=O)C1CC1  C=CC(=O)OC=C  CCCCCCCC  O=C1C=CC(=O)C=C1  c1cc2ccc3cccc4ccc(c1)c2c34  CC1=CC(=O)N(C)N1c1ccccc1
    C[Si](C)(C)Oc1ccccc1  CCN(C)S(=O)(=O)c1ccccc1
""".split()


def graph_of(smiles: str, *, hydrogens: bool = False) -> tuple[BondGraph, Chem.Mol]:
    mol = Chem.MolFromSmiles(smiles)
    written = Chem.AddHs(mol) if hydrogens else Chem.Mol(mol)
    Chem.Kekulize(written, clearAromaticFlags=True)
    bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in written.GetBonds()]).reshape(-1, 2)
    orders = np.array([int(b.GetBondTypeAsDouble()) for b in written.GetBonds()])
    elements = np.array([atom.GetAtomicNum() for atom in written.GetAtoms()])
    charges = np.array([atom.GetFormalCharge() for atom in written.GetAtoms()])
    return BondGraph(len(elements), bonds, orders, elements, charges), mol


def rdkits(mol: Chem.Mol) -> set[tuple[int, int]]:
    return {(min(ends), max(ends)) for ends, _ in BRICS.FindBRICSBonds(mol)}


@pytest.mark.parametrize("smiles", MOLECULES)
def test_aromatic_bonds_are_rdkits(smiles: str):
    graph, mol = graph_of(smiles)
    assert aromatic_bonds(graph).tolist() == [bond.GetIsAromatic() for bond in mol.GetBonds()]


@pytest.mark.parametrize("smiles", MOLECULES)
@pytest.mark.parametrize("hydrogens", [False, True], ids=["heavy", "all atoms"])
def test_the_bonds_are_rdkits(smiles: str, hydrogens: bool):
    graph, mol = graph_of(smiles, hydrogens=hydrogens)
    found = {(min(ends), max(ends)) for ends in graph.bonds[brics_bonds(graph)].tolist()}
    assert found == rdkits(mol)


def test_the_molecules_have_every_environment():
    kinds = {kind for smiles in MOLECULES for _, pair in BRICS.FindBRICSBonds(graph_of(smiles)[1]) for kind in pair}
    assert {kind.rstrip("ab") for kind in kinds} == {
        str(kind) for kind in (1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
    }


def test_pieces_share_out_all_atoms():
    graph, _ = graph_of("CN1CCN(CC1)c1ccc(cn1)-c1nc2ccccc2[nH]1")
    pieces = brics_pieces(graph)
    assert sorted(int(piece.sum()) for piece in pieces) == [6, 7, 9]
    assert np.array_equal(np.sum(pieces, 0), np.ones(graph.atoms))


def test_cuts_hold_brics_pieces_where_elements_are_known():
    """The nitrile stays on its ring; between amide N and C it is cut, which the graph alone does not tell."""
    graph, _ = graph_of("N#Cc1ccc(cc1)C(=O)NCC1CC1")
    bare = BondGraph(graph.atoms, graph.bonds, graph.orders)
    piece = next(one for one in brics_pieces(graph) if one[0])
    assert int(piece.sum()) == 8
    assert any(
        np.array_equal(cut_one(graph, np.random.default_rng(seed)), brics_pieces(graph)[-1]) for seed in range(300)
    )
    for seed in range(20):
        for whole in (graph, bare):
            parts = cut_several(whole, np.random.default_rng(seed))
            assert not parts or np.sum(parts, 0).max() == 1


def test_elements_are_needed():
    with pytest.raises(ValueError, match="without elements"):
        brics_bonds(BondGraph(3, np.array([[0, 1], [1, 2]]), np.array([1, 1])))
