"""What ``edge-lpr models`` does: list, verify, install and roll back pairs of models, and pack an archive of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_lpr.config import ReaderSettings, Settings
from edge_lpr.errors import ConfigError, InputError, ModelArchiveError, ModelError
from edge_lpr.model_store.archive import read_archive, write_archive
from edge_lpr.model_store.loading import load_pair, open_installed, run_self_test
from edge_lpr.model_store.store import SHIPPED, ModelChoice, ModelStore
from edge_lpr.vision.model_file import MODEL_FILES, ModelPair, check_models, load_models
from edge_lpr.vision.reader import PlateReader


@dataclass(frozen=True, slots=True)
class ListedPair:
    """One pair that could be in use. ``text``: its versions, or what is wrong with it."""

    name: str
    use: str
    text: str


def list_pairs(settings: Settings) -> list[ListedPair]:
    """The shipped pair and those installed. Raises ModelError when the store cannot be read."""
    store = ModelStore(settings.device)
    choice = store.read_choice()
    own = settings.reader.models_dir
    listed = [] if own is None else [ListedPair(str(own), "in use", _versions(load_models(own)))]
    uses = {choice.previous: "before", choice.active: "in use" if own is None else "waits"}
    for name in (SHIPPED, *store.installed_names()):
        try:
            text = _versions(load_pair(name, store))
        except ModelError as error:
            text = f"damaged: {error}"
        listed.append(ListedPair(name, uses.get(name, ""), text))
    return listed


def verify(archive: Path, settings: ReaderSettings) -> str:
    """Check all that ``install`` checks; what was found, in a line. Raises ModelArchiveError."""
    return _verified(archive, settings)[1]


def install(archive: Path, settings: Settings) -> str:
    """Check, keep and use the pair; a running service takes it up by itself. What was done, in a line.

    Raises ModelArchiveError for an archive that is refused, ModelError when it cannot be kept; nothing changes then.
    """
    store = _store(settings)
    files, found = _verified(archive, settings.reader)
    with store.locked():
        before = _choice(store)
        name = store.add_pair(files)
        if name == before.active:
            return f"{name} is in use already: {found}"
        store.activate(ModelChoice(active=name, previous=before.active))
    return f"{name} is in use now, {before.active} was before: {found}"


def roll_back(settings: Settings, *, to_shipped: bool = False) -> str:
    """Use the pair before, or the shipped one; the other way round next time. What was done, in a line.

    Raises InputError when there is none before, ModelError when that one cannot be used; nothing changes then.
    """
    store = _store(settings)
    with store.locked():
        choice = _choice(store)
        name = SHIPPED if to_shipped else choice.previous
        if name == choice.active:
            raise InputError(f"{name} is in use already, and no other from before; see `edge-lpr models list`")
        reader = open_installed(name, settings.reader, store)
        store.activate(ModelChoice(active=name, previous=choice.active))
    return f"{name} is in use again, {choice.active} was before: {_versions(reader.models)}"


def pack(folder: Path, archive: Path, settings: ReaderSettings) -> str:
    """Write the pair in ``folder`` as an archive. What was done, in a line. Raises ModelError for a pair that no gate
    would take, ModelArchiveError when the archive cannot be written."""
    models = load_models(folder)
    run_self_test(PlateReader(models, settings))
    write_archive({member: (folder / member).read_bytes() for member in MODEL_FILES}, archive)
    return f"{archive}: {_versions(models)}"


def _store(settings: Settings) -> ModelStore:
    """Raises ConfigError where installed pairs are not used."""
    if settings.reader.models_dir is not None:
        raise ConfigError(
            f"the gate reads with reader.models_dir {settings.reader.models_dir}; set it to null to use installed pairs"
        )
    return ModelStore(settings.device)


def _choice(store: ModelStore) -> ModelChoice:
    """A choice that is damaged is mended by the next one."""
    try:
        return store.read_choice()
    except ModelError:
        return ModelChoice()


def _verified(archive: Path, settings: ReaderSettings) -> tuple[dict[str, bytes], str]:
    files = read_archive(archive)
    try:
        models = check_models(files, archive)
        seconds = run_self_test(PlateReader(models, settings))
    except ModelError as error:
        raise ModelArchiveError(f"{archive}: is refused, nothing is changed; {error}") from error
    return files, f"{_versions(models)}; it reads the self-test picture in {1000 * seconds:.0f} ms"


def _versions(models: ModelPair) -> str:
    return f"detector {models.detector.sidecar.version}, recognizer {models.recognizer.sidecar.version}"
