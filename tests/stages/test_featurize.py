import csv
import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from moldiff.config.featurize import FeaturizeOptions
from moldiff.dataset.storage import ARRAYS_FILE, INFO_FILE, REJECTED_FILE, TABLE_FILE, open_dataset
from moldiff.errors import UserError
from moldiff.stages import featurize as stage
from moldiff.stages.featurize import featurize, featurize_shard, merge

MOLECULES = [
    "CCO", "CCN", "c1ccccc1", "CC(=O)O", "CC(=O)[O-].[Na+]", "C1CC", "CCCC", "C[CH2]", "OCC(F)F",
    "c1cc[nH]c1", "CCO", "[Fe]",
    "c1ccncc1C", "NCC(=O)O", "CS(C)(=O)=O", "C/C=C/C", "N[C@@H](C)C(=O)O", "c1ccc2ccccc2c1",
]  # fmt: skip
REJECTED = 3  # an open ring, a radical, iron


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "molecules.csv.gz"
    rows = [
        f"m{number},{smiles},{number * 0.5},{['train', 'val', 'test'][number % 3]}"
        for number, smiles in enumerate(MOLECULES)
    ]
    path.write_bytes(gzip.compress("\n".join(["id,smiles,value,split", *rows]).encode()))
    return path


def options_for(path, **options):
    return FeaturizeOptions(inputs=[str(path)], **options)


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_nothing_is_lost_and_every_column_is_kept(table, tmp_path):
    info = featurize(options_for(table), tmp_path / "set", workers=1)
    dataset = open_dataset(tmp_path / "set", verify=True)
    assert info["records_read"] == len(MOLECULES) == info["molecules"] + info["rejected"]
    assert info["rejected"] == REJECTED == sum(info["reasons"].values())
    assert set(info["reasons"]) == {"unreadable SMILES", "radical", "element not allowed"}
    rows = dataset.table().to_pandas()
    assert len(rows) == len(dataset) == len(MOLECULES) - REJECTED
    assert rows.record.is_monotonic_increasing
    assert rows.input_id.tolist() == rows.id.tolist()
    assert (rows.value.astype(float) == (rows.record - 1) * 0.5).all()
    assert rows.loc[rows.input_smiles == "CC(=O)[O-].[Na+]", "smiles"].item() == "CC(=O)[O-]"
    assert (rows.atoms == dataset.molecules.sizes).all()
    assert set(rows.inchikey.str.len()) == {27}
    with (tmp_path / "set" / REJECTED_FILE).open(newline="") as file:
        rejected = list(csv.DictReader(file))
    assert [(row["record"], row["id"]) for row in rejected] == [("6", "m5"), ("8", "m7"), ("12", "m11")]
    assert rejected[2]["reason"] == "element not allowed: Fe"
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == sorted(
        [ARRAYS_FILE, TABLE_FILE, INFO_FILE, REJECTED_FILE]
    )


