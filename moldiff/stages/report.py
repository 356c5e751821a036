"""The report stage: folders of the other stages in, one HTML file out."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from moldiff.config.report import ReportOptions
from moldiff.errors import UserError
from moldiff.files.atomic import only_writer, write_text
from moldiff.reporting.evidence import gather
from moldiff.reporting.page import page


def report(
    options: ReportOptions,
    output: Path,
    *,
    dataset: Path | None = None,
    training: Path | None = None,
    samples: Sequence[Path] = (),
    check: Path | None = None,
    config: Mapping[str, Any] | None = None,
    benchmarks: Path | None = None,
) -> Path:
    """Write the report; every part may be left out, and the page says in its place what is missing.

    Args:
        options: title and numbers of pictures.
        output: the HTML file; links to the other files are relative to its folder.
        dataset: folder of `moldiff featurize`.
        training: folder of `moldiff train`.
        samples: molecule files that were checked, for pictures of failures and for the 3D view; without them the
            files that the check names are tried.
        check: folder of `moldiff check`.
        config: the configuration of the whole run, to be shown.
        benchmarks: folder of what the rules' ``benchmark:`` measured.

    Returns:
        The path of the page.

    Raises:
        UserError: nothing is given, something named does not exist or cannot be read, the page cannot be written, or
            another process is making it.
    """
    if output.is_dir():
        raise UserError(f"{output}: is a folder; name the HTML file to write, for example {output / 'report.html'}")
    if not (dataset or training or samples or check):
        raise UserError("nothing to report on; give at least one of --check, --samples, --training and --dataset")
    with only_writer(output):
        evidence = gather(output, dataset=dataset, training=training, samples=samples, check=check, config=config,
                          benchmarks=benchmarks)  # fmt: skip
        text = page(options, evidence)
        write_text(output, text)
    print(f"{output}: {len(text.encode('utf-8')) / 1e6:.1f} MB, open it in a browser", file=sys.stderr)
    return output
