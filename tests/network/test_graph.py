import pytest
import torch

from moldiff.network.graph import CompleteGraph
from tests import tiny

SIZES = pytest.mark.parametrize("sizes", [(1, 1), (4, 2), (5, 1)], ids=str)


@SIZES
def test_ends_of_a_pair_and_pairs_of_an_atom_are_summed_over_real_atoms(sizes: tuple[int, int]) -> None:
    graph, atoms = CompleteGraph.of(tiny.mask_of(*sizes), torch.float64), max(sizes)
    nodes = torch.randn(2, atoms, 3, generator=tiny.seeded(), dtype=torch.float64)
    pairs = torch.randn(2, atoms * (atoms - 1) // 2, 3, generator=tiny.seeded(1), dtype=torch.float64)
    total, gathered = graph.ends() @ nodes, graph.gather(pairs)
    expected = torch.zeros_like(nodes)
    for number, size in enumerate(sizes):
        for pair, (row, column) in enumerate(zip(graph.index.row.tolist(), graph.index.column.tolist(), strict=True)):
            if column < size:
                assert torch.equal(total[number, pair], nodes[number, row] + nodes[number, column])
                expected[number, [row, column]] += pairs[number, pair]
            else:
                assert not total[number, pair].any()
    torch.testing.assert_close(gathered, expected, rtol=0, atol=1e-12)


def test_distances_are_those_of_the_pairs() -> None:
    batch = tiny.batch_of(4, 3)
    graph = CompleteGraph.of(batch.mask, torch.float64)
    expected = torch.cdist(batch.pos, batch.pos)[:, graph.index.row, graph.index.column]
    torch.testing.assert_close(graph.distance(batch.pos), expected, rtol=0, atol=1e-6)
