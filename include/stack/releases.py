"""Make a version again by the release that trained it: its commit, its lock, its own command.

A release is a work tree of git below the home, with an environment for each Python that is asked
for. It stays for the next time; `maintain` removes those that nobody asked for within `KEEP_DAYS`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml
from pydantic import ValidationError

from include.errors import GatehouseError, ParamError
from include.records import Origin
from include.records.names import ORIGIN
from include.settings import PREFIX, PROJECT_ROOT, Settings
from include.tracking.bundles import DATA
from include.tracking.registry import fetch_version
from include.values.lock_files import hold_lock

REVISION: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
# What would have the code or the libraries of today run there.
OURS: Final = ("PYTHONPATH", "KERAS_BACKEND")
INSTALL_SECONDS: Final = 3600
Tell = Callable[[str], None]


def reproduce_in_release(settings: Settings, name: str, version: str, tell: Tell) -> int | None:
    """Run `reproduce` of the release that trained a version, where today's is another.

    Returns:
        Exit code of that command; None where code and libraries are as they were, or where the
        version does not say what they were.

    Raises:
        ParamError: The version names no commit, or none that can be checked out here.
        GatehouseError: The release cannot be installed.
    """
    from include.steps.reproduce import compare_release

    path = fetch_version(settings, name, version) / DATA / ORIGIN
    if not path.exists():
        return None
    said = json.loads(path.read_bytes())
    try:
        origin = Origin.model_validate_json(path.read_bytes())
        if not list(compare_release(origin)):
            return None
        # Without defaults, since the size of a pipeline file is bounded.
        said["spec"] = origin.spec.model_dump(mode="json", exclude_defaults=True)
    except ValidationError:
        tell("this release does not read what the version says of itself; its own does")
    python = said["libraries"]["python"].rpartition(".")[0]
    program = prepare_release(settings.home, said.get("revision", ""), python, tell)
    return run_there(program, said["spec"], version)


def prepare_release(
    home: Path, revision: str, python: str, tell: Tell, *, clone: Path = PROJECT_ROOT
) -> Path:
    """Check a commit out below the home and install its lock, unless that was done before.

    Args:
        home: Directory of the local stack's state.
        revision: The commit, in full.
        python: Version of Python, e.g. `3.12`.
        tell: Called with a line on where it is.
        clone: Where the commit is.

    Returns:
        Its program `gatehouse`.

    Raises:
        ParamError: There is no such commit here.
        GatehouseError: git or make failed, and said why.
    """
    if not REVISION.fullmatch(revision):
        raise ParamError(
            "the version must name the commit that trained it. Received: "
            f"revision={revision!r}; it was trained where git saw no clone. Train it again in one."
        )
    git = ("git", "-C", str(clone))
    if _call([*git, "cat-file", "-e", f"{revision}^{{commit}}"], stderr=subprocess.DEVNULL):
        raise ParamError(
            f"the commit that trained the version must be in the clone {clone}. Received: "
            f"{revision}, which git sees not there. Fetch it: git fetch origin {revision}"
        )
    place = home.resolve() / "releases" / revision
    lock = home / "run" / "releases.lock"
    with hold_lock(lock, "installing a release", tell, timeout=INSTALL_SECONDS):
        tell(f"release {revision[:12]} with Python {python}, kept in {place}")
        if not (place / ".git").exists():
            _require([*git, "worktree", "add", "--quiet", "--force", "--detach", place, revision])
        _require(["git", "-C", place, "reset", "--quiet", "--hard", revision])
        os.utime(place)
        own = Path(sys.base_prefix, "bin", f"python{python}")
        known = {key: os.environ[key] for key in os.environ if not key.startswith(PREFIX)}
        asked = f"PYTHON={own if own.exists() else own.name}", f"VENV=.venv-{python}"
        _require(["make", "--silent", "install", *asked], cwd=place, env=_without_ours(known))
    return place / f".venv-{python}" / "bin" / "gatehouse"


def run_there(program: Path, spec: Mapping[str, Any], version: str) -> int:
    """Run `reproduce` of a release on the settings of this one, and the pipeline as it was."""
    with TemporaryDirectory(prefix="gatehouse-reproduce-") as scratch:
        text = yaml.safe_dump(dict(spec), sort_keys=False, allow_unicode=True)
        Path(scratch, f"{spec['name']}.yaml").write_text(text, encoding="utf-8")
        environment = {**_without_ours(os.environ), f"{PREFIX}PIPELINES_DIR": scratch}
        command = [str(program), "reproduce", f"models:/{spec['name']}/{version}"]
        with subprocess.Popen(command, env=environment) as process:
            while True:
                try:
                    code = process.wait()
                except KeyboardInterrupt:  # it was told as well, and closes its run
                    continue
                return code if code >= 0 else 128 - code


def _without_ours(environment: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in environment.items() if key not in OURS}


def _require(command: Sequence[str | Path], **options: Any) -> None:
    if code := _call(command, **options):
        raise GatehouseError(
            f"`{' '.join(map(str, command))}` must succeed. Received: exit code {code}. It said "
            "why above; do that, then ask again."
        )


def _call(command: Sequence[str | Path], **options: Any) -> int:
    try:
        return subprocess.run(command, check=False, **options).returncode
    except FileNotFoundError as error:
        raise GatehouseError(
            f"{command[0]} must be installed. Received: {error}. Install it, then ask again."
        ) from error
