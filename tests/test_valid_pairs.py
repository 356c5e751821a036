"""What is preferred and refused to teach validity alone."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import valid


def check(folder: Path, name: str, verdicts: list[tuple[bool, bool | None]]) -> str:
    """An SDF of numbered records, and a check that says of each whether it is valid_strict and PB-valid."""
    rows = [{"valid_strict": strict, "pb_valid": pose} for strict, pose in verdicts]
    (folder / name).mkdir()
    pq.write_table(pa.Table.from_pylist(rows), folder / name / "rows.parquet")
    (folder / f"{name}.sdf").write_text("".join(f"{name}{place}\n$$$$\n" for place in range(len(rows))))
    return f"{folder / name}.sdf={folder / name}"


def sets(folder: Path, *arguments: str) -> list[list[str]]:
    valid.main([str(folder / "round"), *arguments])
    return [(folder / f"round_{kind}.sdf").read_text().split("\n$$$$\n")[:-1] for kind in ("kept", "refused")]


def test_what_fails_is_refused_and_of_hasty_molecules_only_what_is_not_valid(tmp_path: Path):
    own = check(tmp_path, "own", [(True, True), (False, None), (True, False), (True, True), (False, True)])
    hasty = check(tmp_path, "hasty", [(True, True), (True, False), (False, None)])
    kept, refused = sets(tmp_path, own, "--invalid", "2", "--hasty", hasty)
    assert kept == ["own0", "own3"]
    assert refused == ["own1", "own4", "own1", "own4", "own2", "hasty2"]


def test_preferred_ones_are_drawn_with_even_chances(tmp_path: Path):
    own = check(tmp_path, "own", [(True, True)] * 40 + [(False, None)])
    counts = dict.fromkeys(range(40), 0)
    for seed in range(200):
        kept, _ = sets(tmp_path, own, "-n", "10", "--seed", str(seed))
        assert len(set(kept)) == 10
        for name in kept:
            counts[int(name.removeprefix("own"))] += 1
    assert min(counts.values()) > 20
    assert max(counts.values()) < 85
