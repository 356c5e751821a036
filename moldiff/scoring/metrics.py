"""Every rate, number and descriptor of a check: its name, title and meaning, and how a row counts."""

from functools import partial

from moldiff.scoring.declared import Bins, Descriptor, Metric, Row, Share, Value
from moldiff.scoring.questions import QUESTIONS

ALL, VALID, DISTINCT, POSED = "all records", "valid", "distinct valid", "valid with coordinates"


def _of_all(holds: object) -> Share:
    return int(bool(holds)), 1


def _of_distinct(row: Row, holds: bool) -> Share:
    return (int(holds), 1) if _distinct(row) else (0, 0)


def _of_posed(row: Row, column: str) -> Share:
    return (int(row[column]), 1) if row["valid"] and row[column] is not None else (0, 0)


def _distinct(row: Row) -> bool:
    return bool(row["valid"]) and not row["duplicate"]


def _alerted(name: str, row: Row) -> Share:
    return _of_distinct(row, bool(row[name]))


def _of_measured(row: Row) -> Share:
    return (int(row["unusual"]), 1) if row["unusual"] is not None else (0, 0)


def _below(row: Row, bar: int) -> bool:
    return row["chembl_rings"] is not None and row["chembl_rings"] < bar


_VALIDITY = (
    Metric(
        "readable", "Readable", "parses, has atoms, no dummy atom or unknown element", ALL,
        lambda row: _of_all(row["readable"]),
    ),
    Metric(
        "sanitizable", "Sanitizable", "RDKit's SanitizeMol(SANITIZE_ALL) accepts the whole record", ALL,
        lambda row: _of_all(row["sanitizable"]),
    ),
    Metric("connected", "Connected", "one fragment", ALL, lambda row: _of_all(row["connected"])),
    Metric(
        "valid", "Valid", "readable, sanitizable and connected", ALL,
        lambda row: _of_all(row["valid"]), headline=True,
    ),
    Metric(
        "valid_largest_fragment", "Valid, largest fragment",
        "the fragment of most atoms is sanitizable: the convention of EDM and MiDi, for comparison only", ALL,
        lambda row: _of_all(row["valid_largest_fragment"]),
    ),
    Metric(
        "valid_strict", "Strictly valid",
        "valid; no hydrogen missing (policy explicit); no radical electrons; sanitizing changed no charge and no bond "
        "order; no aromatic bond outside a ring; every bond has an order", ALL,
        lambda row: _of_all(row["valid_strict"]),
    ),
    Metric(
        "atom_stability", "Atoms stable", "the valence as written is in the valence table", "atoms",
        lambda row: (row["stable_atoms"] or 0, row["atoms"] or 0),
    ),
    Metric(
        "molecule_stability", "Molecules stable", "all atoms of the record are stable", ALL,
        lambda row: _of_all(row["stable"]),
    ),
)  # fmt: skip
_SAMENESS = (
    Metric(
        "uniqueness", "Unique",
        "distinct flat canonical SMILES (no hydrogens, stereo, isotopes, atom maps): column key", VALID,
        lambda row: (int(not row["duplicate"]), 1) if row["valid"] else (0, 0), headline=True,
    ),
    Metric(
        "uniqueness_isomeric", "Unique with stereo",
        "distinct canonical SMILES with stereo, which is read from 3D where there is 3D", VALID,
        distinct=lambda row: row["smiles"],
    ),
    Metric(
        "uniqueness_inchikey", "Unique by InChIKey",
        "distinct first blocks of InChIKeys (tautomers may share one)", "valid with an InChIKey",
        distinct=lambda row: row["inchikey_block"],
    ),
    Metric(
        "novelty", "Novel", "keys that are not in the training set, canonicalised by the same function", DISTINCT,
        lambda row: _of_distinct(row, bool(row["novel"])), when="train", headline=True,
    ),
    Metric(
        "vun", "Valid, unique and novel", "new molecules among everything that was asked for", ALL,
        lambda row: _of_all(_distinct(row) and row["novel"]), when="train",
    ),
)  # fmt: skip
_POSE = (
    Metric(
        "pb_valid", "PB-valid",
        "the tests of PoseBusters mol_fast, own code, with absolute distances from planes and failing NaN", POSED,
        lambda row: _of_posed(row, "pb_valid"), when="counted",
    ),
    Metric(
        "pb_valid_of_all", "PB-valid of all", "the same: invalid records count as failed, valid ones without "
        "coordinates (SMILES) are left out", "all records with coordinates",
        lambda row: (0, 0) if row["valid"] and row["pb_valid"] is None else _of_all(row["valid"] and row["pb_valid"]),
        when="counted", headline=True,
    ),
    Metric(
        "sane", "Physically sane", "bond lengths and contacts of all atoms, hydrogens included, are possible: bonds "
        "0.6 to 1.5 times the sum of covalent radii; no pair four or more bonds apart under 0.6 of its van-der-Waals "
        "sum, but for hydrogen bonds (H on N, O, F to N, O, F) from 1.2 Å on; no distance under 0.5 Å", POSED,
        lambda row: _of_posed(row, "sane"), when="counted",
    ),
)  # fmt: skip
_REALISM = (
    Metric(
        "reasonable", "Reasonable", "free of the flags of topology and of functional groups", DISTINCT,
        lambda row: _of_distinct(row, bool(row["reasonable"])), beside=True, headline=True,
    ),
    Metric(
        "topology_flag", "Topology flags", "one or more flags of topology; lower is better", DISTINCT,
        lambda row: _of_distinct(row, bool(row["topology_flags"])), better=-1, beside=True,
    ),
    Metric(
        "group_flag", "Functional-group flags", "one or more flags of functional groups; lower is better", DISTINCT,
        lambda row: _of_distinct(row, bool(row["group_flags"])), better=-1, beside=True,
    ),
    Metric(
        "new_ring_system", "New ring systems", "hold a ring system that the reference does not have", DISTINCT,
        lambda row: _of_distinct(row, bool(row["new_ring_systems"])), better=0, when="reference",
    ),
    Metric(
        "chembl_unknown_ring", "Ring systems not in ChEMBL", "hold a ring system that ChEMBL does not; lower is better",
        DISTINCT, lambda row: _of_distinct(row, bool(row["chembl_unknown"])), better=-1, beside=True,
    ),
    Metric(
        "chembl_ring_below_5", "Ring systems below 5 in ChEMBL", "the rarest ring system occurs less than 5 times in "
        "ChEMBL; lower is better", DISTINCT, lambda row: _of_distinct(row, _below(row, 5)), better=-1, beside=True,
    ),
    Metric(
        "chembl_ring_below_100", "Ring systems below 100 in ChEMBL", "the rarest ring system occurs less than 100 "
        "times in ChEMBL; lower is better", DISTINCT, lambda row: _of_distinct(row, _below(row, 100)), better=-1,
        beside=True,
    ),
    Metric(
        "four_joined_rings", "Four joined rings", "a system of four or more rings", DISTINCT,
        lambda row: _of_distinct(row, (row["joined_rings"] or 0) >= 4), better=0, beside=True,
    ),
    Metric(
        "ring_of_seven", "Rings of seven", "a ring of seven atoms", DISTINCT,
        lambda row: _of_distinct(row, _distinct(row) and "7" in row["_composition"]["ring_sizes"]), better=0,
        beside=True,
    ),
    Metric(
        "ring_of_eight", "Rings of eight or more", "a ring of eight or more atoms", DISTINCT,
        lambda row: _of_distinct(row, (row["largest_ring"] or 0) >= 8), better=0, beside=True,
    ),
    Metric(
        "unusual", "Unusual to the weights", "less likely an atom than a quantile of known molecules "
        "(`moldiff likelihood --known`): a warning that they are not of the kind that the weights learned", "measured",
        _of_measured, better=-1, when="counted",
    ),
)  # fmt: skip
_CHEMISTRY = (
    Metric(
        "lipinski", "Lipinski", "break at most one of the four rules", DISTINCT,
        lambda row: _of_distinct(row, (row["lipinski_violations"] or 0) <= 1),
    ),
    *(
        Metric(
            name, title, f"match {what} (RDKit's FilterCatalog); lower is better", DISTINCT,
            partial(_alerted, name), better=-1,
        )
        for name, title, what in (
            ("pains", "PAINS alerts", "a pattern of frequent assay interference"),
            ("brenk", "Brenk alerts", "a pattern unwanted in screening libraries"),
            ("glaxo", "Glaxo alerts", "one of Glaxo's hard filters"),
        )
    ),
    Metric(
        "new_scaffolds", "New scaffolds", "distinct Murcko scaffolds that the reference does not have",
        "distinct scaffolds", better=0, when="reference",
    ),
)  # fmt: skip
METRICS = (
    *_VALIDITY,
    *_SAMENESS,
    *_REALISM,
    *_POSE,
    *(metric for question in QUESTIONS for metric in question.metrics),
    *_CHEMISTRY,
)
"""All rates, in the order in which they are printed."""

