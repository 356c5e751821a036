"""Enumerate the library of small molecules that ships with moldiff.

Every pair of commodity building blocks that a named reaction template joins gives one product; those that pass the
rules for lead-likeness and the structural alerts are written to `library.csv`. No random number is drawn, so the same
RDKit gives the same bytes. `python data/build.py --help` lists the options.
"""

import argparse
import csv
import hashlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem, rdBase
from rdkit.Chem import QED, Descriptors, rdChemReactions, rdMolDescriptors
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from moldiff.errors import UserError
from moldiff.files.atomic import sha256, write_text

HERE = Path(__file__).resolve().parent
BUILT_WITH = "2026.09.1"  # the RDKit release whose SMILES and descriptors library.csv holds

ELEMENTS = frozenset({"C", "N", "O", "F", "S", "Cl", "Br"})  # besides hydrogen
# Inclusive bounds of the numeric columns: about the rule of three (Congreve 2003), with more room for TPSA and
# rotatable bonds as in lead-like sets; units as in `describe`.
BOUNDS: dict[str, tuple[float, float]] = {
    "heavy_atoms": (6, 14),
    "mw": (80.0, 300.0),
    "logp": (-1.0, 3.5),
    "tpsa": (0.0, 100.0),
    "hbd": (0, 3),
    "hba": (1, 6),
    "rotatable_bonds": (0, 5),
}
# Brenk alerts that README.md gives a reason to waive.
WAIVED_ALERTS = frozenset({"triple_bond", "Aliphatic_long_chain", "phthalimide"})
MOST_PER_SIZE = 200  # molecules of one reaction and one number of heavy atoms
COLUMNS = ("id", "smiles", "block_1", "block_2", "reaction", *BOUNDS, "qed")


@dataclass(frozen=True)
class Group:
    """A functional group: what makes a building block a partner in a reaction."""

    name: str
    pattern: Chem.Mol
    may_remain: bool


@dataclass(frozen=True)
class Block:
    """A commodity building block; `counts` says how often each functional group occurs in it."""

    name: str
    mol: Chem.Mol
    counts: dict[str, int]


@dataclass(frozen=True)
class Reaction:
    """A template of two reactants and the groups that spoil it."""

    name: str
    classes: tuple[tuple[str, ...], tuple[str, ...]]
    competing: tuple[str, ...]
    template: rdChemReactions.ChemicalReaction


