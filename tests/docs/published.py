"""Files of molecules as the sampling scripts of published generators write them, for the page that checks them."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from rdkit import Chem

QM9_ELEMENTS = "H C N O F".split()
ORDERS = [None, *(Chem.BondType.names[name] for name in ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC"))]


def write_published(folder: Path, mols: Sequence[Chem.Mol], small: Sequence[Chem.Mol]) -> None:
    """The files that the page names.

    Args:
        folder: where they are written.
        mols: molecules with hydrogens and a conformer.
        small: the same, of H, C, N, O and F only.
    """
    edm = folder / "outputs/edm_qm9/eval/analyzed_molecules"
    edm.mkdir(parents=True)
    for place, mol in enumerate(small):
        (edm / f"molecule_{place:03d}.txt").write_text(_edm(mol))
    (folder / "samples").mkdir()
    # SemlaFlow's are sanitized, and those that cannot be are left out
    _sdf(folder / "samples/predictions.smol.sdf", small[1:], kekulize=True)
    _sdf(folder / "flowmol3.sdf", mols, kekulize=False)
    (folder / "generated_samples1.txt").write_text("".join(_midi(mol) for mol in small))
    # EQGAT-diff pickles objects of a class of its own, which have an RDKit molecule
    with (folder / "samples/stable_molecules.pickle").open("wb") as file:
        pickle.dump([SimpleNamespace(rdkit_mol=mol) for mol in small[2:]], file)


def _sdf(path: Path, mols: Sequence[Chem.Mol], *, kekulize: bool) -> None:
    with Chem.SDWriter(str(path)) as writer:
        writer.SetKekulize(kekulize)
        for mol in mols:
            writer.write(mol)


def _edm(mol: Chem.Mol) -> str:
    lines = [f"{mol.GetNumAtoms()}", ""]
    for atom, (x, y, z) in zip(mol.GetAtoms(), mol.GetConformer().GetPositions(), strict=True):
        lines.append(f"{atom.GetSymbol()} {x:.9f} {y:.9f} {z:.9f}")
    return "\n".join(lines) + "\n"


def _midi(mol: Chem.Mol) -> str:
    def words(values: Sequence[object]) -> str:
        return "".join(f"{value} " for value in values)

    atoms = list(mol.GetAtoms())
    bonds = [[0] * len(atoms) for _ in atoms]
    for bond in mol.GetBonds():
        one, other = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        bonds[one][other] = bonds[other][one] = ORDERS.index(bond.GetBondType())
    return "\n".join(
        [
            f"N={len(atoms)}",
            "X: ",
            words([QM9_ELEMENTS.index(atom.GetSymbol()) for atom in atoms]),
            "charges: ",
            words([atom.GetFormalCharge() for atom in atoms]),
            "pos: ",
            *(words(position) for position in mol.GetConformer().GetPositions().tolist()),
            "E: ",
            *(words(row) for row in bonds),
            "",
            "",
        ]
    )
