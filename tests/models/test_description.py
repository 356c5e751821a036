"""A weights file that contradicts itself, or claims more than it holds, is refused in one line."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from moldiff.config.network import NetworkOptions, TransformerOptions, UNetOptions
from moldiff.models.description import read_description
from tests import tiny

NUMBERS = sum(tensor.numel() for tensor in tiny.network().state_dict().values())
WHOLE: dict[str, Any] = {
    "vocabulary": {"elements": list(tiny.VOCABULARY.elements), "charges": list(tiny.VOCABULARY.charges)},
    "statistics": {
        "sigma_data": tiny.SIGMA_DATA, "marginals": tiny.MARGINALS, "sizes": {"3": 1, "9": 2}, "hydrogens": "implicit"
    },
    "network": tiny.network().options.model_dump(),
    "history": {"steps": 3},
}  # fmt: skip


def put(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(description: dict[str, Any]) -> None:
        for name in path[:-1]:
            description = description[name]
        description[path[-1]] = value

    return change


STATISTICS = [("sigma_data", value) for value in (-1, 0, float("nan"), 1e308, "wide", None)]


def test_a_whole_description_is_read():
    read = read_description(json.dumps(WHOLE), NUMBERS)
    assert read.network == tiny.network().options
    assert read.statistics.sizes == {3: 1, 9: 2}
    assert read.history == {"steps": 3}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *((put("statistics", name, value=value), "sigma_data") for name, value in STATISTICS),
        (put("statistics", "marginals", "element", value=[1.0]), "1 marginals for 4 classes of element"),
        (put("statistics", "marginals", "charge", value=[-0.1, 1.0, 0.1]), "marginals.charge"),
        (put("statistics", "marginals", "bond", value=[0.5, 0.5, 0.5, 0.5]), "add up to 2"),
        (put("statistics", "marginals", "bond", value=[1.0]), "marginals.bond"),
        (put("statistics", "sizes", value={"0": 1}), "sizes"),
        (put("statistics", "sizes", value={"9": 0}), "sizes"),
        (put("statistics", "sizes", value={"9" * 5000: 1}), "sizes|description"),
        (put("statistics", "sizes", value={"20000": 1}), "sizes"),
        (put("statistics", "sizes", value={}), "sizes"),
        (put("statistics", "hydrogens", value="some"), "hydrogens"),
        (put("vocabulary", "charges", value=[0, 500, 1]), "charges"),
        (put("vocabulary", "elements", value=[6, 6.5, 8, 9]), "elements"),
        (put("vocabulary", "elements", value=[6, 6, 8, 9]), "the same class twice"),
        (put("vocabulary", "elements", value=[6, 7, 8, 119]), "elements"),
        (put("vocabulary", "elements", value=[]), "elements"),
        (put("network", "layers", value=64), "claims a network of more than"),
        (put("network", "irreps", value="8192x0e + 4x1o"), "claims a network of more than"),
        (put("network", "irreps", value="99999x0e + 4x1o"), "irrep"),
        (put("network", "hidden", value=10**9), "hidden"),
        (put("network", value=None), "network"),
    ],
)
def test_a_description_that_cannot_be_true_is_one_line(change: Callable[[dict[str, Any]], None], words: str):
    description = copy.deepcopy(WHOLE)
    change(description)
    with pytest.raises(ValueError, match=words) as caught:
        read_description(json.dumps(description), NUMBERS)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "1", '{"network": {}}'])
def test_no_description_at_all(text: str):
    with pytest.raises(ValueError, match=r"\S"):
        read_description(text, NUMBERS)


@pytest.mark.parametrize(
    "options",
    [TransformerOptions(), TransformerOptions(layers=1, irreps="8x0e + 4x1o", pairs=4, hidden=8, heads=1),
     TransformerOptions(irreps="64x0e + 64x1o + 64x2e", pairs=256, hidden=512), UNetOptions(kind="unet"),
     UNetOptions(kind="unet", levels=1), UNetOptions(kind="unet", levels=4, layers=3, pairs=200, outer_pairs=4)],
)  # fmt: skip
def test_every_true_network_holds_what_it_claims(options: NetworkOptions):
    network = tiny.build_network(options, tiny.VOCABULARY, tiny.SIGMA_DATA)
    numbers = sum(tensor.numel() for tensor in network.state_dict().values())
    read_description(json.dumps({**WHOLE, "network": options.model_dump()}), numbers)