def read_table(name: str) -> list[dict[str, str]]:
    """Rows of a table beside this script."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_groups() -> list[Group]:
    """Functional groups in the order of their table."""
    return [
        Group(row["group"], Chem.MolFromSmarts(row["smarts"]), row["may_remain"] == "yes")
        for row in read_table("functional_groups.csv")
    ]


def count_groups(mol: Chem.Mol, groups: list[Group]) -> dict[str, int]:
    """How often each functional group occurs in a molecule; absent groups are left out."""
    counts = {group.name: len(mol.GetSubstructMatches(group.pattern)) for group in groups}
    return {name: count for name, count in counts.items() if count}


def read_blocks(groups: list[Group]) -> list[Block]:
    """Building blocks in the order of their table.

    Raises:
        UserError: an unreadable SMILES, or classes that are not the functional groups of the structure.
    """
    blocks = []
    for number, row in enumerate(read_table("building_blocks.csv"), start=2):
        where = f"building_blocks.csv, line {number} ({row['name']})"
        mol = Chem.MolFromSmiles(row["smiles"])
        if mol is None:
            raise UserError(f"{where}: unreadable SMILES {row['smiles']}")
        counts = count_groups(mol, groups)
        if sorted(row["classes"].split(";")) != sorted(counts):
            raise UserError(f"{where}: classes should be {';'.join(counts)}")
        blocks.append(Block(row["name"], mol, counts))
    return blocks


def read_reactions() -> list[Reaction]:
    """Reaction templates in the order of their table; where two give one product, the earlier gets it."""
    reactions = []
    for row in read_table("reactions.csv"):
        template = rdChemReactions.ReactionFromSmarts(row["smarts"])
        template.Initialize()
        classes = (tuple(row["class_1"].split(";")), tuple(row["class_2"].split(";")))
        competing = tuple(filter(None, row["competing"].split(";")))
        reactions.append(Reaction(row["reaction"], classes, competing, template))
    return reactions


def partners(reaction: Reaction, side: int, blocks: list[Block]) -> list[Block]:
    """Blocks that react at exactly one place on this side (0 or 1) of a reaction and carry no competing group."""
    own, other = reaction.classes[side], reaction.classes[1 - side]
    spoiling = (set(reaction.competing) | set(other)) - set(own)
    return [
        block
        for block in blocks
        if sum(block.counts.get(name, 0) for name in own) == 1 and spoiling.isdisjoint(block.counts)
    ]


def react(reaction: Reaction, first: Block, second: Block) -> Chem.Mol | None:
    """The one product of two blocks; None where there is none, several are possible, or it is too large."""
    products: dict[str, Chem.Mol] = {}
    for (product,) in reaction.template.RunReactants((first.mol, second.mol)):
        if product.GetNumHeavyAtoms() > BOUNDS["heavy_atoms"][1]:
            return None  # before the slow part
        if Chem.SanitizeMol(product, catchErrors=True) == Chem.SanitizeFlags.SANITIZE_NONE:
            # Parsed again, so that hydrogen counts and stereo marks are those of the SMILES that is written.
            smiles = Chem.MolToSmiles(product)
            products[smiles] = Chem.MolFromSmiles(smiles)
    return next(iter(products.values())) if len(products) == 1 else None


def enumerate_products(reaction: Reaction, blocks: list[Block]) -> Iterator[tuple[Chem.Mol, Block, Block]]:
    """Products of one reaction with their two blocks."""
    for first in partners(reaction, 0, blocks):
        for second in partners(reaction, 1, blocks):
            product = react(reaction, first, second)
            if product is not None:
                yield product, first, second


def describe(mol: Chem.Mol) -> dict[str, float]:
    """The numeric columns but QED: MW in g/mol, Crippen logP, TPSA in Å²."""
    return {
        "heavy_atoms": mol.GetNumHeavyAtoms(),
        "mw": Descriptors.MolWt(mol),
        "logp": rdMolDescriptors.CalcCrippenDescriptors(mol)[0],
        "tpsa": rdMolDescriptors.CalcTPSA(mol),
        "hbd": rdMolDescriptors.CalcNumHBD(mol),
        "hba": rdMolDescriptors.CalcNumHBA(mol),
        "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds(mol),
    }


class Filter:
    """The rules that a product has to pass."""

    def __init__(self, groups: list[Group]) -> None:
        self.handles = [group for group in groups if not group.may_remain]
        catalogs = FilterCatalogParams.FilterCatalogs
        self.alerts = [self._catalog(catalogs.BRENK, WAIVED_ALERTS), self._catalog(catalogs.PAINS, frozenset())]

    @staticmethod
    def _catalog(which: FilterCatalogParams.FilterCatalogs, waived: frozenset[str]) -> FilterCatalog:
        catalog = FilterCatalog(FilterCatalogParams(which))
        for index in reversed(range(catalog.GetNumEntries())):
            if catalog.GetEntryWithIdx(index).GetDescription() in waived:
                catalog.RemoveEntry(index)
        return catalog

    def reason(self, mol: Chem.Mol, values: dict[str, float]) -> str | None:
        """Why a product is left out, or None if it passes every rule."""
        for name, (low, high) in BOUNDS.items():
            if not low <= values[name] <= high:
                return name
        if any(atom.GetSymbol() not in ELEMENTS or atom.GetIsotope() for atom in mol.GetAtoms()):
            return "element"
        if any(atom.GetFormalCharge() or atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
            return "charge"
        if len(Chem.GetMolFrags(mol)) != 1:
            return "fragments"
        if mol.GetRingInfo().NumRings() == 0:
            return "no ring"
        if any(center.specified == Chem.StereoSpecified.Unspecified for center in Chem.FindPotentialStereo(mol)):
            return "undefined stereo"
        for handle in self.handles:
            if mol.HasSubstructMatch(handle.pattern):
                return f"handle {handle.name}"
        for catalog in self.alerts:
            match = catalog.GetFirstMatch(mol)
            if match is not None:
                return f"alert {match.GetDescription()}"
        return None


def build(blocks: list[Block], reactions: list[Reaction], accept: Filter) -> list[dict[str, str]]:
    """Rows of the library, sorted by size and SMILES; every distinct molecule once.

    The largest groups (amides of 14 atoms before all) would outweigh the rest, so each reaction gives at most
    `MOST_PER_SIZE` molecules of each size: those whose SMILES have the lowest SHA-256, a choice without a bias.
    """
    seen: set[str] = set()
    strata: dict[tuple[str, float], list[tuple[str, Chem.Mol, dict[str, float], Block, Block]]] = {}
    for reaction in reactions:
        for mol, first, second in enumerate_products(reaction, blocks):
            smiles = Chem.MolToSmiles(mol)
            if smiles in seen:
                continue
            seen.add(smiles)
            values = describe(mol)
            if accept.reason(mol, values) is None:
                stratum = strata.setdefault((reaction.name, values["heavy_atoms"]), [])
                stratum.append((smiles, mol, values, first, second))
    rows = []
    for (name, _), stratum in strata.items():
        stratum.sort(key=lambda entry: hashlib.sha256(entry[0].encode()).digest())
        rows += [as_row(mol, values, first, second, name) for _, mol, values, first, second in stratum[:MOST_PER_SIZE]]
    rows.sort(key=lambda row: (int(row["heavy_atoms"]), row["smiles"]))
    return [{"id": f"lib{number:05d}", **row} for number, row in enumerate(rows, start=1)]


def as_row(mol: Chem.Mol, values: dict[str, float], first: Block, second: Block, reaction: str) -> dict[str, str]:
    """One product as text: integers as they are, the rest to two decimals, QED to three."""
    numbers = {name: f"{value:.2f}" if isinstance(value, float) else str(value) for name, value in values.items()}
    return {
        "smiles": Chem.MolToSmiles(mol),
        "block_1": first.name,
        "block_2": second.name,
        "reaction": reaction,
        **numbers,
        "qed": f"{QED.qed(mol):.3f}",
    }


def as_csv(rows: list[dict[str, str]]) -> str:
    """The library as CSV text with LF line ends."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def checksums(folder: Path) -> str:
    """Text of SHA256SUMS for the tables of a folder, in the form that `sha256sum --check` reads."""
    return "".join(f"{sha256(path)}  {path.name}\n" for path in sorted(folder.glob("*.csv")))