@pytest.mark.parametrize("split", ["hash", "scaffold"])
def test_result_depends_neither_on_shards_nor_on_processes(table, tmp_path, split, monkeypatch):
    monkeypatch.setattr(stage, "_CHUNK", 4)
    options = options_for(table, split=split, valid_fraction=0.3, duplicates="reject", conformers=2)
    featurize(options, tmp_path / "one", workers=2)
    parts = []
    for shard in range(3):
        parts.append(tmp_path / f"shard{shard}")
        featurize_shard(options, shard, 3, parts[-1], workers=1)
    merge(options, parts[::-1], tmp_path / "merged")
    featurize(options.model_copy(update={"shards": 2}), tmp_path / "two", workers=1)
    assert digests(tmp_path / "one") == digests(tmp_path / "merged") == digests(tmp_path / "two")
    with pytest.raises(UserError, match="give all"):
        merge(options, parts[:2], tmp_path / "x")
    with pytest.raises(UserError, match="give each one once"):
        merge(options, [parts[0], parts[1], parts[1]], tmp_path / "x")
    with pytest.raises(UserError, match=r"other options \(seed\)"):
        merge(options.model_copy(update={"seed": 1}), parts, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_conformers_are_counted_apart(table, tmp_path):
    info = featurize(options_for(table, conformers=3, hydrogens="explicit", limit=4), tmp_path / "set", workers=1)
    assert (info["records_read"], info["molecules"], info["conformers"]) == (4, 4, 12)
    rows = open_dataset(tmp_path / "set").table(["record", "conformer"]).to_pandas()
    assert rows.record.tolist() == [number for number in range(1, 5) for _ in range(3)]
    assert rows.conformer.tolist() == [0, 1, 2] * 4


def test_duplicates_are_rejected_with_the_later_record(table, tmp_path):
    info = featurize(options_for(table, duplicates="reject"), tmp_path / "set", workers=1)
    assert info["reasons"]["duplicate"] == 1
    assert info["records_read"] == info["molecules"] + info["rejected"]


def test_split_by_column(table, tmp_path):
    featurize(options_for(table, split="column"), tmp_path / "set", workers=1)
    rows = open_dataset(tmp_path / "set").table().to_pandas()
    assert (rows.split == rows.input_split.replace("val", "valid")).all()
    with pytest.raises(UserError, match="none of 18 records gives a molecule: no split"):
        featurize(options_for(table, split="column", split_column="value"), tmp_path / "other", workers=1)
    assert (tmp_path / "other" / REJECTED_FILE).exists()
    assert not (tmp_path / "other" / INFO_FILE).exists()


def test_random_split_has_exact_shares(table, tmp_path):
    info = featurize(options_for(table, split="random", valid_fraction=0.5), tmp_path / "set", workers=1)
    assert info["splits"] == {"train": 8, "valid": 7, "test": 0}  # 14 distinct molecules, one of them twice


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.sdf", None),
        ("empty.sdf", ""),
        ("table.csv", "a,b\n1,2\n"),
        ("blank.smi", "\n\n"),
        ("bad.sdf", "x\n$$$$\n"),
    ],
)
def test_input_that_gives_nothing_is_an_error_that_names_it(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError):
        featurize(options_for(tmp_path / name), tmp_path / "set", workers=1)
    assert not (tmp_path / "set" / INFO_FILE).exists()


def test_output_that_cannot_be_written_is_an_error(table, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        featurize(options_for(table, limit=2), tmp_path / "file" / "set", workers=1)


def hang(numbered, options):
    if numbered[1].name == "m2":
        time.sleep(60)
    return stage_read(numbered, options)


stage_read = stage._read


def test_molecule_that_hangs_is_given_up(table, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "_read", hang)
    monkeypatch.setattr(stage, "_GRACE", 0.5)
    info = featurize(options_for(table, conformer_timeout=1.0, limit=5), tmp_path / "set", workers=1)
    assert info["reasons"] == {"timeout": 1}
    assert info["molecules"] == 4


def test_killed_run_leaves_nothing_that_counts_and_can_be_repeated(tmp_path):
    (tmp_path / "many.smi").write_text("".join(f"{'C' * (n % 9 + 8)}O n{n}\n" for n in range(3000)))
    script = "\n".join(
        [
            "from pathlib import Path",
            "from moldiff.config.featurize import FeaturizeOptions",
            "from moldiff.stages.featurize import featurize",
            f"options = FeaturizeOptions(inputs=[{str(tmp_path / 'many.smi')!r}])",
            f"featurize(options, Path({str(tmp_path / 'set')!r}), workers=1)",
        ]
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    time.sleep(3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "set" / INFO_FILE).exists()
    featurize(options_for(tmp_path / "many.smi", limit=20), tmp_path / "set", workers=1)
    assert len(open_dataset(tmp_path / "set", verify=True)) == 20


def test_old_result_stays_when_the_inputs_are_bad(table, tmp_path):
    featurize(options_for(table, limit=2), tmp_path / "set", workers=1)
    before = digests(tmp_path / "set")
    with pytest.raises(UserError):
        featurize(options_for(tmp_path / "missing.sdf"), tmp_path / "set", workers=1)
    assert digests(tmp_path / "set") == before


def test_written_files_can_be_read_by_others(table, tmp_path):
    featurize(options_for(table, limit=2), tmp_path / "set", workers=1)
    umask = os.umask(0)
    os.umask(umask)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "set").iterdir()} == {0o666 & ~umask}
    info = json.loads((tmp_path / "set" / INFO_FILE).read_text())
    assert info["options"]["limit"] == 2
    assert "shards" not in info["options"]
    assert np.isfinite(info["position_std"])
