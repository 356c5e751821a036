"""Structural alerts: PAINS, Brenk and Glaxo of RDKit's FilterCatalog.

ChEMBL's Dundee set is Brenk and its BMS set is NIH under other names, so only one of each pair could be counted;
these three do not overlap.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs, RDConfig
from rdkit.Chem import FilterCatalog

_CATALOGS = FilterCatalog.FilterCatalogParams.FilterCatalogs
ALERT_SETS = {"pains": _CATALOGS.PAINS, "brenk": _CATALOGS.BRENK, "glaxo": _CATALOGS.CHEMBL_Glaxo}
_PAINS_PATTERNS = Path(RDConfig.RDDataDir) / "Pains" / "wehi_pains.csv"


def alerts(heavy: Chem.Mol) -> dict[str, list[str]]:
    """Names of the alerts that match, by set, sorted; of a sanitized molecule without hydrogens."""
    return {
        "pains": _pains(heavy),
        "brenk": sorted({entry.GetDescription() for entry in _catalog("brenk").GetMatches(heavy)}),
        "glaxo": sorted({entry.GetDescription() for entry in _catalog("glaxo").GetMatches(heavy)}),
    }


def _pains(heavy: Chem.Mol) -> list[str]:
    """PAINS alerts, of which fingerprints rule out all but some thirty before the costly match is tried."""
    entries, needed = _screen()
    bits = _pattern_bits(heavy)
    possible = np.flatnonzero(~(needed & ~bits).any(axis=1))
    return sorted({entries[place].GetDescription() for place in possible if entries[place].HasFilterMatch(heavy)})


@cache
def _screen() -> tuple[list[FilterCatalog.FilterCatalogEntry], NDArray[np.uint64]]:
    """The catalog's entries and the bits [E, 32] that a molecule must have to match; none needed if not known."""
    catalog = _catalog("pains")
    entries = [catalog.GetEntryWithIdx(index) for index in range(catalog.GetNumEntries())]
    patterns: dict[str, str] = {}
    if _PAINS_PATTERNS.is_file():
        with _PAINS_PATTERNS.open(encoding="utf-8", newline="") as file:
            patterns = {name.removeprefix("<regId=").removesuffix(">"): smarts for smarts, name in csv.reader(file)}
    needed = np.zeros((len(entries), 32), dtype=np.uint64)
    for place, entry in enumerate(entries):
        # The catalog turns the hydrogens of these patterns into counts, and so must their fingerprint.
        pattern = Chem.MolFromSmarts(patterns.get(entry.GetDescription(), ""), mergeHs=True)
        if pattern is not None and pattern.GetNumAtoms():
            needed[place] = _pattern_bits(pattern)
    return entries, needed


def _pattern_bits(mol: Chem.Mol) -> NDArray[np.uint64]:
    return np.frombuffer(DataStructs.BitVectToBinaryText(Chem.PatternFingerprint(mol)), dtype=np.uint64)


@cache
def _catalog(name: str) -> FilterCatalog.FilterCatalog:
    parameters = FilterCatalog.FilterCatalogParams()
    parameters.AddCatalog(ALERT_SETS[name])
    return FilterCatalog.FilterCatalog(parameters)
