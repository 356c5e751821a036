"""Molecules with verdicts written by hand, before any code was run on them.

A verdict is six digits: readable, sanitizable, connected, valid, valid_strict, stable.
"""

import math

# SMILES of which every digit is the chemist's answer; hydrogens are implied by the grammar.
SMILES = {
    "methane": ("C", "111111"),
    "water": ("O", "111111"),
    "table salt": ("[Na+].[Cl-]", "110001"),
    "ethane beside water": ("CC.O", "110001"),
    "glycine as zwitterion": ("[NH3+]CC(=O)[O-]", "111111"),
    "nitro with charges": ("C[N+](=O)[O-]", "111111"),
    "nitro with five-valent nitrogen": ("CN(=O)=O", "111100"),
    "pyridine N-oxide": ("c1cc[n+]([O-])cc1", "111111"),
    "trimethylamine N-oxide": ("C[N+](C)(C)[O-]", "111111"),
    "sulfoxide, neutral": ("CS(=O)C", "111111"),
    "sulfoxide, with charges": ("C[S+]([O-])C", "111111"),
    "sulfone": ("CS(=O)(=O)C", "111111"),
    "sulfurane": ("CS(C)(C)C", "111111"),
    "sulfur hexafluoride": ("FS(F)(F)(F)(F)F", "111111"),
    "sulfonium": ("C[S+](C)C", "111111"),
    "thiolate": ("C[S-]", "111111"),
    "phosphate ester": ("COP(=O)(OC)OC", "111111"),
    "phosphate dianion": ("COP(=O)([O-])[O-]", "111111"),
    "phosphine": ("CP(C)C", "111111"),
    "phosphorane": ("CP(C)(C)(C)C", "111111"),
    "phosphonium": ("C[P+](C)(C)C", "111111"),
    "boronic acid": ("OB(O)c1ccccc1", "111111"),
    "tetrafluoroborate": ("F[B-](F)(F)F", "111111"),
    "four-valent neutral boron": ("FB(F)(F)F", "101000"),
    "tetramethylsilane": ("C[Si](C)(C)C", "111111"),
    "dimethyl selenide": ("C[Se]C", "111111"),
    "pyrrole": ("c1cc[nH]c1", "111111"),
    # No Kekulé form, but every atom by itself has a valence of the table.
    "pyrrole without its H": ("c1ccnc1", "101001"),
    "imidazole": ("c1c[nH]cn1", "111111"),
    "pyridinium": ("c1cc[nH+]cc1", "111111"),
    "indolizine": ("c1ccn2cccc2c1", "111111"),
    "thiophene": ("s1cccc1", "111111"),
    "furan": ("o1cccc1", "111111"),
    "pyrylium": ("c1cc[o+]cc1", "111111"),
    "pyridone": ("O=c1cccc[nH]1", "111111"),
    "caffeine": ("Cn1cnc2c1c(=O)n(C)c(=O)n2C", "111111"),
    "azulene": ("c1ccc2cccc2cc1", "111111"),
    "naphthalene": ("c1ccc2ccccc2c1", "111111"),
    "biphenyl, bond not written": ("c1ccccc1c1ccccc1", "111111"),
    "biphenyl, bond written": ("c1ccccc1-c1ccccc1", "111111"),
    "tropylium": ("c1ccc[cH+]cc1", "111111"),
    "cyclopentadienide": ("[cH-]1cccc1", "111111"),
    "cyclobutadiene called aromatic": ("c1ccc1", "111101"),
    "cyclooctatetraene called aromatic": ("c1ccccccc1", "111101"),
    "methyl radical": ("[CH3]", "111100"),
    "methoxy radical": ("C[O]", "111100"),
    "carbene": ("[CH2]", "111100"),
    "nitric oxide": ("O=[N]", "111100"),
    "oxygen as diradical": ("[O][O]", "111100"),
    "five-valent carbon": ("C(C)(C)(C)(C)C", "101000"),
    "two-valent fluorine": ("CFC", "101000"),
    "four-valent neutral nitrogen": ("C[N](C)(C)C", "101000"),
    "tetramethylammonium": ("C[N+](C)(C)C", "111111"),
    "ammonium": ("[NH4+]", "111111"),
    "amide anion": ("[NH2-]", "111111"),
    "hydroxide": ("[OH-]", "111111"),
    "oxonium": ("C[O+](C)C", "111111"),
    "oxocarbenium": ("C=[O+]C", "111111"),
    "azide": ("CN=[N+]=[N-]", "111111"),
    "isocyanide": ("C[N+]#[C-]", "111111"),
    "diazomethane": ("C=[N+]=[N-]", "111111"),
    "carbon monoxide": ("[C-]#[O+]", "111111"),
    "nitrogen": ("N#N", "111111"),
    "tert-butyl cation": ("C[C+](C)C", "111111"),
    "ethyl anion": ("[CH2-]C", "111111"),
    "norbornane": ("C1CC2CCC1C2", "111111"),
    "cubane": ("C12C3C4C1C5C2C3C45", "111111"),
    "macrocycle": ("C1CCCCCCCCCCCCC1", "111111"),
    "deuterated methane": ("[2H]C([2H])([2H])[2H]", "111111"),
    "hydrogen": ("[H][H]", "111111"),
    "proton": ("[H+]", "111111"),
    "helium, which the table leaves out": ("[He]", "111110"),
    "perchlorate, which the table leaves out": ("[O-][Cl+3]([O-])([O-])[O-]", "111110"),
    "dummy atom": ("*C", "000000"),
    "unknown element": ("[Xx]C", "000000"),
    "open ring": ("C1CC", "000000"),
    "prose": ("not_a_molecule", "000000"),
    "unbalanced bracket": ("C(C", "000000"),
}

