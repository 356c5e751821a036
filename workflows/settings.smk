# The validated configuration and the names that the rules share. No rules here.
import fcntl
import hashlib
import json
import os
import re
import shlex
import sys
from glob import glob
from pathlib import Path

from moldiff.config import run as moldiff_run
from moldiff.config import options as moldiff_options
from moldiff.errors import UserError
from moldiff.files.atomic import sha256
from moldiff.models import shipped

try:
    CONFIG = moldiff_options.parse(moldiff_run.Config, config)
except moldiff_options.ConfigError as error:
    raise WorkflowError(str(error)) from None

RUN = os.path.join(CONFIG.results, CONFIG.name)
LOGS = f"{RUN}/logs"
BENCHMARKS = f"{RUN}/benchmarks"
SHARDS = f"{RUN}/shards"

# Without an activated environment, `moldiff` is the one beside the Python that runs Snakemake.
shell.prefix(f'export PATH="$PATH":{shlex.quote(str(Path(sys.executable).parent))}; ')


scattergather:
    featurize=CONFIG.featurize.shards,
    sample=CONFIG.sample.shards,
    check=CONFIG.sample.shards,


# Options that change no result (threads: none but in the last digits), which rules pass in another way: changing one
# reruns nothing.
WITHOUT_EFFECT = {"shards", "threads", "workers", "min_valid", "oversubscribe"}


def section(name):
    """The options of one stage as JSON: a rule's params, so that a changed option reruns what follows from it."""
    options = getattr(CONFIG, name)
    return json.dumps(
        options.model_dump(mode="json", exclude=WITHOUT_EFFECT), sort_keys=True
    )


def as_named(files, option):
    """Input files of the user's, whose names get no prefix where this is a module of another workflow."""
    for file in files:
        if set(file) & set("{}"):
            raise WorkflowError(
                f"{option}: {file}: Snakemake takes braces for a wildcard; rename the file"
            )
    return [local(file) for file in files]


def raw_files():
    """The raw files, so that a changed one reruns what follows from it."""
    files = []
    for pattern in CONFIG.featurize.inputs:
        if pattern.startswith("pyg-qm9:"):
            continue
        found = sorted(glob(pattern, recursive=True))
        if not found:
            raise WorkflowError(
                f"featurize.inputs: no file matches {pattern!r} in {os.getcwd()}; paths go from the working directory"
            )
        files += found
    return as_named(files, "featurize.inputs")


def started_weights():
    """Checksum of the weights that are fine-tuned or distilled: others rerun the training, the same in another place do not."""
    start = CONFIG.train.begins_with
    try:
        return sha256(shipped.weights_path(start)) if start else ""
    except (UserError, OSError) as error:
        raise WorkflowError(f"train: {error}") from None


def refused_molecules():
    """Checksum of the dataset of molecules that are not wanted, for the same reason."""
    folder = CONFIG.train.refused
    try:
        return sha256(Path(folder) / "dataset.json") if folder else ""
    except OSError as error:
        raise WorkflowError(
            f"train.refused: {folder}: {error.strerror}; name a folder that `moldiff featurize` made"
        ) from None


def ranking_files():
    """Files that the ranking reads beside the check: the user's own scores, alerts, known molecules and tables."""
    own = [
        score.rpartition(":")[0]
        for score in CONFIG.rank.scores.values()
        if ".py:" in score and not score.startswith(("command:", "command-sdf:"))
    ]
    named = [CONFIG.rank.alerts, *CONFIG.rank.similar_to, *CONFIG.rank.tables]
    known = [path for path in named if path and Path(path).is_file()]
    return as_named(own, "rank.scores") + as_named(known, "rank")


def known_rings():
    """The dataset whose ring systems `sample.restart_if` knows, where the configuration names no other."""
    wanted = (
        CONFIG.sample.restart_if == "unknown_rings" and CONFIG.sample.rings_of is None
    )
    return [f"{RUN}/dataset/dataset.json"] if wanted else []


def training_state():
    """Name of the state that a killed training resumes from, another one for each configuration.

    The rule appends the checksum of the dataset, which is not known before there is one.
    """
    text = (
        section("featurize")
        + section("train")
        + started_weights()
        + refused_molecules()
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# Whether jobs run elsewhere, or this is Snakemake within such a job: the cores of this machine then say nothing.
AWAY = workflow.remote_exec or not workflow.local_exec


def cores(shards, wanted=0, away=1, most=1024):
    """Threads of a job that is one of ``shards``: those wanted, else a share of the cores at hand.

    Where jobs run on other machines it is ``away``, which the profile's `set-threads` may override; it is at most
    ``most``.
    """
    share = away if AWAY else max(1, (workflow.resource_settings.cores or 1) // shards)
    return wanted or min(share, most)


def whole_run():
    """All options as JSON, without those that change no result and the short list's, of which the report is silent."""
    sections = {name: WITHOUT_EFFECT for name in moldiff_run.option_groups()}
    sections["rank"] = True
    return json.dumps(CONFIG.model_dump(mode="json", exclude=sections), sort_keys=True)


def lock_run():
    """Keep a second workflow out of this run's folder as long as this process lives.

    Unlike Snakemake's own lock, this one leaves no trace when the process is killed.
    """
    Path(RUN).mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{RUN}/.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WorkflowError(
            f"{RUN}: another workflow is running there; wait for its end or choose another `name`"
        )


def refuse_odd_paths():
    """Keep paths from a batch system whose plugin puts a job's command into double quotes and its log into patterns."""
    for what, path in (("results", RUN), ("working folder", os.getcwd())):
        if not re.fullmatch(r"[\w ./+=@,:-]*", path):
            raise WorkflowError(
                f"{what}: {path}: on a cluster a path must be of letters, digits, blanks and ./+=@,:_- alone; "
                "choose another folder"
            )


onstart:
    if not workflow.local_exec:  # which is not known before
        refuse_odd_paths()
    lock_run()


onsuccess:
    print(f"Done: open {RUN}/report.html", file=sys.stderr)
