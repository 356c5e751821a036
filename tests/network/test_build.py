"""One door: architectures are named in `moldiff.network.build` and nowhere else in the package."""

import ast
from pathlib import Path

import pytest

import moldiff.network
from moldiff.config.network import KINDS, network_options
from moldiff.network.body import Body
from moldiff.network.build import BODIES, build_network
from moldiff.network.layer import Layer
from tests import tiny

PACKAGE = Path(moldiff.network.__file__).parent.parent


def test_only_build_imports_a_body() -> None:
    bodies = {body.__module__ for body in BODIES.values()}
    importing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in bodies
    }
    assert importing == {"network/build.py"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_options_has_its_body(kind: str) -> None:
    own = {"outer_pairs": 8, "coarse_layers": 3} if kind == "unet" else {}
    options = network_options({**tiny.NETWORK, **own, "kind": kind}, "a test")
    network = build_network(options, tiny.VOCABULARY, tiny.SIGMA_DATA)
    assert isinstance(network.body, BODIES[kind])
    assert isinstance(network.body, Body)
    assert (network.body.atom_channels, network.body.pair_channels) == (16, 8)
    assert "16x0e+4x1o" in repr(network.body)
    layers = [module for module in network.modules() if isinstance(module, Layer)]
    assert len(layers) == options.depth


def test_every_kind_has_options_and_a_body() -> None:
    assert set(BODIES) == set(KINDS)
