"""What moldiff is measured against must be what it is called: equivariant denoisers of the published size."""

from collections.abc import Iterator

import pytest
import torch

from benchmarks.yardsticks import Yardstick, edge_graph_network, edge_product_network
from tests import tiny
from tests.symmetry import assert_equivariant

SIGMAS = (0.05, 0.7, 8.0)


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def yardsticks() -> list[Yardstick]:
    return [
        edge_graph_network(tiny.VOCABULARY, tiny.SIGMA_DATA, layers=2, width=16),
        edge_product_network(tiny.VOCABULARY, tiny.SIGMA_DATA, layers=2, scalars=8, vectors=4),
        edge_product_network(tiny.VOCABULARY, tiny.SIGMA_DATA, layers=2, scalars=8, vectors=4, degree=2),
    ]


@pytest.mark.parametrize("number", [0, 1, 2], ids=["egnn", "e3nn-1", "e3nn-2"])
def test_yardstick_is_equivariant(number: int) -> None:
    network = yardsticks()[number]
    with torch.no_grad():
        batch = tiny.batch_of(6, 4, 1)
        assert_equivariant(network, batch, tiny.at(batch, *SIGMAS))


@pytest.mark.parametrize("number", [0, 1, 2], ids=["egnn", "e3nn-1", "e3nn-2"])
def test_yardstick_learns_with_all_its_parameters(number: int) -> None:
    network, process, clean = yardsticks()[number], tiny.process(), tiny.batch_of(6, 4)
    levels = tiny.at(clean, *SIGMAS[:2])
    noisy = process.corrupt(clean, levels, tiny.seeded())
    process.total(process.loss(network(noisy, levels), clean, levels)).backward()
    without = [name for name, one in network.named_parameters() if one.grad is None or not one.grad.abs().sum() > 0]
    assert not without


def test_graph_network_has_the_size_of_edm() -> None:
    parameters = sum(one.numel() for one in edge_graph_network(tiny.VOCABULARY, tiny.SIGMA_DATA).parameters())
    assert 5.0e6 < parameters < 5.7e6  # EDM on QM9: 5.3 M
