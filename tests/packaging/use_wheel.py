"""Use the installed wheel as a new user would: no extras, an empty HOME, no checkout in sight.

Run by ``.ci/run`` with ``python -I`` from an empty folder. It prints what it did and fails at the first surprise.
"""

import json
import os
import subprocess
import sys
from importlib import metadata, resources, util
from pathlib import Path

import elliptio as eio


def elliptio(*arguments: str) -> str:
    """Run the installed command."""
    command = Path(sys.prefix, "bin", "elliptio")
    return subprocess.run([command, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def check_installation() -> None:
    """The wheel itself is used, it is complete, and it brought no extras along."""
    package = Path(eio.__file__).parent
    assert package.is_relative_to(sys.prefix), f"{package} is not the installed wheel"
    assert (package / "py.typed").is_file(), "type hints are not marked as such"
    assert resources.files("elliptio.cli.demo").joinpath("data", "penguins.csv").is_file()
    assert any(file.name == "LICENSE" for file in metadata.files("elliptio") or [])
    for extra in ("boto3", "obstore", "sklearn", "fsspec", "pyarrow", "PIL", "openpyxl", "joblib", "pytest"):
        assert util.find_spec(extra) is None, f"{extra} was installed without being asked for"


def check_round_trip() -> str:
    """Upload, find, get, read: with no setting at all."""
    Path("greeting.txt").write_text("hello lake")
    saved = eio.Handler().upload("greeting.txt", labels={"project": "wheel"})
    h = eio.Handler()
    found = h.find({"labels.project": "wheel"})
    assert list(found.index) == [saved.artifact_id], found
    artifact = h.get(found.index[0])
    with artifact.file.open() as file:
        assert file.read() == b"hello lake"
    assert artifact.metadata.python_packages["pandas"] == metadata.version("pandas")
    assert Path(artifact.file.remote_url).is_relative_to(os.environ["HOME"]), artifact.file.remote_url
    with h.new(["answer.txt"]) as new:
        new.file.local_path.write_text("42")
    assert h.get(new.artifact_id, track=False).metadata.based_on == [saved.artifact_id]
    return saved.artifact_id


def check_command_line(artifact_id: str) -> None:
    """The command tells its version and finds what Python saved."""
    assert eio.__version__ == metadata.version("elliptio")
    assert eio.__version__ in elliptio("--version")
    found = elliptio("find", "--json")
    assert artifact_id in found
    json.loads(found)


def main() -> None:
    """Check everything."""
    check_installation()
    print("the wheel is complete and installed without extras")
    artifact_id = check_round_trip()
    print(f"upload, find, get, read, new: {artifact_id}")
    check_command_line(artifact_id)
    print("elliptio --version, elliptio find --json")


if __name__ == "__main__":
    main()