# Spellings of one molecule, and what their common key must be.
SAME = {
    "CC=CC": ["C/C=C/C", r"C/C=C\C", "CC=CC"],
    "CC(N)C(=O)O": ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "OC(=O)C(C)N"],
    "CC(=O)Oc1ccccc1C(=O)O": ["O=C(C)OC1=CC=CC=C1C(O)=O", "OC(=O)c1ccccc1OC(C)=O"],
    "CO": ["[CH3:1][OH:2]", "[13CH3]O", "[2H]OC", "[H]OC"],
    "C": ["[2H]C([2H])([2H])[2H]", "C", "[CH4]"],
    "C[N+](=O)[O-]": ["CN(=O)=O", "C[N+](=O)[O-]"],
}

Atom = tuple[str, float, float, float]


def block(
    atoms: list[Atom],
    bonds: list[tuple[int, ...]],
    *,
    name: str = "",
    dimension: str = "3D",
    lines: tuple[str, ...] = (),
) -> str:
    """A V2000 record; bonds are (first, last, order) or with a stereo mark as fourth number, atoms counted from 1."""
    text = [
        name,
        f"  by hand           {dimension}",
        "",
        f"{len(atoms):3d}{len(bonds):3d}  0  0  0  0  0  0  0  0999 V2000",
    ]
    text += [f"{x:10.4f}{y:10.4f}{z:10.4f} {symbol:<3} 0  0  0  0  0  0  0  0  0  0  0  0" for symbol, x, y, z in atoms]
    text += [f"{b[0]:3d}{b[1]:3d}{b[2]:3d}{b[3] if len(b) > 3 else 0:3d}" for b in bonds]
    return "\n".join([*text, *lines, "M  END", "$$$$", ""])


def ring(symbol: str, radius: float, heights: list[float], turn: float = 0.0) -> list[Atom]:
    """Atoms on a circle, each at its height above the plane."""
    step = 2 * math.pi / len(heights)
    return [
        (symbol, radius * math.cos(step * i + turn), radius * math.sin(step * i + turn), height)
        for i, height in enumerate(heights)
    ]


def circle_bonds(size: int, orders: list[int]) -> list[tuple[int, ...]]:
    return [(i + 1, (i + 1) % size + 1, orders[i % len(orders)]) for i in range(size)]


def benzene(heights: list[float], orders: tuple[int, ...] = (2, 1)) -> str:
    atoms = ring("C", 1.39, heights) + ring("H", 2.48, heights)
    return block(atoms, circle_bonds(6, list(orders)) + [(i, i + 6, 1) for i in range(1, 7)])


