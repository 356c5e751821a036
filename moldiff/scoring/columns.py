"""The columns of the rows: name, type and meaning of each, once."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["whole", "number", "text", "truth"]


@dataclass(frozen=True)
class Column:
    """A column of rows.parquet and rows.csv; null where it does not apply or could not be computed."""

    name: str
    kind: Kind
    meaning: str


ROW_COLUMNS = (
    Column("index", "whole", "number of the record among all inputs, from 1"),
    Column("source", "text", "file the record stands in"),
    Column("record", "whole", "number of the record in its file, from 1"),
    Column("name", "text", "title of the record"),
    Column("smiles", "text", "canonical SMILES with stereo, without hydrogens; of sanitizable records"),
    Column("key", "text", "canonical SMILES without stereo: what uniqueness and novelty go by; of valid records"),
    Column("inchikey_block", "text", "first block of the InChIKey; of valid records"),
    Column("bonds", "text", "written, or how they were perceived from positions (XYZ)"),
    Column("coordinates", "truth", "has three-dimensional coordinates"),
    Column("readable", "truth", "parses, has atoms, no dummy atom"),
    Column("sanitizable", "truth", "RDKit sanitizes the whole record"),
    Column("connected", "truth", "one fragment"),
    Column("valid", "truth", "readable, sanitizable and connected"),
    Column("valid_largest_fragment", "truth", "the largest fragment is sanitizable (the convention of EDM and MiDi)"),
    Column("valid_strict", "truth", "valid, and nothing missing or altered; see the definitions"),
    Column("stable", "truth", "each atom's valence, as written, is in the table"),
    Column("atoms", "whole", "atoms of the record as written"),
    Column("stable_atoms", "whole", "atoms whose valence, as written, is in the table"),
    Column("duplicate", "truth", "the key stood in an earlier record; of valid records"),
    Column("novel", "truth", "the key is not in the training set; of valid records"),
    Column("nearest_train", "number", "Tanimoto similarity to the nearest training molecule; of a sample"),
    Column("nearest_train_smiles", "text", "that training molecule"),
    Column("pb_valid", "truth", "passes the tests of PoseBusters mol_fast; of valid records with coordinates"),
    Column("pb_failed", "text", "tests failed, or why there is no verdict"),
    Column("sane", "truth", "bond lengths and contacts of all atoms, hydrogens included, are possible"),
    Column("sanity_failed", "text", "tests failed"),
    Column("posebusters", "truth", "PoseBusters itself, configuration mol; of a sample"),
    Column("posebusters_failed", "text", "its tests failed"),
    Column("strain_energy", "number", "MMFF94s energy above the local minimum, kcal/mol; of a sample"),
    Column("strain_rmsd", "number", "heavy-atom RMSD to that minimum, Å"),
    Column("strain_reason", "text", "why there is no strain energy"),
    Column("etkdg_rmsd", "number", "smallest heavy-atom RMSD to 10 ETKDGv3 + MMFF94s conformers, Å; of a sample"),
    Column("etkdg_reason", "text", "why there is no such RMSD"),
    Column("xtb_energy", "number", "energy lowered by GFN2-xTB relaxation, kcal/mol; of a sample"),
    Column("xtb_rmsd", "number", "heavy-atom RMSD of that relaxation, Å"),
    Column("xtb_reason", "text", "why there is no relaxation energy"),
    Column("qed", "number", "quantitative estimate of drug-likeness, 0 to 1"),
    Column("sa", "number", "synthetic accessibility, 1 easy to 10 hard"),
    Column("logp", "number", "octanol-water partition coefficient (Crippen)"),
    Column("tpsa", "number", "topological polar surface area, Å²"),
    Column("mw", "number", "molecular weight, g/mol"),
    Column("hbd", "whole", "hydrogen-bond donors"),
    Column("hba", "whole", "hydrogen-bond acceptors"),
    Column("rotatable_bonds", "whole", "rotatable bonds"),
    Column("fsp3", "number", "share of sp3 carbons"),
    Column("heavy_atoms", "whole", "atoms other than hydrogen"),
    Column("charge", "whole", "total formal charge, e"),
    Column("lipinski_violations", "whole", "of Lipinski's four rules; at most one passes"),
    Column("pains", "whole", "PAINS alerts that match"),
    Column("brenk", "whole", "Brenk alerts that match"),
    Column("glaxo", "whole", "Glaxo alerts that match"),
    Column("alerts", "text", "names of these alerts"),
    Column("rings", "whole", "rings"),
    Column("largest_ring", "whole", "atoms of the largest ring, 0 without rings"),
    Column("joined_rings", "whole", "rings in the largest system of rings that share atoms"),
    Column("bridgeheads", "whole", "bridgehead atoms"),
    Column("spiro_atoms", "whole", "spiro atoms"),
    Column("stereocentres", "whole", "tetrahedral stereocentres, specified or not"),
    Column("ring_systems", "text", "SMILES of the ring systems, open valences filled with hydrogen"),
    Column("new_ring_systems", "text", "those of them that the reference does not have"),
    Column("rings_known", "truth", "the reference has all of its ring systems"),
    Column("chembl_rings", "whole", "occurrences in ChEMBL of its rarest ring system, those from 128 on within 5 %"),
    Column("chembl_unknown", "whole", "ring systems that ChEMBL does not have in any stereoisomer or charge state"),
    Column("chembl_unknown_exact", "whole", "ring systems whose whole InChIKey ChEMBL does not have"),
    Column("topology_flags", "text", "names of the flags of topology"),
    Column("group_flags", "text", "names of the flags of functional groups"),
    Column("reasonable", "truth", "neither kind of flag"),
    Column("scaffold", "text", "SMILES of the Murcko scaffold, empty without rings"),
    Column("functional_groups", "text", "RDKit's fr_ groups that occur, with counts"),
    Column("reasons", "text", "why it is not valid_strict; empty if it is"),
)
