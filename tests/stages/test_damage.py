"""Whatever a stage wrote and the next one reads: cut short or with one bit changed, it is refused by name."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from moldiff.config.check import CheckOptions
from moldiff.config.featurize import FeaturizeOptions
from moldiff.config.rank import RankOptions
from moldiff.config.report import ReportOptions
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, Statistics, load_model, save_model
from moldiff.stages.check import check_shard, merge_checks
from moldiff.stages.featurize import featurize_shard, merge
from moldiff.stages.rank import rank
from moldiff.stages.report import report
from moldiff.stages.sample import merge_samples, sample
from moldiff.stages.train import train
from moldiff.training.state import load_state, save_state
from tests import tiny

SMILES = "CCO\nCCN\nC1CC1\nCC=O\nCC#N\n"
CHECK = CheckOptions(workers=1)


def featurize_options(folder: Path) -> FeaturizeOptions:
    return FeaturizeOptions(inputs=[str(folder / "raw.smi")], valid_fraction=0.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Something of each stage."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "raw.smi").write_text(SMILES)
    featurize_shard(featurize_options(folder), 0, 1, folder / "shard", workers=1)
    merge(featurize_options(folder), [folder / "shard"], folder / "dataset")
    statistics = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {3: 1}, "implicit")
    save_model(Model.of(tiny.network().float(), statistics), folder / "model.safetensors")
    save_state(folder / "state.pt", {"weights": tiny.network().state_dict()})
    sample(tiny.sample_options(n=3), folder / "model.safetensors", folder / "sample.sdf", shard=(0, 1))
    check_shard(CHECK, [str(folder / "raw.smi")], 0, 1, folder / "part", workers=1)
    merge_checks(CHECK, [folder / "part"], folder / "check", workers=1)
    return folder


READERS: dict[str, Callable[[Path], object]] = {
    "merge featurize": lambda made: merge(featurize_options(made), [made / "shard"], made / "out"),
    "train": lambda made: train(tiny.train_options(steps=1), made / "dataset", made / "out"),
    "sample": lambda made: load_model(made / "model.safetensors"),
    "resume": lambda made: load_state(made / "state.pt"),
    "merge sample": lambda made: merge_samples([made / "sample.sdf"], made / "out.sdf"),
    "check": lambda made: check_shard(CHECK, [str(made / "sample.sdf")], 0, 1, made / "out", workers=1),
    "novelty": lambda made: merge_checks(CHECK, [made / "part"], made / "out", train=made / "dataset", workers=1),
    "merge check": lambda made: merge_checks(CHECK, [made / "part"], made / "out", workers=1),
    "rank": lambda made: rank(made / "check", made / "out", RankOptions(n=1)),
    "report": lambda made: report(
        ReportOptions(pictures=0, molecules=0), made / "out.html", dataset=made / "dataset", check=made / "check"
    ),
}
READ = [
    ("merge featurize", ["shard/shard.json", "shard/arrays.safetensors"]),
    ("merge featurize", ["shard/rows.parquet", "shard/rejected.parquet"]),
    ("train", ["dataset/dataset.json", "dataset/arrays.safetensors", "dataset/molecules.parquet"]),
    ("sample", ["model.safetensors"]),
    ("resume", ["state.pt"]),
    ("merge sample", ["sample.sdf", "sample.json"]),
    ("check", ["sample.sdf"]),
    ("novelty", ["dataset/molecules.parquet"]),
    ("merge check", ["part/part.json", "part/part.parquet"]),
    ("rank", ["check/summary.json", "check/rows.parquet"]),
    ("report", ["dataset/dataset.json", "check/rows.parquet", "check/summary.json"]),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "name"), [(reader, name) for reader, names in READ for name in names])
def test_a_damaged_file_is_refused_by_name(reader: str, name: str, made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    whole = (copy / name).read_bytes()
    # text in JSON is compared by meaning: the bit is one of a letter or a digit
    places = [place for place, byte in enumerate(whole) if not name.endswith(".json") or chr(byte).isalnum()]
    draw = random.Random(name)
    damages = [whole[: draw.randrange(1, len(whole))]]
    for place in draw.sample(places, 2):
        damages.append(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    for damaged in damages:
        (copy / name).write_bytes(damaged)
        with pytest.raises(UserError, match=Path(name).name.replace(".", r"\.") + ".*; "):
            READERS[reader](copy)
    (copy / name).write_bytes(whole)


@pytest.mark.parametrize("reader", ["merge featurize", "resume", "merge sample", "check", "merge check", "rank"])
def test_whole_files_are_read(reader: str, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "copy")
    options_fit = reader != "merge featurize"  # its options name the folder
    READERS[reader](tmp_path / "copy" if options_fit else made)