def cyclohexane(pucker: float) -> str:
    """Carbons on a circle, every other one above the plane; hydrogens by the carbons' sides."""
    heights = [pucker if i % 2 else -pucker for i in range(6)]
    radius = math.sqrt(1.53**2 - 4 * pucker**2)  # neighbours on a hexagon are one radius apart in the plane
    atoms = ring("C", radius, heights)
    if pucker:  # chair: one axial hydrogen, one equatorial
        axial = [height + math.copysign(1.10, height) for height in heights]
        equatorial = [height - math.copysign(0.37, height) for height in heights]
        atoms += ring("H", radius, axial) + ring("H", radius + 1.03, equatorial)
    else:
        atoms += ring("H", radius + 0.62, [0.9] * 6) + ring("H", radius + 0.62, [-0.9] * 6)
    bonds = [(i, i + 6, 1) for i in range(1, 7)] + [(i, i + 12, 1) for i in range(1, 7)]
    return block(atoms, circle_bonds(6, [1]) + bonds)


A = 0.629  # a carbon's hydrogens stand at (±A, ±A, ±A): 1.09 Å away
CH4: list[Atom] = [("C", 0, 0, 0), ("H", A, A, A), ("H", -A, -A, A), ("H", -A, A, -A), ("H", A, -A, -A)]
STAR = [(1, 2, 1), (1, 3, 1), (1, 4, 1), (1, 5, 1)]
WATER: list[Atom] = [("O", 0, 0, 0), ("H", 0.757, 0.586, 0), ("H", -0.757, 0.586, 0)]
METHANE = block(CH4, STAR)
METHANE_V3000 = """
  by hand           3D

  0  0  0     0  0            999 V3000
M  V30 BEGIN CTAB
M  V30 COUNTS 5 4 0 0 0
M  V30 BEGIN ATOM
M  V30 1 C 0 0 0 0
M  V30 2 H 0.629 0.629 0.629 0
M  V30 3 H -0.629 -0.629 0.629 0
M  V30 4 H -0.629 0.629 -0.629 0
M  V30 5 H 0.629 -0.629 -0.629 0
M  V30 END ATOM
M  V30 BEGIN BOND
M  V30 1 1 1 2
M  V30 2 1 1 3
M  V30 3 1 1 4
M  V30 4 1 1 5
M  V30 END BOND
M  V30 END CTAB
M  END
$$$$
"""

