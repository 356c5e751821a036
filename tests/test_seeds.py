import math

from hypothesis import given
from hypothesis import strategies as st

from moldiff.seeds import Stream, stream_seed

STREAM, NUMBER = st.sampled_from(list(Stream)), st.integers(0, 2**40)
PART = st.tuples(STREAM, st.lists(NUMBER, min_size=1, max_size=3))


@given(one=PART, other=PART)
def test_parts_of_streams_share_a_seed_only_if_they_are_the_same(one: tuple, other: tuple) -> None:
    seeds = [stream_seed(numbers[0], stream, *numbers[1:]) for stream, numbers in (one, other)]
    assert (seeds[0] == seeds[1]) == (one == other)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_orders_of_epochs_and_noise_of_the_validation_do_not_meet() -> None:
    orders = {stream_seed(0, Stream.ORDER, epoch) for epoch in range(1000)}
    others = {stream_seed(0, stream) for stream in Stream} | {
        stream_seed(0, Stream.NOISE, step) for step in range(1000)
    }
    assert len(orders) == 1000
    assert not orders & others
    assert math.log2(max(orders)) > 60


def test_seeds_are_the_same_on_every_machine() -> None:
    assert stream_seed(0, Stream.ORDER, 2) == 2947658763511696322
