"""Fill the folder in which artifacts are made again.

It has a checkout for each state of the code and an environment for each set of packages; steps share what they have in
common.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from elliptio.errors import ReproductionError
from elliptio.lineage.reproduction.installers import Installer
from elliptio.lineage.reproduction.own_wheel import write_own_wheel
from elliptio.lineage.reproduction.plan import Step
from elliptio.lineage.reproduction.repository_code import check_out
from elliptio.naming import CELLS_LOG
from elliptio.system.os_errors import explained

log = logging.getLogger(__name__)

OUTPUT = "output"

_IGNORED = "# An artifact is made again here: elliptio reproduce\n*\n"
"""Text of `.gitignore` in such a folder, by which it is known too."""


class Workshop:
    """A folder that is filled as steps need it.

    Parameters
    ----------
    folder
        It must be new or empty.
    installer
        Makes environments.

    """

    def __init__(self, folder: Path, installer: Installer) -> None:
        self.folder = folder.absolute()
        self._installer = installer
        self._checkouts: dict[object, Path] = {}
        self._environments: dict[object, Path] = {}

    def check(self) -> None:
        """Refuse a folder that holds something.

        Raises
        ------
        ReproductionError
            If it does, or is none.

        """
        try:
            used = any(self.folder.iterdir())
            ours = used and _is_ours(self.folder / ".gitignore")
        except FileNotFoundError:
            return
        except OSError as error:
            raise ReproductionError(f"{self.folder} cannot be used: {error.strerror}. Name a new folder.") from error
        if ours:
            raise ReproductionError(
                f"{self.folder} is a reproduction that was prepared before, and nothing in it is replaced. "
                "Remove it, or name another folder with into= (`--into`)."
            )
        if used:
            raise ReproductionError(
                f"{self.folder} is not empty, and nothing in it is replaced. Name a new folder with into= (`--into`)."
            )

    def open(self) -> None:
        """Make the folder; a repository around it does not see it."""
        with explained("make", str(self.folder)):
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")

    def restore_code(self, steps: Sequence[Step], say: Callable[[str], object]) -> None:
        """Restore the code of steps.

        Raises
        ------
        ReproductionError
            If git refuses, and the step can be run.

        """
        found = [step for step in steps if (step.metadata.git or {}).get("commit") is None or step.repository]
        count = len({step.code_key for step in found if step.metadata.git is not None})
        if count:
            say(f"Restoring the code of {_several(count, 'commit')} …")
        for step in found:
            _tried(self.checkout, step)

    def make_environments(self, steps: Sequence[Step], say: Callable[[str], object]) -> None:
        """Make the environments of steps.

        Raises
        ------
        ReproductionError
            If one cannot be made, and the step can be run.

        """
        told: set[object] = set()
        for step in steps:
            if step.python is None or not step.packages:
                continue
            if step.environment_key not in told:
                told.add(step.environment_key)
                packages = _several(len(step.packages), "package")
                say(f"Making the environment with Python {step.version} and {packages} by {self._installer.name} …")
            _tried(self.environment, step)

    def checkout(self, step: Step) -> Path:
        """Return the code of a step, restored when it is first asked for.

        Raises
        ------
        ReproductionError
            If git refuses.

        """
        if step.code_key not in self._checkouts:
            folder = self._place("code", len(self._checkouts))
            git = step.metadata.git
            if git is None:
                folder.mkdir(parents=True)
            else:
                check_out(step.repository, git.get("commit"), git.get("remote"), step.diff, folder)
            self._checkouts[step.code_key] = folder
        return self._checkouts[step.code_key]

    def environment(self, step: Step) -> Path:
        """Return the environment of a step, made when it is first asked for.

        Raises
        ------
        ReproductionError
            If it cannot be made, or a package not be installed.

        """
        key = step.environment_key
        if key not in self._environments:
            folder = self._place("environment", len(self._environments))
            requirements = self.folder / f"{folder.name}.txt"
            lines = [f"{name}=={version}\n" for name, version in step.packages.items()]
            requirements.write_text("".join(lines), encoding="utf-8")
            self._installer.make(folder, step.python or "", step.version)
            own = write_own_wheel(self.folder / "wheels")
            self._installer.install(folder, "-r", str(requirements), str(own))
            self._environments[key] = folder
        return self._environments[key]

    def build(self, step: Step, say: Callable[[str], object]) -> list[str]:
        """Install what is built from source, which runs code of its own; return what could not be."""
        failed = []
        environment, checkout = self.environment(step), self.checkout(step)
        wanted = [[requirement] for requirement in step.built.values()]
        wanted += [["-e", str(checkout)]] if step.project else []
        if wanted:
            say(f"Building {_several(len(wanted), 'package')} from source by {self._installer.name} …")
        for arguments in wanted:
            try:
                self._installer.install(environment, *arguments, build=True)
            except ReproductionError as error:
                log.warning("%s", error)
                failed.append(str(error))
        return failed

    def cells(self, step: Step, number: int) -> str:
        """Put the executed cells of a notebook here.

        Raises
        ------
        StoreError, IntegrityError
            If they cannot be read.

        """
        path = self.folder / f"{number}-{CELLS_LOG}"
        step.artifact.logs[CELLS_LOG].download(path)
        return str(path)

    def log(self, number: int) -> Path:
        """Locate the log of the output of a step."""
        return self.folder / f"{OUTPUT}-{number}.log"

    def _place(self, name: str, known: int) -> Path:
        return self.folder / (name if not known else f"{name}-{known + 1}")


def _is_ours(path: Path) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8", errors="replace") == _IGNORED


def _tried(restore: Callable[[Step], object], step: Step) -> None:
    """Restore something of a step; of one that cannot be run, whatever there is."""
    try:
        restore(step)
    except ReproductionError as error:
        if step.can_run:
            raise
        log.warning("%s", error)


def _several(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
