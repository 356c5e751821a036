"""The SMARTS patterns that are asked of every molecule, screened all at once."""

import csv
import inspect
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

from rdkit import Chem, RDConfig
from rdkit.Chem import QED, FilterCatalog, Fragments

from moldiff.scoring.molecule.flags import group_patterns
from moldiff.scoring.molecule.screen import Screen

_PAINS_PATTERNS = Path(RDConfig.RDDataDir) / "Pains" / "wehi_pains.csv"

Possible = Mapping[str, list[int]]
"""Places of the patterns that may match, by the name of their list: ``groups``, ``pains``, ``qed``, ``acceptors``,
``flags``."""


@cache
def groups() -> dict[str, Chem.Mol]:
    """RDKit's 85 functional groups (`fr_*`) by name, sorted."""
    return {name: inspect.signature(count).parameters["pattern"].default for name, count in sorted(Fragments.fns)}


@cache
def pains_entries() -> list[FilterCatalog.FilterCatalogEntry]:
    """The entries of RDKit's PAINS catalog, which does not expose their patterns."""
    parameters = FilterCatalog.FilterCatalogParams()
    parameters.AddCatalog(FilterCatalog.FilterCatalogParams.FilterCatalogs.PAINS)
    catalog = FilterCatalog.FilterCatalog(parameters)
    return [catalog.GetEntryWithIdx(index) for index in range(catalog.GetNumEntries())]


def possible(heavy: Chem.Mol) -> Possible:
    """What may match a sanitized molecule without hydrogens; all else cannot."""
    screen, ends = _screen()
    places = screen.possible(heavy)
    return {
        name: [place - first for place in places if first <= place < last]
        for name, (first, last) in zip(_LISTS, pairwise(ends), strict=True)
    }


_LISTS = ("groups", "pains", "qed", "acceptors", "flags")


@cache
def _screen() -> tuple[Screen, list[int]]:
    """One screen of all patterns, and where each list of them begins and ends."""
    lists = (list(groups().values()), _pains_patterns(), QED.StructuralAlerts, QED.Acceptors, group_patterns())
    ends = [0]
    for patterns in lists:
        ends.append(ends[-1] + len(patterns))
    return Screen([pattern for patterns in lists for pattern in patterns]), ends


def _pains_patterns() -> list[Chem.Mol]:
    """The pattern of each entry, by the file that RDKit made the catalog from; any atom where it is not known."""
    written: dict[str, str] = {}
    if _PAINS_PATTERNS.is_file():
        with _PAINS_PATTERNS.open(encoding="utf-8", newline="") as file:
            written = {name.removeprefix("<regId=").removesuffix(">"): smarts for smarts, name in csv.reader(file)}
    # The catalog turns the hydrogens of these patterns into counts.
    patterns = (Chem.MolFromSmarts(written.get(e.GetDescription(), "*"), mergeHs=True) for e in pains_entries())
    return [
        pattern if pattern is not None and pattern.GetNumAtoms() else Chem.MolFromSmarts("*") for pattern in patterns
    ]
