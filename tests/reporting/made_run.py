"""A small results folder made by hand, with what a run leaves behind, and names that try to break out of the page."""

import json
from pathlib import Path

import pandas as pd
from rdkit import Chem
from rdkit.Chem import QED, AllChem

EVIL = "<script>alert(1)</script>"
CLOSING = '</script><img src=x onerror="alert(2)">'
GOOD = ("CC(=O)Nc1ccccc1", "OCC1CCNCC1", "Cc1ncccc1O", "NC(=O)c1cccnc1", "CCOC(=O)C", "C[N+](C)(C)CC(=O)[O-]")
TRAINED = ("CC(=O)Nc1ccc(O)cc1", "OCC1CCCCC1", "Cc1ncccc1N", "NC(=O)c1ccccc1", "CCOC(=O)CC", "CCN", "CCCO", "c1ccoc1")


def make_run(folder: Path) -> Path:
    """Dataset, training, samples and check as the stages write them; returns the folder."""
    _dataset(folder / "dataset")
    _training(folder / "training")
    records, rows = [], []
    names = [EVIL, CLOSING, 'quote" onload="alert(3)', "\u202eevil", "&amp; <b>bold</b>", "plain"]
    for name, smiles in zip(names, GOOD, strict=True):
        records.append(_record(smiles, name))
        rows.append(_row(name, smiles, pb=name != "plain"))
    broken = _record("CCC", "five bonds").replace(" C  ", " F  ", 3)
    records += [broken, "garbage <b>\n\n\nno counts\nM  END\n"]
    reason = "Explicit valence for atom # 0 F, 4, is greater than permitted"
    rows += [_row("five bonds", None, reasons=reason), _row("garbage <b>", None, reasons=f"bad counts line {EVIL}")]
    (folder / "samples.sdf").write_text("".join(f"{record}$$$$\n" for record in records), encoding="utf-8")
    sampled = {"requested": 10, "produced": 8, "seconds": 4.0, "evaluations": 100, "model": "ab" * 32}
    _json(folder / "samples.json", {**sampled, "options": {"seed": 7, "n": 10}})
    check = folder / "check"
    check.mkdir()
    table = pd.DataFrame(rows)
    table.insert(0, "record", range(1, len(rows) + 1))
    table.insert(0, "index", range(1, len(rows) + 1))
    table["source"] = str(folder / "samples.sdf")
    table.to_parquet(check / "rows.parquet")
    table.to_csv(check / "rows.csv", index=False)
    _json(check / "summary.json", _summary(str(folder / "samples.sdf")))
    return folder


def _json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _record(smiles: str, name: str) -> str:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    mol.SetProp("_Name", name)
    return Chem.MolToMolBlock(mol)


def _row(name: str, smiles: str | None, *, pb: bool = True, reasons: str = "") -> dict[str, object]:
    valid = smiles is not None
    row = {"name": name, "smiles": smiles, "readable": True, "valid": valid, "valid_strict": valid, "reasons": reasons}
    if smiles is None:
        return row
    mol = Chem.MolFromSmiles(smiles)
    posed = {"pb_valid": pb, "pb_failed": "" if pb else "internal_steric_clash"}
    size = {
        "mw": 100.0,
        "heavy_atoms": mol.GetNumAtoms(),
        "qed": QED.qed(mol),
        "sa": 2.0,
        "logp": 1.0,
        "strain_energy": 3.0,
    }
    ring = "c1ccncc1" if "ccn" in smiles else ""
    near = {"nearest_train": 0.5, "nearest_train_smiles": TRAINED[0]}
    others = {"duplicate": False, "novel": True, "alerts": "brenk aniline", "new_ring_systems": ring}
    groups = {"functional_groups": "fr_amide 1; fr_ester 2" if "C(=O)" in smiles else "fr_alcohol 1"}
    return row | posed | size | near | others | groups


def _summary(samples: str) -> dict[str, object]:
    rate = {"value": 0.75, "numerator": 6, "denominator": 8, "low": 0.41, "high": 0.93}
    counted = {"unit": "", "covered": None, "noise_floor_n": 4, "n": 6, "reference_n": 8}
    whole = {"value": 1.0, "numerator": 6, "denominator": 6, "low": 0.61, "high": 1.0}
    return {
        "definitions": "test-1",
        "hydrogens": "explicit",
        "n_total": 8,
        "n_valid": 6,
        "n_distinct": 6,
        "metrics": {"valid": rate, "uniqueness": whole, "novelty": whole, EVIL: rate},
        "values": {"internal_diversity": {"value": 0.9, "n": 6, "pairs": 15}},
        "distances": {
            "elements": {"kind": "TV", "value": 0.2, "noise_floor": 0.1, **counted},
            "qed": {"kind": "W1", "value": 0.03, "noise_floor": 0.01, **counted},
        },
        "descriptors": {"qed": _histogram([0, 1, 3, 2, 0])},
        "reference_descriptors": {"qed": _histogram([2, 2, 2, 1, 1])},
        "train": {"path": EVIL, "checksum": "c" * 64, "records": 8, "valid": 8, "distinct": 8, "profiled": 8},
        "reference": {"path": EVIL, "checksum": "c" * 64, "records": 8, "valid": 8, "distinct": 8, "profiled": 8},
        "inputs": [{"path": samples, "records": 8, "sha256": "d" * 64}],
        "versions": {"rdkit": "2026.9.1"},
    }


def _histogram(counts: list[int]) -> dict[str, object]:
    return {
        "n": sum(counts),
        "mean": 0.5,
        "std": 0.2,
        "p10": 0.2,
        "p50": 0.5,
        "p90": 0.8,
        "histogram": {"low": 0.0, "width": 0.2, "counts": counts},
    }


def _dataset(folder: Path) -> None:
    folder.mkdir(parents=True)
    pd.DataFrame({"smiles": TRAINED, "split": ["train"] * len(TRAINED)}).to_parquet(folder / "molecules.parquet")
    (folder / "rejected.csv").write_text(f"source,record,id,reason\nx.sdf,3,{EVIL},no atoms\n", encoding="utf-8")
    info = {"records_read": 10, "molecules": 8, "conformers": 8}
    info |= {"rejected": 2, "reasons": {"no atoms": 1, "element Xe": 1}}
    _json(folder / "dataset.json", {**info, "splits": {"train": 8}, "hydrogens": "explicit", "seed": 0})


def _training(folder: Path) -> None:
    folder.mkdir(parents=True)
    lines = ["step,molecules,minutes,loss,loss_position,valid_loss,sampled_valid"]
    lines += [f"{50 * i},{1200 * i},{i / 4},{3 / i},{1 / i},{3.1 / i if i % 4 == 0 else ''}," for i in range(1, 13)]
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _json(folder / "train.json", {"steps": 600, "minutes": 3.0, "molecules_seen": 14400, "device": "cpu"})
