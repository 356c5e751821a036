"""Structural alerts: PAINS, Brenk and Glaxo of RDKit's FilterCatalog.

ChEMBL's Dundee set is Brenk and its BMS set is NIH under other names, so only one of each pair could be counted;
these three do not overlap.
"""

from functools import cache

from rdkit import Chem
from rdkit.Chem import FilterCatalog

from moldiff.scoring.molecule.patterns import Possible, pains_entries, possible

_CATALOGS = FilterCatalog.FilterCatalogParams.FilterCatalogs
ALERT_SETS = {"pains": _CATALOGS.PAINS, "brenk": _CATALOGS.BRENK, "glaxo": _CATALOGS.CHEMBL_Glaxo}


def alerts(heavy: Chem.Mol, screened: Possible | None = None) -> dict[str, list[str]]:
    """Names of the alerts that match, by set, sorted.

    Args:
        heavy: sanitized molecule without hydrogens.
        screened: what `possible` says of it, if that is known.
    """
    return {
        "pains": pains(heavy, screened),
        "brenk": catalog_alerts("brenk", heavy),
        "glaxo": catalog_alerts("glaxo", heavy),
    }


def pains(heavy: Chem.Mol, screened: Possible | None = None) -> list[str]:
    """Names of the PAINS alerts that match, sorted; see `alerts`."""
    entries = pains_entries()
    candidates = (screened or possible(heavy))["pains"]
    return sorted({entries[place].GetDescription() for place in candidates if entries[place].HasFilterMatch(heavy)})


def catalog_alerts(name: str, heavy: Chem.Mol) -> list[str]:
    """Names of the alerts of a set of `ALERT_SETS` that match, sorted."""
    return sorted({entry.GetDescription() for entry in _catalog(name).GetMatches(heavy)})


@cache
def _catalog(name: str) -> FilterCatalog.FilterCatalog:
    parameters = FilterCatalog.FilterCatalogParams()
    parameters.AddCatalog(ALERT_SETS[name])
    return FilterCatalog.FilterCatalog(parameters)
