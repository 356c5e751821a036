"""From a record to the standardised molecules that the data set holds."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from rdkit import Chem, RDLogger
from rdkit.Chem import Descriptors
from rdkit.Chem.MolStandardize import rdMolStandardize

from moldiff.chemistry.arrays import MoleculeArrays, implied_hydrogens, to_arrays
from moldiff.chemistry.conformers import make_conformers
from moldiff.chemistry.identity import flat_key, inchikey, scaffold_smiles, strip_labels, without_hydrogens
from moldiff.chemistry.parsing import Rejected, has_coordinates, parse_record
from moldiff.chemistry.records import Record
from moldiff.config import FeaturizeOptions


@dataclass(frozen=True, slots=True)
class PreparedMolecule:
    """One conformer of a standardised molecule and its names."""

    arrays: MoleculeArrays
    smiles: str
    isomeric_smiles: str
    inchikey: str
    scaffold: str
    conformer: int


def prepare(record: Record, options: FeaturizeOptions) -> list[PreparedMolecule]:
    """Read, standardise and, without coordinates, embed one record: its molecules, one for each conformer.

    Raises:
        Rejected: with the reason for ``rejected.csv``.
    """
    mol = parse_record(record)
    strip_labels(mol)
    _sanitize(mol)
    mol = _one_fragment(mol, options.fragments)
    if options.neutralize and any(atom.GetFormalCharge() for atom in mol.GetAtoms()):
        mol = _neutralized(mol)
    _check_elements(mol, options)
    heavy = _heavy(mol)
    explicit = options.hydrogens == "explicit"
    _check_size(mol if explicit else heavy, explicit, options)
    if not explicit:
        _check_implied(heavy)
    if not has_coordinates(mol):
        mol = make_conformers(mol, record.text, options)
        heavy = _heavy(mol)
    elif explicit:
        mol = Chem.AddHs(mol, addCoords=True)
    stored = mol if explicit else heavy
    return _conformers(stored, heavy, options)


def _conformers(stored: Chem.Mol, heavy: Chem.Mol, options: FeaturizeOptions) -> list[PreparedMolecule]:
    """The molecules of all conformers; only the first one's names are computed where stereo is the same."""
    scaffold = scaffold_smiles(heavy) if options.split == "scaffold" else ""
    flat = flat_key(Chem.Mol(heavy) if heavy.GetNumConformers() > 1 else heavy)
    prepared: list[PreparedMolecule] = []
    positions = [conformer.GetPositions() for conformer in stored.GetConformers()]
    heavy_ids = [conformer.GetId() for conformer in heavy.GetConformers()]
    graph: MoleculeArrays | None = None
    for number, (place, conformer_id) in enumerate(zip(positions, heavy_ids, strict=True)):
        if not np.isfinite(place).all():
            raise Rejected("coordinates that are not finite (NaN or infinite)")
        Chem.AssignStereochemistryFrom3D(heavy, conformer_id, replaceExistingTags=True)
        isomeric = Chem.MolToSmiles(heavy)
        key = inchikey(heavy)
        if graph is None:
            try:
                graph = to_arrays(stored)
            except ValueError as error:
                raise Rejected(f"not representable: {error}") from None
        arrays = MoleculeArrays(place, graph.atomic_numbers, graph.formal_charges, graph.bonds, graph.bond_orders)
        prepared.append(PreparedMolecule(arrays, flat, isomeric, key, scaffold, number))
    return prepared


def _sanitize(mol: Chem.Mol) -> None:
    try:
        Chem.SanitizeMol(mol)
    except ValueError as error:
        raise Rejected(f"not sanitizable: {' '.join(str(error).split())[:200]}") from None


def _one_fragment(mol: Chem.Mol, policy: str) -> Chem.Mol:
    """The fragment with most heavy atoms; of equal ones the heaviest, then the first by canonical SMILES."""
    if len(Chem.GetMolFrags(mol)) == 1:
        return mol
    fragments = Chem.GetMolFrags(mol, asMols=True)
    if policy == "reject":
        raise Rejected(f"several fragments: {len(fragments)}")
    ranked = [
        (-part.GetNumHeavyAtoms(), -round(Descriptors.ExactMolWt(part), 4), Chem.MolToSmiles(part), part)
        for part in fragments
    ]
    return min(ranked, key=lambda entry: entry[:3])[3]


def _neutralized(mol: Chem.Mol) -> Chem.Mol:
    """Uncharged as far as hydrogen can do it; hydrogen atoms become implicit on the way."""
    return rdMolStandardize.Uncharger().uncharge(Chem.RemoveHs(mol))


@cache
def _allowed(elements: tuple[str, ...]) -> frozenset[int]:
    table = Chem.GetPeriodicTable()
    return frozenset(table.GetAtomicNumber(symbol) for symbol in elements)


def _check_elements(mol: Chem.Mol, options: FeaturizeOptions) -> None:
    allowed = _allowed(tuple(options.elements))
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() not in allowed and (atom.GetAtomicNum() != 1 or options.hydrogens == "explicit"):
            symbol = atom.GetSymbol()
            raise Rejected(f"unknown element: {symbol}" if symbol == "*" else f"element not allowed: {symbol}")
        if abs(atom.GetFormalCharge()) > options.max_charge:
            raise Rejected(f"formal charge beyond {options.max_charge}: {atom.GetFormalCharge():+d}")


def _heavy(mol: Chem.Mol) -> Chem.Mol:
    if all(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms()):
        raise Rejected("no heavy atoms")
    try:
        return without_hydrogens(mol)
    except ValueError as error:
        raise Rejected(f"not valid without its hydrogen atoms: {' '.join(str(error).split())[:200]}") from None


def _check_size(mol: Chem.Mol, explicit: bool, options: FeaturizeOptions) -> None:
    atoms = mol.GetNumAtoms()
    if explicit:
        atoms += sum(atom.GetTotalNumHs() for atom in mol.GetAtoms())
    if atoms > options.max_atoms:
        raise Rejected(f"too many atoms: {atoms}, and max_atoms is {options.max_atoms}")
    if atoms < options.min_atoms:
        raise Rejected(f"too few atoms: {atoms}, and min_atoms is {options.min_atoms}")


def _check_implied(heavy: Chem.Mol) -> None:
    """Every atom gets back from its kekulized bonds and charge the hydrogens it has, so no radical is stored as none.

    Raises:
        Rejected: an atom would get another number.
    """
    kekulized = Chem.Mol(heavy)
    Chem.Kekulize(kekulized, clearAromaticFlags=True)
    for atom in kekulized.GetAtoms():
        bonded = atom.GetTotalValence() - atom.GetTotalNumHs()
        expected = implied_hydrogens(atom.GetAtomicNum(), atom.GetFormalCharge(), bonded)
        if expected != atom.GetTotalNumHs():
            kind = "radical" if atom.GetNumRadicalElectrons() else "unusual valence"
            raise Rejected(
                f"{kind}: {atom.GetSymbol()} with {atom.GetTotalNumHs()} H would be read back "
                f"with {'an error' if expected is None else expected} once hydrogens are implicit"
            )


def quiet() -> None:
    """Silence RDKit's warnings in this process; what matters of them stands in rejected.csv."""
    RDLogger.DisableLog("rdApp.warning")
    RDLogger.DisableLog("rdApp.info")
