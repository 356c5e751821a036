"""Structural alerts: PAINS, Brenk and Glaxo of RDKit's FilterCatalog.

ChEMBL's Dundee set is Brenk and its BMS set is NIH under other names, so only one of each pair could be counted;
these three do not overlap.
"""

from functools import cache

from rdkit import Chem
from rdkit.Chem import FilterCatalog

_CATALOGS = FilterCatalog.FilterCatalogParams.FilterCatalogs
ALERT_SETS = {"pains": _CATALOGS.PAINS, "brenk": _CATALOGS.BRENK, "glaxo": _CATALOGS.CHEMBL_Glaxo}


def alerts(heavy: Chem.Mol) -> dict[str, list[str]]:
    """Names of the alerts that match, by set, sorted; of a sanitized molecule without hydrogens."""
    return {name: sorted({entry.GetDescription() for entry in _catalog(name).GetMatches(heavy)}) for name in ALERT_SETS}


@cache
def _catalog(name: str) -> FilterCatalog.FilterCatalog:
    parameters = FilterCatalog.FilterCatalogParams()
    parameters.AddCatalog(ALERT_SETS[name])
    return FilterCatalog.FilterCatalog(parameters)
