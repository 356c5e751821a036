"""The sample stage: the same seed gives the same file, however it was cut or killed."""

import gzip
import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
import torch
from rdkit import Chem

from moldiff.errors import UserError
from moldiff.files.manifest import record_of
from moldiff.models.checkpoint import Model, Statistics, save_model
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.levels import Levels
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.sampling.decode import Sampled
from moldiff.sampling.plan import Plan, PlannedBatch
from moldiff.sampling.sampler import Sampler
from moldiff.stages.sample import merge_samples, sample
from tests import tiny

OPTIONS = tiny.sample_options(n=14, steps=3, batch_pairs=100)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    statistics = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {1: 1, 3: 2, 5: 3, 8: 1}, "implicit")
    save_model(Model.of(tiny.network().float(), statistics), path)
    return path


@pytest.fixture(scope="module")
def whole(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample(OPTIONS, weights, tmp_path_factory.mktemp("whole") / "samples.sdf")


def record(output: Path) -> dict[str, Any]:
    return json.loads(record_of(output).read_text())


def read(path: Path) -> list[Chem.Mol]:
    return list(Chem.SDMolSupplier(str(path), sanitize=False, removeHs=False))


def test_file_holds_all_molecules_with_their_origin(whole: Path) -> None:
    molecules = read(whole)
    assert len(molecules) == 14
    assert None not in molecules
    made = record(whole)
    assert (made["requested"], made["produced"], made["not_finite"], made["evaluations"]) == (14, 14, 0, 3)
    assert made["options"] == OPTIONS.model_dump(mode="json")
    taken = [int(mol.GetProp("moldiff_restarts")) for mol in molecules]
    assert made["restarts"] == {str(number): taken.count(number) for number in sorted(set(taken))}
    tail = Plan.of(OPTIONS).restart_evaluations
    assert made["mean_evaluations"] == pytest.approx(3 + tail * sum(taken) / 14, abs=0.01)
    assert max(taken) > 0, "an untrained network makes broken molecules"
    for number, mol in enumerate(molecules):
        assert mol.GetProp("_Name") == f"sample_{number:06d}"
        assert mol.GetProp("moldiff_index") == str(number)
        assert mol.GetProp("moldiff_seed") == "0"
        assert mol.GetProp("moldiff_model") == made["model"][:12]
    assert sorted(path.name for path in whole.parent.iterdir()) == ["samples.json", "samples.sdf"]


def test_same_seed_gives_the_same_bytes_and_another_does_not(weights: Path, whole: Path, tmp_path: Path) -> None:
    again = sample(OPTIONS, weights, tmp_path / "again.sdf")
    assert again.read_bytes() == whole.read_bytes()
    other = sample(OPTIONS.model_copy(update={"seed": 1}), weights, tmp_path / "other.sdf")
    assert other.read_bytes() != whole.read_bytes()


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_merged_shards_are_the_file_of_one_run(shards: int, weights: Path, whole: Path, tmp_path: Path) -> None:
    parts = [
        sample(OPTIONS, weights, tmp_path / f"part{number}.sdf", shard=(number, shards)) for number in range(shards)
    ]
    merged = merge_samples(list(reversed(parts)), tmp_path / "samples.sdf")
    assert merged.read_bytes() == whole.read_bytes()
    made, expected = ({**record(one), "seconds": 0, "record_sha256": ""} for one in (merged, whole))
    assert made == expected


def test_more_shards_than_batches(weights: Path, whole: Path, tmp_path: Path) -> None:
    parts = [sample(OPTIONS, weights, tmp_path / f"part{number}.sdf.gz", shard=(number, 12)) for number in range(12)]
    assert merge_samples(parts, tmp_path / "samples.sdf").read_bytes() == whole.read_bytes()


def test_killed_run_goes_on_where_it_was(
    weights: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = Sampler.batch, []

    def dying(self: Sampler, plan: Plan, batch: PlannedBatch, *rest: Any) -> list[Sampled]:
        if len(made) == 2:
            raise SystemExit(137)
        made.append(batch.number)
        return real(self, plan, batch, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Sampler, "batch", dying)
        with pytest.raises(SystemExit):
            sample(OPTIONS, weights, tmp_path / "samples.sdf")
    assert not (tmp_path / "samples.sdf").exists()

    def counting(self: Sampler, plan: Plan, batch: PlannedBatch, *rest: Any) -> list[Sampled]:
        assert batch.number not in made, "what was finished is not made again"
        return real(self, plan, batch, *rest)

    monkeypatch.setattr(Sampler, "batch", counting)
    assert sample(OPTIONS, weights, tmp_path / "samples.sdf").read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["samples.json", "samples.sdf"]


def test_leftovers_of_other_options_are_not_used(
    weights: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = Sampler.batch, []

    def dying(self: Sampler, plan: Plan, batch: PlannedBatch, *rest: Any) -> list[Sampled]:
        made.append(batch)
        if len(made) == 3:
            raise SystemExit(137)
        return real(self, plan, batch, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Sampler, "batch", dying)
        with pytest.raises(SystemExit):
            sample(OPTIONS.model_copy(update={"seed": 5}), weights, tmp_path / "samples.sdf")
    assert sample(OPTIONS, weights, tmp_path / "samples.sdf").read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["samples.json", "samples.sdf"]


def test_second_run_of_the_same_file_is_refused_and_takes_nothing_from_the_first(
    weights: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two shards with one --out do: the one that ends first removed the other's batches."""
    real, output, refused = Sampler.batch, tmp_path / "samples.sdf", []
    context = multiprocessing.get_context("fork")  # torch is loaded already: a fresh process would take seconds

    def second(answers: Any) -> None:
        try:
            sample(OPTIONS, weights, output, shard=(1, 2))
            answers.put("not refused")
        except UserError as error:
            answers.put(str(error))

    def interrupted(self: Sampler, plan: Plan, batch: PlannedBatch, *rest: Any) -> list[Sampled]:
        if not refused:
            answers = context.SimpleQueue()
            process = context.Process(target=second, args=(answers,))
            process.start()
            refused.append(answers.get())
            process.join()
        return real(self, plan, batch, *rest)

    monkeypatch.setattr(Sampler, "batch", interrupted)
    assert sample(OPTIONS, weights, output).read_bytes() == whole.read_bytes()
    assert "samples.sdf: another process is making it" in refused[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["samples.json", "samples.sdf"]


def test_compressed_file_holds_the_same(weights: Path, whole: Path, tmp_path: Path) -> None:
    output = sample(OPTIONS, weights, tmp_path / "samples.sdf.gz")
    assert gzip.decompress(output.read_bytes()) == whole.read_bytes()
    assert record_of(output) == tmp_path / "samples.json"
    again = sample(OPTIONS, weights, tmp_path / "again" / "samples.sdf.gz")
    assert again.read_bytes() == output.read_bytes(), "no time stamp in the file"


@pytest.mark.parametrize("name", ["samples.smi", "samples", "samples.sdf.zip"])
def test_another_suffix_is_an_error(name: str, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"end the name in \.sdf"):
        sample(OPTIONS, weights, tmp_path / name)


@pytest.mark.parametrize("shard", [(2, 2), (-1, 2)])
def test_shard_that_does_not_exist(shard: tuple[int, int], weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        sample(OPTIONS, weights, tmp_path / "samples.sdf", shard=shard)


@pytest.mark.parametrize("atoms", [1, 2, 12])
def test_given_number_of_atoms(atoms: int, weights: Path, tmp_path: Path) -> None:
    output = sample(tiny.sample_options(n=3, atoms=atoms), weights, tmp_path / "samples.sdf")
    assert [mol.GetNumAtoms() for mol in read(output)] == [atoms] * 3


@pytest.mark.parametrize("pairs", [100, 50_000])
def test_size_of_batches_does_not_change_what_is_made(pairs: int, weights: Path, whole: Path, tmp_path: Path) -> None:
    output = sample(OPTIONS.model_copy(update={"batch_pairs": pairs}), weights, tmp_path / "samples.sdf")
    assert [mol.GetNumAtoms() for mol in read(output)] == [mol.GetNumAtoms() for mol in read(whole)]


def test_lost_molecules_are_counted(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = DenoisingNetwork.forward

    def failing(
        self: DenoisingNetwork, noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None
    ) -> Prediction:
        predicted = real(self, noisy, levels, previous)
        predicted.element[0] = torch.nan
        return predicted

    monkeypatch.setattr(DenoisingNetwork, "forward", failing)
    output = sample(tiny.sample_options(n=5, atoms=4), weights, tmp_path / "samples.sdf")
    made = record(output)
    assert (made["requested"], made["produced"], made["not_finite"]) == (5, 4, 1)
    assert [mol.GetProp("moldiff_index") for mol in read(output)] == ["1", "2", "3", "4"]


class TestMerging:
    @pytest.fixture
    def parts(self, weights: Path, tmp_path: Path) -> list[Path]:
        return [sample(OPTIONS, weights, tmp_path / f"part{number}.sdf", shard=(number, 2)) for number in (0, 1)]

    def test_missing_shard(self, parts: list[Path], tmp_path: Path) -> None:
        with pytest.raises(UserError, match="give all shards"):
            merge_samples(parts[:1], tmp_path / "samples.sdf")

    def test_shard_given_twice(self, parts: list[Path], tmp_path: Path) -> None:
        with pytest.raises(UserError, match="twice"):
            merge_samples([parts[0], parts[0], parts[1]], tmp_path / "samples.sdf")

    def test_shards_of_different_options(self, parts: list[Path], weights: Path, tmp_path: Path) -> None:
        other = sample(OPTIONS.model_copy(update={"steps": 2}), weights, tmp_path / "other.sdf", shard=(1, 2))
        with pytest.raises(UserError, match="different options"):
            merge_samples([parts[0], other], tmp_path / "samples.sdf")

    def test_damaged_shards(self, parts: list[Path], tmp_path: Path) -> None:
        parts[1].write_bytes(parts[1].read_bytes()[:-20])
        with pytest.raises(UserError, match="part1.*ends within a record"):
            merge_samples(parts, tmp_path / "samples.sdf")
        parts[1].unlink()
        with pytest.raises(UserError, match="part1.*no such file"):
            merge_samples(parts, tmp_path / "samples.sdf")

    @pytest.mark.parametrize("kept", [5, 200])
    def test_truncated_gzip(self, kept: int, parts: list[Path], tmp_path: Path) -> None:
        packed = tmp_path / "part1.sdf.gz"
        packed.write_bytes(gzip.compress(parts[1].read_bytes())[:kept])
        with pytest.raises(UserError, match=r"part1\.sdf\.gz.*sample this shard again"):
            merge_samples([parts[0], packed], tmp_path / "samples.sdf")