# Records with explicit hydrogens: verdict, then pb_valid and sane (1, 0, or - where there is no verdict).
STRUCTURES = {
    "methane": (METHANE, "111111", "11"),
    "methane, V3000": (METHANE_V3000, "111111", "11"),
    "methane, a hydrogen left out": (block(CH4[:4], STAR[:3]), "111100", "11"),
    # mol_fast has a test "no radicals": the one verdict on a pose that was corrected after running the code.
    "methyl radical": (block(CH4[:4], STAR[:3], lines=("M  RAD  1   1   2",)), "111100", "01"),
    "methyl cation": (block(CH4[:4], STAR[:3], lines=("M  CHG  1   1   1",)), "111111", "11"),
    "methane with a fifth hydrogen": (block([*CH4, ("H", 0, 0, 1.09)], [*STAR, (1, 6, 1)]), "101000", "--"),
    "two methanes": (
        block(CH4 + [(s, x + 5, y, z) for s, x, y, z in CH4], STAR + [(6, i, 1) for i in range(7, 11)]),
        "110001",
        "--",
    ),
    "methane and a loose hydrogen": (block([*CH4, ("H", 5, 0, 0)], STAR), "110000", "--"),
    "methane that lost a bond": (block(CH4, STAR[:3]), "110000", "--"),
    "water": (block(WATER, [(1, 2, 1), (1, 3, 1)]), "111111", "11"),
    "water with an O-H bond of 0.1 Å": (
        block([WATER[0], ("H", 0.1, 0, 0), WATER[2]], [(1, 2, 1), (1, 3, 1)]),
        "111111",
        "10",
    ),
    "water with an O-H bond of 3 Å": (
        block([WATER[0], ("H", 3, 0, 0), WATER[2]], [(1, 2, 1), (1, 3, 1)]),
        "111111",
        "10",
    ),
    "hydroxide": (block(WATER[:2], [(1, 2, 1)], lines=("M  CHG  1   1  -1",)), "111111", "11"),
    "hydroxyl without its charge": (block(WATER[:2], [(1, 2, 1)]), "111100", "11"),
    "all atoms at one point": (block([(s, 1, 1, 1) for s, *_ in WATER], [(1, 2, 1), (1, 3, 1)]), "111111", "10"),
    "water, drawn in 2D": (block(WATER, [(1, 2, 1), (1, 3, 1)], dimension="2D"), "111111", "--"),
    "benzene": (benzene([0.0] * 6), "111111", "11"),
    "benzene by aromatic bonds": (benzene([0.0] * 6, (4,)), "111111", "11"),
    "benzene bent upwards": (benzene([0.7, 0, 0, 0, 0, 0]), "111111", "01"),
    "benzene bent downwards": (benzene([-0.7, 0, 0, 0, 0, 0]), "111111", "01"),
    "benzene with single bonds only": (benzene([0.0] * 6, (1,)), "111100", None),
    "chair of cyclohexane": (cyclohexane(0.25), "111111", "11"),
    "flat cyclohexane": (cyclohexane(0.0), "111111", "01"),
    "nitromethane with five-valent nitrogen": (
        block(
            [*CH4[:4], ("N", 0.86, -0.86, -0.86), ("O", 2.0, -0.5, -0.9), ("O", 0.4, -1.9, -1.2)],
            [*STAR[:3], (1, 5, 1), (5, 6, 2), (5, 7, 2)],
        ),
        "111100",
        None,
    ),
    "ethane by an aromatic bond": (
        block(
            [
                *CH4[:4],
                ("C", 0.88, -0.88, -0.88),
                ("H", 1.5, -0.25, -1.5),
                ("H", 0.25, -1.5, -1.5),
                ("H", 1.5, -1.5, -0.25),
            ],
            [*STAR[:3], (1, 5, 4), (5, 6, 1), (5, 7, 1), (5, 8, 1)],
        ),
        "1?1?00",
        None,
    ),
    "butane folded onto itself": (
        block(
            [("C", 0, 0, 0), ("C", 1.53, 0, 0), ("C", 1.53, 1.53, 0), ("C", 0.2, 0.9, 0)],
            [(1, 2, 1), (2, 3, 1), (3, 4, 1)],
        ),
        "111100",
        "0?",
    ),
    "no atoms": (block([], []), "000000", "--"),
    "element X": (block([("X", 0, 0, 0), ("C", 1.5, 0, 0)], [(1, 2, 1)]), "000000", "--"),
    "a coordinate NaN": (METHANE.replace("    0.6290", "       nan", 1), "000000", "--"),
    "truncated in the atoms": (METHANE[:160], "000000", "--"),
    "more atoms counted than written": (METHANE.replace("  5  4", "  7  4", 1), "000000", "--"),
    "counts line of words": (METHANE.replace("  5  4", " fivefo", 1), "000000", "--"),
    "bond to an atom that is not there": (block(CH4, [*STAR[:3], (1, 9, 1)]), "000000", "--"),
    "prose": ("Dear reader,\nthis is\nno molecule\nat all\n$$$$\n", "000000", "--"),
}

# XYZ frames and total charges: bonds are perceived.
XYZ = {
    "water": ("3\nwater\nO 0 0 0\nH 0.757 0.586 0\nH -0.757 0.586 0\n", "111111"),
    "methane": ("5\n\n" + "".join(f"{s} {x} {y} {z}\n" for s, x, y, z in CH4), "111111"),
    "hydroxide": ("2\ncharge=-1\nO 0 0 0\nH 0.96 0 0\n", "111111"),
    "benzene": (
        "12\n\n"
        + "".join(
            f"{s} {x:.4f} {y:.4f} {z:.4f}\n" for s, x, y, z in ring("C", 1.39, [0.0] * 6) + ring("H", 2.48, [0.0] * 6)
        ),
        "111111",
    ),
    "neon far from neon": ("2\n\nNe 0 0 0\nNe 9 0 0\n", "110000"),
    "unknown element": ("1\n\nQq 0 0 0\n", "000000"),
    "NaN": ("2\n\nO 0 0 0\nH nan 0 0\n", "000000"),
    "fewer atoms than counted": ("5\n\nO 0 0 0\n", "000000"),
}
