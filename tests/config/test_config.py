"""Options: what is refused and how it is explained, and what is made from them."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from moldiff.cli.options import collect
from moldiff.config import reference as config_docs
from moldiff.config import run as config
from moldiff.config.featurize import FeaturizeOptions
from moldiff.config.network import KINDS, TransformerOptions, UNetOptions, network_options
from moldiff.config.options import ConfigError, canonical_json, parse, read_options
from moldiff.config.presets import PRESETS
from moldiff.config.reference import markdown
from moldiff.config.run import Config
from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions

ROOT = Path(__file__).parent.parent.parent
SHIPPED = sorted((ROOT / "workflows" / "config").glob("*.yaml"))
DATA = {"inputs": ["molecules.sdf"]}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_configurations_are_valid(path: Path):
    options = read_options(Config, path)
    assert options.name == path.stem
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), config_docs.json_schema())


def test_the_schema_on_disk_is_current():
    text = (ROOT / "workflows" / "config" / "schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == config_docs.json_schema(), "run `make docs`"


def test_the_reference_on_disk_is_current():
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == markdown(), "run `make docs`"


def test_every_option_has_a_help_text():
    for group in [Config, *config.option_groups().values(), *KINDS.values()]:
        for name, field in group.model_fields.items():
            assert field.description, f"{group.__name__}.{name}"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"featurize": DATA, "trian": {}}, ["`trian`", "did you mean `train`"]),
        ({"featurize": {**DATA, "hydrogen": "implicit"}}, ["`featurize.hydrogen`", "`hydrogens`"]),
        ({"featurize": DATA, "train": {"network": {"layer": 2}}}, ["`train.network.layer`", "`layers`"]),
        ({"featurize": DATA, "sample": {"qqqq": 1}}, ["`sample.qqqq`", "known keys", "sigma_max"]),
        ({"featurize": DATA, "sample": {"n": 0}}, ["sample.n", "0"]),
        ({"featurize": DATA, "sample": {"solver": "eular"}}, ["sample.solver", "euler", "eular"]),
        ({"featurize": DATA, "sample": {"sigma_min": 20}}, ["sigma_min 20", "sigma_max"]),
        ({"featurize": DATA, "sample": {"restart_from": 0.01}}, ["restart_from 0.01", "sigma_min"]),
        ({"featurize": DATA, "train": {"network": {"heads": 7}}}, ["heads", "128 scalar"]),
        ({"featurize": DATA, "train": {"learn": "chirality"}}, ["learn: chirality needs weights", "start_from"]),
        (
            {"featurize": DATA, "train": {"learn": "chirality", "start_from": "a", "placeholders": 0.2}},
            ["placeholders cannot be set with learn: chirality"],
        ),
        (
            {"featurize": DATA, "train": {"objective": "distill", "teacher": "a", "network": {"chirality": True}}},
            ["network.chirality cannot be set with objective distill"],
        ),
        (
            {"featurize": DATA, "train": {"network": {"irreps": "32x1o"}}},
            ["train.network.irreps", "`0e` must come first"],
        ),
        ({"featurize": DATA, "train": {"network": {"irreps": "128x0e + 32x2e"}}}, ["train.network.irreps", "`1o`"]),
        ({"featurize": DATA, "train": {"network": {"irreps": "128x0e + 32x1o + 8x2e"}}}, ["irreps", "same number"]),
        ({"featurize": DATA, "train": {"network": {"irreps": "128x0e + 8x1o + 8x1o"}}}, ["irreps", "twice"]),
        ({"featurize": DATA, "train": {"network": {"irreps": "128 scalars"}}}, ["irreps", "'128 scalars'", "32x1o"]),
        ({"featurize": DATA, "train": {"network": {"irreps": "128x0e + 8x1o + 8x4e"}}}, ["irreps", "'8x4e'"]),
        ({"featurize": DATA, "train": {"network": {"irreps": "4x0e + 8x1o"}}}, ["irreps", "8 scalar channels"]),
        (
            {"featurize": DATA, "train": {"network": {"kind": "unot"}}},
            ["train.network.kind", "transformer, unet", "'unot'"],
        ),
        (
            {"featurize": DATA, "train": {"network": {"levels": 2}}},
            ["`train.network.levels` of kind transformer", "of kind unet"],
        ),
        (
            {"featurize": DATA, "train": {"network": {"kind": "unet", "lewels": 2}}},
            ["`train.network.lewels`", "did you mean `levels`"],
        ),
        ({"featurize": DATA, "train": {"network": {"kind": "unet", "levels": 9}}}, ["train.network.levels", "9"]),
        ({"featurize": DATA, "train": {"network": {"kind": "unet", "heads": 7}}}, ["train.network: ", "128 scalar"]),
        ({"featurize": DATA, "train": {"network": 3}}, ["train.network", "3"]),
        ({"featurize": {**DATA, "min_atoms": 9, "max_atoms": 8}}, ["min_atoms 9"]),
        ({"featurize": {**DATA, "valid_fraction": 0.6, "test_fraction": 0.5}}, ["nothing to train on"]),
        ({}, ["featurize.inputs is empty"]),
        ({"featurize": DATA, "name": "../up"}, ["name", "../up"]),
        ({"featurize": None}, ["featurize"]),
    ],
)
def test_a_mistake_is_explained(values: dict[str, object], words: list[str]):
    with pytest.raises(ConfigError) as caught:
        parse(Config, values, "my.yaml")
    assert str(caught.value).startswith("my.yaml: ")
    for word in words:
        assert word in str(caught.value)


def test_all_mistakes_are_named_at_once():
    with pytest.raises(ConfigError, match=r"sample\.n.*sample\.stepz"):
        parse(Config, {"featurize": DATA, "sample": {"n": 0, "stepz": 1}})


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "just words"])
def test_a_file_that_is_no_mapping(tmp_path: Path, text: str):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        read_options(Config, path)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"absent\.yaml"):
        read_options(Config, tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: é".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml"):
        read_options(Config, tmp_path / "latin.yaml")


def test_an_empty_file_is_all_defaults(tmp_path: Path):
    (tmp_path / "empty.yaml").write_text("")
    assert read_options(SampleOptions, tmp_path / "empty.yaml") == SampleOptions()


def test_options_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        SampleOptions().n = 3  # type: ignore[misc]


def test_text_from_the_command_line_of_snakemake_is_taken():
    assert parse(SampleOptions, {"n": "13"}).n == 13


@given(n=st.integers(1, 10**6), steps=st.integers(1, 10**4), noise=st.floats(0, 1))
def test_canonical_json_goes_round(n: int, steps: int, noise: float):
    options = SampleOptions(n=n, steps=steps, noise=noise)
    text = canonical_json(options)
    assert parse(SampleOptions, json.loads(text)) == options
    assert canonical_json(parse(SampleOptions, json.loads(text))) == text


def test_a_preset_is_what_is_not_given_and_goes_round() -> None:
    fast = parse(SampleOptions, {"preset": "fast"})
    assert {name: getattr(fast, name) for name in PRESETS["fast"]} == PRESETS["fast"]
    mine = parse(SampleOptions, {"preset": "fast", "steps": 33})
    assert (mine.steps, mine.preset) == (33, "fast")
    assert {preset["steps"] for preset in PRESETS.values() if preset} == {20, 100}
    assert parse(SampleOptions, json.loads(canonical_json(mine))) == mine
    assert parse(SampleOptions, {}) == parse(SampleOptions, {"preset": "default"})
    for name in PRESETS:
        assert parse(SampleOptions, {"preset": name}).preset == name
    with pytest.raises(ConfigError, match="preset"):
        parse(SampleOptions, {"preset": "quick"})


def test_a_preset_of_a_file_gives_way_to_that_of_a_flag(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("preset: fast\nsigma_max: 4.5\n")
    by_flag = collect(SampleOptions, {"options": str(file), "preset": "best"}, "moldiff sample")
    assert by_flag == parse(SampleOptions, {"preset": "best", "sigma_max": 4.5})
    by_both = collect(SampleOptions, {"options": str(file), "rho": 6.0}, "moldiff sample")
    assert by_both == parse(SampleOptions, {"preset": "fast", "sigma_max": 4.5, "rho": 6.0})


def test_groups_are_in_the_order_of_the_workflow():
    assert list(config.option_groups()) == ["featurize", "train", "sample", "check", "rank", "report"]
    assert config.option_groups()["featurize"] is FeaturizeOptions
    assert config.option_groups()["train"] is TrainOptions


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(f'*{before}' for _ in range(9))}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "aliases stand for .* values"),
        ("a: &a [*a]", "more than 50 levels deep"),
        ("a: " + "[" * 20_000, "nested too deeply"),
        (f"a: {'[' * 60}{']' * 60}", "more than 50 levels deep"),
        (f"sample: {{n: {'9' * 5000}}}", "cannot be read"),
        (f"sample: {{n: {'9' * 4000}}}", "n is beyond 2147483647|less than or equal"),
        (f"sample: {{seed: {2**64}}}", "seed is beyond 2147483647"),
        ("sample: {rho: .nan}", "sample.rho: .*finite"),
        ("rank: {weights: {qed: .inf}}", "rank.weights.qed: .*finite"),
        (f"{'k' * 900}: 1", "unknown key"),
        (f"rank: {{filters: [{'[1],' * 10_000}]}}", "and 9992 more"),
        (f"rank: {{filters: {{a: {'x' * 100_000}}}}}", "list"),
    ],
)
def test_a_configuration_without_bounds_is_one_short_line(text: str, words: str, tmp_path: Path):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_options(Config, path)
    assert len(str(caught.value)) < 2000
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"rho": 0.1}, {"rho": 1e-9}, {"sigma_min": 1e-320}, {"sigma_max": 1e6}, {"sigma_max": float("inf")},
        {"batch_pairs": 10**30}, {"threads": 100_000}, {"temperature": 1e-9}, {"n": 10**12}, {"seed": -1},
    ],
)  # fmt: skip
def test_a_number_that_no_sampling_survives_is_refused_by_name(values: dict[str, float]):
    with pytest.raises(ConfigError, match=next(iter(values))):
        parse(SampleOptions, values)


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ("", "at least 1 character"),
        ("a{b}", "contains '{'"),
        ("a\nb", r"contains '\\n'"),
        ("a\x1bb", "contains"),
        ("-rf", "begins with '-'.*write ./-rf"),
        ("~/x", "begins with '~'"),
        ("a" * 1001, "at most 1000"),
    ],
)
def test_a_folder_that_the_workflow_cannot_name(results: str, words: str):
    with pytest.raises(ConfigError, match=f"results: .*{words}"):
        parse(Config, {"results": results, "featurize": {"inputs": ["x"]}})


@pytest.mark.parametrize("results", ["my results", "it's; $(touch x) \"& [a]*", "/abs/é", "..", "/"])
def test_a_folder_of_any_other_name(results: str):
    for written in (results, results.rstrip("/") + "/"):
        assert parse(Config, {"results": written, "featurize": {"inputs": ["x"]}}).results == results


def test_the_kind_of_a_network_decides_its_options():
    assert parse(TrainOptions, {"network": {"layers": 3}}).network == TransformerOptions(layers=3)
    assert parse(TrainOptions, {"network": {"kind": "unet", "layers": 3}}).network == UNetOptions(kind="unet", layers=3)
    assert TrainOptions().network == network_options({}, "nothing") == TransformerOptions()
    for options in (TransformerOptions(heads=4), UNetOptions(kind="unet", levels=2)):
        made = TrainOptions(network=options)
        assert TrainOptions.model_validate_json(made.model_dump_json()) == made
        assert network_options(options.model_dump(), "a file") == options
    with pytest.raises(ConfigError, match=r"a file: kind: expected one of transformer, unet"):
        network_options({"kind": "unot"}, "a file")


@pytest.mark.parametrize(
    ("network", "fits"),
    [({}, True), ({"layers": 3}, True), ({"kind": "unet", "levels": 2}, True)]
    + [({"levels": 2}, False), ({"kind": "unot"}, False), ({"kind": "unet", "levels": "two"}, False)],
)
def test_the_schema_knows_every_kind_of_network(network: dict[str, object], fits: bool):
    values = {"featurize": DATA, "train": {"network": network}}
    assert jsonschema.Draft202012Validator(config_docs.json_schema()).is_valid(values) == fits


def test_flags_are_those_of_every_kind_of_network():
    flags = {"network__kind": "unet", "network__levels": 2, "network__heads": 4}
    assert collect(TrainOptions, flags, "moldiff train").network == UNetOptions(kind="unet", levels=2, heads=4)
    mixed = {"options": '{"network": {"kind": "unet", "layers": 3}}', "network__levels": 1}
    assert collect(TrainOptions, mixed, "moldiff train").network == UNetOptions(kind="unet", layers=3, levels=1)
    with pytest.raises(ConfigError, match=r"network\.levels` of kind transformer; it is an option of kind unet"):
        collect(TrainOptions, {"network__levels": 2}, "moldiff train")
