"""What is installed, what the machine offers, and what is missing for which purpose."""

import importlib.util
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from moldiff.errors import UserError
from moldiff.models import shipped
from moldiff.parallel import default_workers
from moldiff.stages.project import workflow_folder

_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
_NAME = re.compile(r"[\w.-]+")
_FOR_DEVELOPERS = ("test", "dev", "docs")


@dataclass(frozen=True)
class Finding:
    """One line of the examination; ``problem`` means that something which should work does not."""

    section: str
    name: str
    text: str
    problem: bool = False

    def as_dict(self) -> dict[str, str | bool]:
        """For JSON."""
        return asdict(self)


def examine() -> list[Finding]:
    """Look at the installation and the machine, in the order in which it is shown."""
    return [*_versions(), *_extras(), *_devices(), *_shipped(), *_workflow(), *_folders()]


def _versions() -> Iterator[Finding]:
    where = Path(__file__).parent.parent
    yield Finding("Versions", "moldiff", f"{metadata.version('moldiff')} in {where}")
    supported = sys.version_info >= (3, 11)
    yield Finding("Versions", "python", f"{platform.python_version()}, {platform.platform()}", not supported)
    for name, extra in _requirements():
        if not extra:
            yield Finding("Versions", name, _version(name) or "missing; install moldiff again", not _version(name))


def _extras() -> Iterator[Finding]:
    extras: dict[str, list[str]] = {}
    for name, extra in _requirements():
        if extra and extra not in _FOR_DEVELOPERS:
            extras.setdefault(extra, []).append(name)
    for extra, names in sorted(extras.items()):
        missing = [name for name in names if not _version(name)]
        present = ", ".join(f"{name} {_version(name)}" for name in names if name not in missing)
        remedy = f"not installed: pip install 'moldiff[{extra}]'"
        yield Finding("Extras (none is needed)", extra, remedy if missing else present)


def _devices() -> Iterator[Finding]:
    cores = default_workers()
    yield Finding("Devices", "processor cores at hand", f"{cores} of {os.cpu_count()}")
    limits = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    yield Finding("Devices", "thread variables", ", ".join(f"{name}={value}" for name, value in limits.items()) or "-")
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding("Devices", "torch", f"cannot be loaded: {error}", True)
        return
    yield Finding("Devices", "torch threads", str(torch.get_num_threads()))
    if torch.version.cuda is None:
        yield Finding("Devices", "GPU", "none: this torch is a build for processors; `--device cpu` is used")
    elif not torch.cuda.is_available():
        yield Finding("Devices", "GPU", f"none that torch (CUDA {torch.version.cuda}) can use; see nvidia-smi")
    else:
        for number in range(torch.cuda.device_count()):
            known = torch.cuda.get_device_properties(number)
            text = f"{known.name}, {known.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}"
            yield Finding("Devices", f"GPU {number}", text, not _computes(number))


def _computes(number: int) -> bool:
    import torch

    try:
        return bool(torch.ones(2, device=f"cuda:{number}").sum().item() == 2)
    except RuntimeError:
        return False


def _shipped() -> Iterator[Finding]:
    for name in shipped.names():
        size = f"{(shipped.FOLDER / f'{name}.safetensors').stat().st_size / 2**20:.1f} MiB"
        intact = shipped.is_whole(name)
        known = "" if shipped.has_reference(name) else "; what it learned from is missing: no --train NAME"
        text = size + known if intact else "damaged; install moldiff again"
        yield Finding("Weights that ship", name, text, not intact)


def _workflow() -> Iterator[Finding]:
    try:
        yield Finding("Workflow", "Snakefile", str(workflow_folder() / "Snakefile"))
    except UserError as error:
        yield Finding("Workflow", "Snakefile", str(error), True)
    if shutil.which("sbatch"):
        plugin = importlib.util.find_spec("snakemake_executor_plugin_slurm") is not None
        remedy = "sbatch is here; for `moldiff run --profile slurm`: pip install 'moldiff[slurm]'"
        yield Finding("Workflow", "Slurm", "sbatch and the executor plugin are here" if plugin else remedy)
    else:
        yield Finding("Workflow", "Slurm", "no sbatch on the path; `moldiff run` uses this machine")


def _folders() -> Iterator[Finding]:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    cache = Path(os.environ.get("MOLDIFF_CACHE") or f"{home}/moldiff").expanduser()
    for name, folder in (("cache of references", cache), ("temporary files", Path(tempfile.gettempdir()))):
        place = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(place).free / 2**30
        writable = os.access(place, os.W_OK)
        yield Finding("Folders", name, f"{folder}, {free:.0f} GiB free" + ("" if writable else "; cannot be written"))


def _requirements() -> list[tuple[str, str]]:
    """Name of each required package, and the extra it belongs to or ""."""
    requirements = []
    for text in metadata.requires("moldiff") or []:
        name, extra = _NAME.match(text), _EXTRA.search(text)
        if name and name.group() != "moldiff":
            requirements.append((name.group(), extra.group(1) if extra else ""))
    return requirements


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
