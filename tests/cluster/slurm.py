"""A Slurm on loopback, without systemd: one machine as two nodes, all they need in one folder that goes with them."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "scontrol", "squeue")
PATH = ":".join(["/usr/local/sbin", "/usr/sbin", "/sbin", os.environ.get("PATH", "/usr/bin:/bin")])
NODES = ("one", "two")
CORES = 4
MEMORY = 20_000
"""What each node says it has, whatever it has: jobs of this test use little of what their rules ask for. MB."""


class Unavailable(Exception):
    """There can be no Slurm here; the message says why."""


def install(seconds: float = 120) -> None:
    """Install Slurm from Debian packages where its programs are missing.

    Raises:
        Unavailable: no root, no apt, or the packages cannot be fetched in this time.
    """
    if os.geteuid() != 0:
        raise Unavailable("it needs root: slurmd starts jobs in their users' names")
    if all(shutil.which(program, path=PATH) for program in PROGRAMS):
        return
    if not shutil.which("apt-get"):
        raise Unavailable(f"the programs {', '.join(PROGRAMS)} are missing and there is no apt-get to install them")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    end = time.monotonic() + seconds
    # packages start their services when they are installed; a policy that forbids it is Debian's way to prevent that
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        for words in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *PACKAGES]):
            done = subprocess.run(
                ["apt-get", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", *words],
                env=environment, capture_output=True, text=True, timeout=max(1, end - time.monotonic()), check=False,
            )  # fmt: skip
            if done.returncode:
                reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise Unavailable(f"apt-get {words[0]} failed: {reason}")
    except subprocess.TimeoutExpired:
        raise Unavailable(f"apt-get did not end within {seconds:.0f} s") from None
    finally:
        if ours:
            policy.unlink()


class Slurm:
    """A running cluster, as a context manager; whatever it started is stopped at its end.

    Attributes:
        environment: for programs that are to see this Slurm.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="moldiff-slurm-", dir="/tmp"))
        self.folder.chmod(0o755)  # munge refuses a socket that others could replace and they could not reach
        self.environment = {
            **os.environ,
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder / 'bin'}:{PATH}",
        }

    def __enter__(self) -> Self:
        try:
            self._configure()
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ask(self, *command: str) -> str:
        """Standard output of a Slurm command.

        Raises:
            RuntimeError: it failed.
        """
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def jobs(self, states: str = "all") -> list[tuple[str, str, str]]:
        """Number, comment (Snakemake's rule and shard) and state of each job that Slurm remembers."""
        lines = self.ask("squeue", f"--states={states}", "--array", "--noheader", "--format=%i|%k|%T").splitlines()
        found = [line.split("|") for line in lines]
        return [(number, comment, state) for number, comment, state in found]

    def running(self, comment: str) -> str:
        """Number of the running job with this comment."""
        return next(job for job, text, state in self.jobs("running") if text == comment)

    def lose_node(self, job: str) -> str:
        """End a job's node as if its power had failed, and notify Slurm, which elsewhere notices by itself.

        Returns:
            The node's name.
        """
        node = self.ask("squeue", "--noheader", "--format=%N", f"--jobs={job}").strip()
        _end(self.folder / "run" / f"{node}.pid", (signal.SIGKILL,))
        for pid in self.processes(f"SLURMD_NODENAME={node}"):
            _kill(pid)
        self.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")
        return node

    def processes(self, variable: str) -> Iterator[int]:
        """Processes of this cluster's jobs that have this in their environment."""
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                content = path.read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if f"SLURM_CONF={self.folder}/slurm.conf" in content and variable in content:
                yield int(path.parent.name)

    def completions(self) -> list[dict[str, str]]:
        """Slurm's own log of ended jobs: one mapping for each."""
        path = self.folder / "jobcomp.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [dict(word.partition("=")[::2] for word in line.split()) for line in lines]

    def _configure(self) -> None:
        folder, name = self.folder, socket.gethostname().partition(".")[0]
        for part in ("run", "state", "spool", "log", "bin"):
            (folder / part).mkdir()
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o600)
        # the plugin's nested srun loses SLURM_CONF; with a cluster's own /etc/slurm/slurm.conf nobody misses it
        srun = folder / "bin" / "srun"
        real = shutil.which("srun", path=PATH)
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {real} "$@"\n')
        srun.chmod(0o755)
        control, *ports = _free_ports(1 + len(NODES))
        (folder / "gres.conf").write_text(f"NodeName={','.join(NODES)} Name=gpu Type=fake File=/dev/null\n")
        settings = {
            "ClusterName": "moldiff", "SlurmctldHost": "localhost(127.0.0.1)", "SlurmUser": "root",
            "SlurmdUser": "root", "SlurmctldPort": control,
            "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny", "AuthType": "auth/munge",
            "AuthInfo": f"socket={folder}/run/munge.sock", "CredType": "cred/munge",
            "StateSaveLocation": folder / "state", "SlurmdSpoolDir": folder / "spool/%n",
            "SlurmctldPidFile": folder / "run/slurmctld.pid", "SlurmdPidFile": folder / "run/%n.pid",
            "SlurmctldLogFile": folder / "log/slurmctld.log", "SlurmdLogFile": folder / "log/slurmd-%n.log",
            "ProctrackType": "proctrack/linuxproc", "TaskPlugin": "task/none", "SwitchType": "switch/none",
            "MpiDefault": "none", "JobCompType": "jobcomp/filetxt", "JobCompLoc": folder / "jobcomp.log",
            "JobAcctGatherType": "jobacct_gather/none", "AccountingStorageType": "accounting_storage/none",
            "SelectType": "select/cons_tres", "SelectTypeParameters": "CR_CPU_Memory",
            "SchedulerType": "sched/backfill",
            "SchedulerParameters": "batch_sched_delay=0,sched_interval=2,bf_interval=2",
            "MinJobAge": 3600, "ReturnToService": 2, "KillWait": 5, "GresTypes": "gpu", "DefMemPerCPU": 500,
            "SlurmdParameters": "config_overrides",
        }  # fmt: skip
        lines = [f"{key}={value}" for key, value in settings.items()]
        lines += [
            f"NodeName={node} NodeAddr=127.0.0.1 NodeHostname={name} Port={port} CPUs={CORES} RealMemory={MEMORY} "
            "Gres=gpu:fake:1 State=UNKNOWN"
            for node, port in zip(NODES, ports, strict=True)
        ]
        lines += [f"PartitionName={part} Nodes={','.join(NODES)} MaxTime=24:00:00 State=UP{default}"
                  for part, default in (("cpu", " Default=YES"), ("gpu", ""))]  # fmt: skip
        (folder / "slurm.conf").write_text("\n".join(lines) + "\n")

    def _start(self) -> None:
        run = self.folder / "run"
        munged = ["munged", "--force", f"--key-file={self.folder}/munge.key", f"--socket={run}/munge.sock"]
        munged += [f"--pid-file={run}/munged.pid", f"--log-file={self.folder}/log/munged.log"]
        for command in (
            [*munged, f"--seed-file={self.folder}/munge.seed"],
            ["slurmctld", "-c"],
            *(["slurmd", "-N", node] for node in NODES),
        ):
            self.ask(*command)
        end, state = time.monotonic() + 30, ""
        while time.monotonic() < end:
            try:
                state = self.ask("sinfo", "--noheader", "--format=%t", "--partition=cpu").strip()
            except RuntimeError as error:
                state = str(error)
            if state == "idle":  # of both nodes: another state would have its own line
                return
            time.sleep(0.2)
        logs = "\n".join(path.read_text()[-2000:] for path in sorted((self.folder / "log").glob("slurm*.log")))
        raise RuntimeError(f"Slurm's nodes are not idle after 30 s ({state}):\n{logs}")

    def stop(self) -> None:
        """Cancel all jobs, stop the three programs by their numbers, remove the folder."""
        try:
            self.ask("scancel", "--user=root")
            end = time.monotonic() + 15
            while time.monotonic() < end and self.jobs("pending,running,completing"):
                time.sleep(0.5)
        except (RuntimeError, OSError, subprocess.TimeoutExpired):
            pass  # it never came up
        for name in (*NODES, "slurmctld", "munged"):
            _end(self.folder / "run" / f"{name}.pid")
        for pid in self.processes(f"SLURM_CONF={self.folder}/slurm.conf"):
            _kill(pid)
        shutil.rmtree(self.folder, ignore_errors=True)


def _end(pid_file: Path, signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGKILL)) -> None:
    try:
        number = int(pid_file.read_text())
    except (OSError, ValueError):
        return
    for sent in signals:
        end = time.monotonic() + 10
        try:
            os.kill(number, sent)
            while time.monotonic() < end:
                os.kill(number, 0)
                time.sleep(0.1)
        except ProcessLookupError:
            return


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has ended meanwhile


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
