"""From a record to the standardised molecules that the data set holds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors
from rdkit.Chem.MolStandardize import rdMolStandardize

from moldiff.chemistry.arrays import MoleculeArrays, implied_hydrogens, to_arrays
from moldiff.chemistry.conformers import make_conformers
from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.identity import flat_key, inchikey, scaffold_smiles, without_hydrogens
from moldiff.chemistry.parsing import Rejected, has_coordinates, parse_record
from moldiff.config.featurize import FeaturizeOptions
from moldiff.errors import UserError


@dataclass(frozen=True, slots=True)
class PreparedMolecule:
    """One conformer of a standardised molecule and its names."""

    arrays: MoleculeArrays
    smiles: str
    isomeric_smiles: str
    inchikey: str
    scaffold: str
    conformer: int
    columns: Mapping[str, float] = field(default_factory=dict)
    """Values computed of the conformer, by the name of their column."""


@dataclass(frozen=True, slots=True)
class StandardMolecule:
    """A molecule as it will be stored, with its conformers, and without hydrogen atoms, for its names."""

    stored: Chem.Mol
    heavy: Chem.Mol
    graph: MoleculeArrays
    smiles: str = ""
    isomeric_smiles: tuple[str, ...] = ()
    """Of each conformer: made ones may differ in stereo that the record leaves open."""
    columns: tuple[Mapping[str, float], ...] = ()
    """Of each conformer, or none at all: see `PreparedMolecule.columns`."""


def prepare(record: Record, options: FeaturizeOptions) -> list[PreparedMolecule]:
    """Read, standardise and, without coordinates, embed one record: its molecules, one for each conformer.

    Raises:
        Rejected: with the reason for ``rejected.csv``.
    """
    return finish(add_smiles(standardise(read_whole(record, options), record, options)), options)


def read_whole(record: Record, options: FeaturizeOptions) -> Chem.Mol:
    """The sanitized molecule of a record, one fragment, its hydrogen atoms as written.

    Raises:
        Rejected: it cannot be read or sanitized, or there are several fragments and that is not wanted.
    """
    mol = parse_record(record)
    _sanitize(mol)
    mol = _one_fragment(mol, options.fragments)
    if options.neutralize and any(atom.GetFormalCharge() for atom in mol.GetAtoms()):
        mol = _neutralized(mol)
    return mol


def standardise(mol: Chem.Mol, record: Record, options: FeaturizeOptions) -> StandardMolecule:
    """Hydrogens as wanted, elements and size checked, conformers made where there are no coordinates, and relaxed.

    Raises:
        Rejected: what would be stored is not allowed, not the molecule any more, or gets no conformer or no minimum.
    """
    heavy = _heavy(mol)
    explicit = options.hydrogens == "explicit"
    hydrogens = _check(mol if explicit else heavy, options)
    if not has_coordinates(mol):
        _assign_drawn_stereo(mol)
        mol = make_conformers(mol, record.text, options)
        heavy = _heavy(mol)
    elif explicit and any(hydrogens):
        mol = Chem.AddHs(mol, addCoords=True)
    if options.relax == "gfn2":
        from moldiff.chemistry.gfn2 import relaxed  # brings scipy, which nothing else here needs

        mol = relaxed(mol)
        heavy = _heavy(mol)
    columns = _gfn2_columns(mol) if options.gfn2_columns else ()
    stored = mol if explicit else heavy
    try:
        graph = to_arrays(stored)
    except ValueError as error:
        raise Rejected(f"not representable: {error}") from None
    if not explicit:
        _check_implied(heavy, graph, hydrogens)
    return StandardMolecule(stored, heavy, graph, columns=columns)


def add_smiles(mol: StandardMolecule) -> StandardMolecule:
    """The molecule with its SMILES.

    Raises:
        Rejected: a coordinate is not finite.
    """
    heavy = mol.heavy
    smiles = flat_key(heavy)
    isomeric: list[str] = []
    for conformer_id in _conformer_ids(heavy):
        if not math.isfinite(mol.stored.GetConformer(conformer_id).GetPositions().sum()):
            raise Rejected("coordinates that are not finite (NaN or infinite)")
        Chem.AssignStereochemistryFrom3D(heavy, conformer_id, replaceExistingTags=True)
        isomeric.append(Chem.MolToSmiles(heavy))
    return replace(mol, smiles=smiles, isomeric_smiles=tuple(isomeric))


def finish(mol: StandardMolecule, options: FeaturizeOptions) -> list[PreparedMolecule]:
    """The arrays, InChIKey and, if the split needs it, scaffold of each conformer of a named molecule."""
    heavy, graph = mol.heavy, mol.graph
    scaffold = scaffold_smiles(heavy) if options.split == "scaffold" else ""
    keys: dict[str, str] = {}
    prepared: list[PreparedMolecule] = []
    ids = _conformer_ids(heavy)
    for number, (conformer_id, isomeric) in enumerate(zip(ids, mol.isomeric_smiles, strict=True)):
        if isomeric not in keys:
            if len(ids) > 1:  # naming has left the stereo of the last conformer
                Chem.AssignStereochemistryFrom3D(heavy, conformer_id, replaceExistingTags=True)
            keys[isomeric] = inchikey(heavy)
        positions = mol.stored.GetConformer(conformer_id).GetPositions()
        arrays = MoleculeArrays(positions, graph.atomic_numbers, graph.formal_charges, graph.bonds, graph.bond_orders)
        columns = mol.columns[number] if mol.columns else {}
        prepared.append(PreparedMolecule(arrays, mol.smiles, isomeric, keys[isomeric], scaffold, number, columns))
    return prepared


def _gfn2_columns(mol: Chem.Mol) -> tuple[dict[str, float], ...]:
    """The columns of each conformer; missing hydrogens are placed for them, and what has no energy has no values."""
    from moldiff.chemistry.gfn2 import COLUMNS, electronic  # brings scipy, which nothing else here needs
    from moldiff.chemistry.hydrogens import with_hydrogens

    whole, columns = with_hydrogens(mol), []
    for conformer in _conformer_ids(whole):
        try:
            columns.append(dict(zip(COLUMNS, electronic(whole, conformer), strict=True)))
        except (RuntimeError, ValueError):
            columns.append({})
    return tuple(columns)


def _conformer_ids(mol: Chem.Mol) -> list[int]:
    if mol.GetNumConformers() == 1:  # the usual case is not worth the cost of GetConformers()
        return [-1]
    return [conformer.GetId() for conformer in mol.GetConformers()]


def _check(mol: Chem.Mol, options: FeaturizeOptions) -> list[int]:
    """Elements, charges and size of what will be stored; returns the hydrogens of each atom that are not atoms."""
    allowed = _allowed(tuple(options.elements))
    hydrogens: list[int] = []
    for index in range(mol.GetNumAtoms()):
        atom = mol.GetAtomWithIdx(index)
        hydrogens.append(atom.GetTotalNumHs())
        if atom.GetAtomicNum() not in allowed:
            symbol = atom.GetSymbol()
            raise Rejected(f"unknown element: {symbol}" if symbol == "*" else f"element not allowed: {symbol}")
        charge = atom.GetFormalCharge()
        if charge and abs(charge) > options.max_charge:
            raise Rejected(f"formal charge beyond {options.max_charge}: {charge:+d}")
        if charge and options.charges and charge not in options.charges:
            raise Rejected(f"formal charge not allowed: {charge:+d}")
    missing = sum(hydrogens) if options.hydrogens == "explicit" else 0
    size = len(hydrogens) + missing
    if missing and 1 not in allowed:
        raise Rejected("element not allowed: H")
    if size > options.max_atoms:
        raise Rejected(f"too many atoms: {size}, and max_atoms is {options.max_atoms}")
    if size < options.min_atoms:
        raise Rejected(f"too few atoms: {size}, and min_atoms is {options.min_atoms}")
    return hydrogens


def _assign_drawn_stereo(mol: Chem.Mol) -> None:
    """Stereo of a SMILES, or of the wedges and double bonds of a drawing, so that conformers keep it."""
    if mol.GetNumConformers():
        Chem.AssignChiralTypesFromBondDirs(mol)
        Chem.DetectBondStereochemistry(mol)
        mol.RemoveAllConformers()
    Chem.AssignStereochemistry(mol, cleanIt=True, force=True)


def _sanitize(mol: Chem.Mol) -> None:
    try:
        Chem.SanitizeMol(mol)
    except ValueError as error:
        raise Rejected(f"not sanitizable: {' '.join(str(error).split())[:200]}") from None


def _one_fragment(mol: Chem.Mol, policy: str) -> Chem.Mol:
    """The fragment with most heavy atoms; of equal ones the heaviest, then the first by canonical SMILES.

    All of them, if that is the policy; where they lie to each other is not for a conformer generator to say.
    """
    if len(Chem.GetMolFrags(mol)) == 1:
        return mol
    fragments = Chem.GetMolFrags(mol, asMols=True)
    if policy == "reject":
        raise Rejected(f"several fragments: {len(fragments)}")
    if policy == "keep":
        if not has_coordinates(mol):
            raise Rejected(f"several fragments without coordinates: {len(fragments)}")
        return mol
    ranked = [
        (-part.GetNumHeavyAtoms(), -round(rdMolDescriptors.CalcExactMolWt(part), 4), Chem.MolToSmiles(part), part)
        for part in fragments
    ]
    return min(ranked, key=lambda entry: entry[:3])[3]


def _neutralized(mol: Chem.Mol) -> Chem.Mol:
    """Uncharged as far as hydrogen can do it; hydrogen atoms become implicit on the way."""
    return rdMolStandardize.Uncharger().uncharge(_without_labelled_hydrogens(mol))


def _without_labelled_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    """A copy whose hydrogens are implicit, deuterium and mapped ones too, which RemoveHs keeps as atoms."""
    plain = Chem.Mol(mol)
    for index in range(plain.GetNumAtoms()):
        atom = plain.GetAtomWithIdx(index)
        if atom.GetAtomicNum() == 1:
            atom.SetIsotope(0)
            atom.SetAtomMapNum(0)
    return Chem.RemoveHs(plain)


def check_elements(elements: Sequence[str]) -> None:
    """Make sure that symbols are those of elements.

    Raises:
        UserError: one is not.
    """
    table = Chem.GetPeriodicTable()
    symbols = {table.GetElementSymbol(number) for number in range(1, 119)}
    if unknown := [symbol for symbol in elements if symbol not in symbols]:
        raise UserError(f"elements: no element has the symbol {unknown[0]!r}; name each separately, like C, Cl or Br")


@cache
def _allowed(elements: tuple[str, ...]) -> frozenset[int]:
    table = Chem.GetPeriodicTable()
    return frozenset(table.GetAtomicNumber(symbol) for symbol in elements)


def _heavy(mol: Chem.Mol) -> Chem.Mol:
    if mol.GetNumHeavyAtoms() == 0:
        raise Rejected("no heavy atoms")
    try:
        return without_hydrogens(mol)
    except ValueError as error:
        raise Rejected(f"not valid without its hydrogen atoms: {' '.join(str(error).split())[:200]}") from None


def _check_implied(heavy: Chem.Mol, graph: MoleculeArrays, hydrogens: list[int]) -> None:
    """Every atom gets back from its kekulized bonds and charge the hydrogens it has, so no radical is lost unseen.

    Raises:
        Rejected: an atom would get another number.
    """
    bonded = [0] * len(graph)
    for (begin, end), order in zip(graph.bonds.tolist(), graph.bond_orders.tolist(), strict=True):
        bonded[begin] += order
        bonded[end] += order
    states = zip(graph.atomic_numbers.tolist(), graph.formal_charges.tolist(), bonded, strict=True)
    expected = [implied_hydrogens(*state) for state in states]
    if expected == hydrogens:
        return
    index = next(index for index, count in enumerate(hydrogens) if expected[index] != count)
    atom = heavy.GetAtomWithIdx(index)
    kind = "radical" if atom.GetNumRadicalElectrons() else "unusual valence"
    actual = "an error" if expected[index] is None else expected[index]
    raise Rejected(
        f"{kind}: {atom.GetSymbol()} with {hydrogens[index]} H would be read back with {actual} "
        "once hydrogens are implicit"
    )