def check(text: str, folder: Path) -> None:
    """Compare a rebuilt library and the recorded checksums with the files in the folder.

    Raises:
        UserError: the file, its checksum and the rebuilt text are not the same.
    """
    if checksums(folder) != (folder / "SHA256SUMS").read_text(encoding="utf-8"):
        raise UserError(f"{folder / 'SHA256SUMS'}: a table has changed since; rebuild with: python data/build.py")
    if (folder / "library.csv").read_bytes() != text.encode():
        remedy = "rebuild with: python data/build.py"
        if rdBase.rdkitVersion != BUILT_WITH:
            remedy = f"it was built with RDKit {BUILT_WITH}, this is {rdBase.rdkitVersion}: install that release"
        raise UserError(f"{folder / 'library.csv'}: a rebuild gives other bytes; {remedy}")


def main() -> int:
    """Command line; 0, or 2 if something is wrong."""
    parser = argparse.ArgumentParser(description="Enumerate data/library.csv from building blocks and reactions.")
    parser.add_argument("--check", action="store_true", help="rebuild, compare with the shipped files, write nothing")
    options = parser.parse_args()
    try:
        groups = read_groups()
        with rdBase.BlockLogs():  # a product that does not sanitize is expected, and no product
            rows = build(read_blocks(groups), read_reactions(), Filter(groups))
        text = as_csv(rows)
        if options.check:
            check(text, HERE)
        else:
            write_text(HERE / "library.csv", text)
            write_text(HERE / "SHA256SUMS", checksums(HERE))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(rows)} molecules, sha256 {hashlib.sha256(text.encode()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
