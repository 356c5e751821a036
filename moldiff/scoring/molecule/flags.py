"""Functional groups that a medicinal chemist would not want in a molecule, each as one SMARTS pattern.

The set is this project's own: groups that do not survive water, air or storage, groups that react with proteins at
large, and groups that nobody would draw. Common parts of drugs stay unflagged although some screens refuse them
(esters, anilines, terminal alkynes, phenols, sulfonamides). How often each matches among real molecules is in
`docs/metrics.md`.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from rdkit import Chem


class GroupFlag(NamedTuple):
    """A functional group that is flagged: its name, why, and the SMARTS that finds it in a molecule without H."""

    name: str
    meaning: str
    smarts: str


UNSTABLE = (
    GroupFlag("peroxide", "O-O single bond", "[OX2,OX1-][OX2,OX1-]"),
    GroupFlag("heteroatom_halide", "N, O or S bound to a halogen", "[#7,#8,SX2,SX3][F,Cl,Br,I]"),
    GroupFlag("nitrogen_chain", "three or more N in a row outside aromatic rings; azides too", "[#7;!a]~[#7;!a]~[#7]"),
    GroupFlag(
        "heteroatom_chain", "O or S within a chain of heteroatoms", "[#7,#8,SX2;!a;!-]-[OX2,SX2;!a]-[#7,#8,SX2;!a]"
    ),
    GroupFlag("sulfenyl", "divalent S bound to N or O outside aromatic rings", "[SX2;!a]-[NX3,OX2;!a]"),
    GroupFlag(
        "hydroxylamine",
        "N-O single bond, neither acylated nor part of an oxime or ring",
        "[NX3;!a;!$(N[C,S,P]=[O,S,N]);!$(N~[OX1])]-[OX2;!r]",
    ),
    GroupFlag(
        "hydrazine",
        "N-N single bond in a chain, neither acylated nor conjugated",
        "[NX3;!R;!$(N[C,S,P]=[O,S,N]);!$(N~[OX1])]-[NX3;!R;!$(N[C,S,P]=[O,S,N]);!$(N~[OX1])]",
    ),
    GroupFlag("azo", "N=N double bond outside aromatic rings", "[#6,#7][NX2]=[NX2][#6]"),
    GroupFlag("diazo", "diazo compound or diazonium salt", "[#6]~[N+]~[#7;D1]"),
    GroupFlag("nitroso", "C-N=O or N-N=O", "[#6,#7][NX2]=[OX1]"),
    GroupFlag(
        "acyl_halide", "halide of a carboxylic, thio, sulfonic or phosphoric acid", "[CX3,S,P](=[O,S,N])[F,Cl,Br,I]"
    ),
    GroupFlag("anhydride", "anhydride of carboxylic acids", "[CX3](=[O,S])[OX2,SX2][CX3]=[O,S]"),
    GroupFlag(
        "gem_diol", "two OH, SH or OH and NH on one sp3 carbon", "[CX4]([OX2H,SX2H])[OX2H,SX2H,NX3;!$(N[C,S]=O)]"
    ),
    GroupFlag(
        "hemiacetal",
        "OH or SH beside an ether O or S, outside sugars",
        "[CX4;!$(C1OC(C)C(O)C(O)C1);!$(C1OCC(O)C(O)C1)]([OX2H,SX2H])[OX2H0,SX2H0]",
    ),
    GroupFlag("hemiaminal", "OH or SH on the carbon that holds N", "[CX4]([OX2H,SX2H])[#7]"),
    GroupFlag(
        "geminal_diamine",
        "two basic amines on one sp3 carbon",
        "[CX4]([NX3;!$(N[C,S,P]=[O,S,N]);!$(N-a)])[NX3;!$(N[C,S,P]=[O,S,N]);!$(N-a)]",
    ),
    GroupFlag(
        "alpha_haloamine", "halogen on the sp3 carbon that holds N, O or S", "[CX4;!$(C(F)F)]([F,Cl,Br,I])[NX3,OX2,SX2]"
    ),
    GroupFlag("orthoester", "three of N, O, S on one sp3 carbon", "[CX4]([#7,#8,SX2])([#7,#8,SX2])[#7,#8,SX2]"),
    GroupFlag("aminonitrile", "C#N on the carbon that holds OH, or N-C#N", "[$([CX4][OX2H]),NX3]C#N"),
    GroupFlag(
        "imine",
        "C=N to H or alkyl, not conjugated with N, O or S (no amidine, oxime, hydrazone)",
        "[CX3;!R;!$(C~[N,n,O,S;!$([NX2]=C)])]=[NX2;!R;!$(N~[!#6])]",
    ),
    GroupFlag("imine_nh", "C=N-H but for amidines and guanidines", "[CX3;!$(C~[#7,O,S;!$([NX2]=C)])]=[NX2H]"),
    GroupFlag("imidic_acid", "OH or SH on C=N: a tautomer of an amide", "[CX3;!a]([OX2H,SX2H])=[#7]"),
    GroupFlag(
        "enol", "OH or SH on C=C, not of a 1,3-dicarbonyl", "[CX3;!a]([OX2H,SX2H])=[CX3;!$(C[CX3]=[O,S,N]);!$(C[C]#N)]"
    ),
    GroupFlag(
        "enamine",
        "NH or NH2 on C=C without an acceptor",
        "[CX3;!a]([NX3;H1,H2;!$(N[C,S,P]=[O,S,N]);!$(N-a)])=[CX3;!a;!$(CC=[O,S,N]);!$(CC#N);!$(CN~O);!$(CS=O);!$(C-a)]",
    ),
    GroupFlag("cumulene", "two double bonds on one carbon: allene, ketene, isocyanate, carbodiimide", "*=[#6X2]=*"),
    GroupFlag("strained_multiple_bond", "triple bond in a ring", "[R]#[R]"),
    GroupFlag("strained_alkene", "double bond in or at a ring of three", "[r3]=[CX3,NX2,CX2]"),
    GroupFlag("cyclobutadiene", "cyclobutadiene", "[r4]=[r4]-[r4]=[r4]"),
    GroupFlag(
        "small_heteroring", "ring of three with N or S, or with two heteroatoms", "[N,S;r3]1[#6,N,O,S][#6,N,O,S]1"
    ),
    GroupFlag("onium", "positive O or S outside aromatic rings, sulfoxides aside", "[#8+,#16+;!$([S+][O-]);!a]"),
    GroupFlag("carbon_ion", "charged carbon, isocyanides aside", "[#6-,#6+;!$([C-]#[N+]);!a]"),
    GroupFlag(
        "phosphorus",
        "P that is not a phosphate, phosphonate, phosphinate or phosphine oxide",
        "[#15;!$([PX4](=[OX1])([#6,#7,#8])([#6,#7,#8])[#6,#7,#8])]",
    ),
)
REACTIVE = (
    GroupFlag("aldehyde", "aldehyde", "[CX3H1](=O)[#6]"),
    GroupFlag("alkyl_halide", "Cl, Br or I on sp3 carbon, CF2 and CF3 neighbours aside", "[CX4;!$(C(F)F)][Cl,Br,I]"),
    GroupFlag(
        "michael_acceptor",
        "C=C without substituents on its end, beside C=O, C#N, SO2 or NO2; quinones",
        "[$([CX3H2]=[CX3][CX3]=O),$([CX3H2]=[CX3]C#N),$([CX3H2]=[CX3][SX4](=O)=O),$([CX3]=[CX3][NX3+](=O)[O-])]",
    ),
    GroupFlag("enone", "open-chain C=C beside the C=O of a ketone", "[CX3;!R;H1]=[CX3;!R;H1][CX3](=O)[#6]"),
    GroupFlag("quinone", "quinone or quinone methide", "[$(O=C1C=CC(=[C,O,N])C=C1),$(O=C1C(=[C,O,N])C=CC=C1)]"),
    GroupFlag("epoxide", "epoxide", "[OX2r3]1[#6r3][#6r3]1"),
    GroupFlag("beta_lactone", "lactone of four atoms", "O=C1OCC1"),
    GroupFlag("dicarbonyl", "1,2-diketone or longer, outside rings", "[#6;!$(C(=O)[N,O])][CX3;!R](=O)[CX3](=O)[#6]"),
    GroupFlag(
        "active_ester",
        "ester of a leaving group: enol, nitrophenol, N-hydroxy; thioester",
        "[CX3;!R](=O)[$([SX2;!R]),$([OX2;!R][NX3,NX2]),$([OX2;!R][CX3]=[CX3])]",
    ),
    GroupFlag("sulfonate_ester", "alkyl ester of a sulfonic or sulfuric acid", "[SX4](=O)(=O)[OX2][CX4]"),
    GroupFlag("thiol", "thiol or disulfide", "[$([SX2H]),$([SX2][SX2])]"),
    GroupFlag("nitro", "nitro group", "[NX3+](=O)[O-]"),
    GroupFlag(
        "hydrazone",
        "C=N-N of an open chain, or acyl hydrazide",
        "[$([CX3;!R]=[NX2;!R][NX3;!R]),$([CX3](=O)[NX3;!R][NX3;!R;H2])]",
    ),
    GroupFlag(
        "thiocarbonyl",
        "C=S outside aromatic rings: thioketone, thioamide, thiourea, dithio and thiono acids",
        "[CX3;!a]=[SX1]",
    ),
    GroupFlag("oxime", "free oxime", "[CX3]=[NX2][OX2H]"),
    GroupFlag("catechol", "two neighbouring phenols", "[OX2H]c:c[OX2H]"),
    GroupFlag("quaternary_ammonium", "N bound to four carbons", "[NX4+]([#6])([#6])([#6])[#6]"),
    GroupFlag("polyene", "three conjugated C=C of a chain", "[CX3;!R]=[CX3;!R][CX3;!R]=[CX3;!R][CX3;!R]=[CX3;!R]"),
    GroupFlag("diyne", "two conjugated triple bonds", "C#CC#C"),
    GroupFlag(
        "alkyl_chain",
        "eight or more sp3 CH2 or CH3 in a row outside rings",
        "[CX4;!R;H2,H3][CX4;!R;H2][CX4;!R;H2][CX4;!R;H2][CX4;!R;H2][CX4;!R;H2][CX4;!R;H2][CX4;!R;H2]",
    ),
    GroupFlag(
        "metal_or_rare",
        "an element other than H, B, C, N, O, F, Si, P, S, Cl, Br, I",
        "[!#1;!#5;!#6;!#7;!#8;!#9;!#14;!#15;!#16;!#17;!#35;!#53]",
    ),
)
GROUP_FLAGS = (*UNSTABLE, *REACTIVE)


def group_flags(heavy: Chem.Mol, screened: Iterable[int] | None = None) -> list[str]:
    """Names of the `GROUP_FLAGS` that match a sanitized molecule without hydrogens, in their order.

    Args:
        heavy: the molecule.
        screened: places of the flags that may match, if that is known; all others cannot.
    """
    patterns = group_patterns()
    places = range(len(GROUP_FLAGS)) if screened is None else screened
    return [GROUP_FLAGS[place].name for place in places if heavy.HasSubstructMatch(patterns[place])]


@cache
def group_patterns() -> Sequence[Chem.Mol]:
    """The patterns of `GROUP_FLAGS`, in order."""
    return [Chem.MolFromSmarts(flag.smarts) for flag in GROUP_FLAGS]
