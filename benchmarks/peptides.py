"""Large molecules to learn from, as SMILES: `python -m benchmarks.peptides -n 400 --out peptides.smi`.

Peptides of amino acids between drug-like caps, and macrocycles, closed from head to tail or by a disulfide bridge, of
60 to 150 heavy atoms, the sizes spread evenly. The same seed gives the same file; no SMILES occurs twice. Conformers
are made by `moldiff featurize peptides.smi --max-atoms 160 --conformer-timeout 60 --out peptides`.
"""

import argparse
import random
from pathlib import Path

from rdkit import Chem

SIDE_CHAINS = {
    "A": "C", "V": "C(C)C", "L": "CC(C)C", "I": "[C@@H](C)CC", "M": "CCSC", "F": "Cc2ccccc2", "Y": "Cc2ccc(O)cc2",
    "W": "Cc2c[nH]c3ccccc23", "S": "CO", "T": "[C@H](C)O", "N": "CC(N)=O", "Q": "CCC(N)=O", "D": "CC(=O)O",
    "E": "CCC(=O)O", "K": "CCCCN", "R": "CCCNC(=N)N", "H": "Cc2c[nH]cn2",
}  # fmt: skip
"""Side chain of each amino acid but glycine and proline, and cysteine, which is a bridge's end; rings 2 and 3."""
HEADS = (
    *("CC(=O)", "CCC(=O)", "CC(C)(C)OC(=O)", "O=C(c2ccccc2)", "O=C(C2CC2)", "O=C(c2ccncc2)", "O=C(c2ccco2)"),
    *("CS(=O)(=O)", "O=S(=O)(c2ccc(C)cc2)", "O=C(N2CCOCC2)", "O=C(Cc2c[nH]c3ccccc23)", "O=C(c2ccc(F)cc2)"),
)
"""What the amine's end carries."""
TAILS = (
    *("N", "NC", "N(C)C", "O", "OC", "NCc2ccccc2", "N2CCOCC2", "NC2CC2", "N2CCN(C)CC2", "NCc2cccnc2"),
    *("NCCc2ccc(F)cc2", "NCC(F)(F)F"),
)
"""What the acid's end carries."""
MARGIN = 40
"""Attempts for each wanted molecule."""


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=400, help="molecules")
    parser.add_argument("--smallest", type=int, default=60, help="heavy atoms, at least")
    parser.add_argument("--largest", type=int, default=150, help="heavy atoms, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("peptides.smi"))
    arguments = parser.parse_args()
    made = peptides(arguments.n, arguments.smallest, arguments.largest, arguments.seed)
    arguments.out.write_text("".join(f"{smiles} peptide{number}\n" for number, smiles in enumerate(made)))
    print(f"{len(made)} molecules: {arguments.out}")


def peptides(count: int, smallest: int, largest: int, seed: int) -> list[str]:
    """Canonical SMILES of that many different molecules."""
    choice = random.Random(seed)
    made: dict[str, None] = {}
    for _ in range(MARGIN * count):
        if len(made) == count:
            break
        wanted = choice.randint(smallest, largest)
        molecule = Chem.MolFromSmiles(one(choice, wanted))
        if smallest <= molecule.GetNumHeavyAtoms() <= largest:
            made.setdefault(Chem.MolToSmiles(molecule))
    if len(made) < count:
        raise SystemExit(f"only {len(made)} different molecules of {smallest} to {largest} heavy atoms")
    return list(made)


def one(choice: random.Random, atoms: int) -> str:
    """SMILES of a molecule of about this many heavy atoms, open ended, closed to a ring, or bridged."""
    shape = choice.choice(("open", "open", "ring", "bridge"))
    head, tail = choice.choice(HEADS), choice.choice(TAILS)
    residues: list[str] = []
    around = 0 if shape == "ring" else size(head) + size(tail)
    while around + sum(map(size, residues)) < atoms - 4 or len(residues) < 4:
        residues.append(residue(choice))
    if shape == "ring":
        first, last = residue(choice, "A"), "N[C@@H](C)C%10=O"
        return "".join([first.replace("N", "N%10", 1), *residues[:-1], last])
    if shape == "bridge":
        first, second = sorted(choice.sample(range(len(residues)), 2))
        if second - first > 1:
            residues[first] = residues[second] = "N[C@@H](CS%11)C(=O)"
    return "".join([head, *residues, tail])


def residue(choice: random.Random, name: str = "") -> str:
    """An amino acid within a chain, from its nitrogen to its carbonyl; one in eight has the other hand."""
    name = name or choice.choice([*SIDE_CHAINS, "G", "P"])
    if name == "G":
        return "NCC(=O)"
    if name == "P":
        return "N2CCC[C@H]2C(=O)"
    hand = "@" if choice.random() < 1 / 8 else "@@"
    return f"N[C{hand}H]({SIDE_CHAINS[name]})C(=O)"


def size(smiles: str) -> int:
    """Heavy atoms of a part of a SMILES, whose brackets hold one each."""
    outside = "".join(part.partition("]")[2] or part for part in smiles.split("["))
    return smiles.count("[") + sum(sign.isalpha() for sign in outside if sign != "l") - outside.count("H")


if __name__ == "__main__":
    main()