VALUES = (
    Value("internal_diversity", "Internal diversity", "mean Tanimoto distance of pairs (Morgan radius 2, 2048 bits); "
          "0 all alike, 1 nothing shared", better=1),
    Value("circles", "#Circles", "molecules that are pairwise less than 0.65 alike"),
    Value("snn", "Nearest training neighbour", "mean Tanimoto similarity to it; 1 is a copy"),
    Value("scaffolds", "Scaffolds", "distinct Murcko scaffolds"),
    Value("new_ring_systems", "New ring systems, a molecule", "that the reference does not have, on average"),
    Value("chembl_unknown_rings", "Ring systems not in ChEMBL, a molecule", "in any stereoisomer and charge state, on "
          "average", better=-1),
    Value("chembl_unknown_exact_rings", "The same by full InChIKeys", "as useful_rdkit_utils and FlowMol3 count, on "
          "average", better=-1),
    *(value for question in QUESTIONS for value in question.values),
)  # fmt: skip
"""All numbers that are not rates."""


def _counted(name: str, title: str, meaning: str, most: int) -> Descriptor:
    return Descriptor(name, title, meaning, Bins(-0.5, 1, most), integer=True)


DESCRIPTORS = (
    Descriptor("qed", "QED", "drug-likeness, 0 to 1; higher is more like an oral drug", Bins(0, 0.01, 100)),
    Descriptor("sa", "SA score", "how hard it looks to make, 1 easy to 10 hard", Bins(1, 0.1, 90)),
    Descriptor(
        "logp", "logP (Crippen)", "lipophilicity: logarithm of the octanol-water partition", Bins(-10, 0.1, 250)
    ),
    Descriptor("tpsa", "TPSA", "topological polar surface area", Bins(0, 2, 250), "Å²"),
    Descriptor("mw", "molecular weight", "average mass, hydrogens included", Bins(0, 5, 300), "g/mol"),
    _counted("hbd", "H-bond donors", "RDKit's CalcNumHBD", 30),
    _counted("hba", "H-bond acceptors", "RDKit's CalcNumHBA", 40),
    _counted("rotatable_bonds", "rotatable bonds", "strict definition of RDKit", 60),
    Descriptor("fsp3", "Fsp3", "share of carbons that are sp3", Bins(0, 0.02, 50)),
    _counted("rings", "rings", "smallest set of rings", 20),
    _counted("joined_rings", "joined rings", "rings in the largest system of rings that share atoms", 20),
    _counted("bridgeheads", "bridgeheads", "bridgehead atoms", 20),
    _counted("spiro_atoms", "spiro atoms", "atoms that two rings share alone", 10),
    _counted("stereocentres", "stereocentres", "tetrahedral stereocentres, specified or not", 40),
    _counted(
        "chembl_unknown",
        "ring systems not in ChEMBL",
        "ring systems that ChEMBL does not have in any stereoisomer or charge state",
        10,
    ),
    _counted(
        "chembl_unknown_exact",
        "ring systems not in ChEMBL, exactly",
        "ring systems whose full InChIKey ChEMBL does not have",
        10,
    ),
)
"""Numbers of a molecule whose distributions are taken."""
HEAVY_ATOMS = _counted("heavy_atoms", "heavy atoms", "atoms other than hydrogen", 150)
"""A column like those, whose distribution is that of the composition (``atom_counts``)."""
