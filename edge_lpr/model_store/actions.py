"""The actions of ``edge-lpr models``: list, verify, install and roll back pairs of models, and pack an archive."""

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
    """One pair that can be used. ``text`` holds its versions, or its fault."""

    name: str
    use: str
    text: str


def list_pairs(settings: Settings) -> list[ListedPair]:
    """Returns the shipped pair and the installed pairs. Raises ModelError if the store cannot be read."""
    store = ModelStore(settings.device)
    choice = store.read_choice()
    folder = settings.reader.models_dir
    listed = [] if folder is None else [ListedPair(str(folder), "in use", _versions(load_models(folder)))]
    uses = {choice.previous: "before", choice.active: "in use" if folder is None else "waits"}
    for name in (SHIPPED, *store.installed_names()):
        try:
            text = _versions(load_pair(name, store))
        except ModelError as error:
            text = f"damaged: {error}"
        listed.append(ListedPair(name, uses.get(name, ""), text))
    return listed


def verify(archive: Path, settings: ReaderSettings) -> str:
    """Checks an archive as ``install`` does; returns the result in one line. Raises ModelArchiveError."""
    return _verified(archive, settings)[1]


def install(archive: Path, settings: Settings) -> str:
    """Checks, stores and activates the pair; returns the result in one line.

    A running service changes to the pair without a restart. Raises ModelArchiveError for a refused archive, and
    ModelError if the pair cannot be stored. Then nothing is changed.
    """
    store = _writable_store(settings)
    files, found = _verified(archive, settings.reader)
    with store.locked():
        before = _present_choice(store)
        name = store.add_pair(files)
        if name == before.active:
            return f"{name} is in use already: {found}"
        store.activate(ModelChoice(active=name, previous=before.active))
    return f"{name} is in use now, {before.active} was before: {found}"


def roll_back(settings: Settings, *, to_shipped: bool = False) -> str:
    """Activates the previous pair, or the shipped pair; returns the result in one line.

    The pair in use becomes the previous one, so a second call undoes the first. Raises InputError if there is no
    previous pair, and ModelError if it cannot be used. Then nothing is changed.
    """
    store = _writable_store(settings)
    with store.locked():
        choice = _present_choice(store)
        name = SHIPPED if to_shipped else choice.previous
        if name == choice.active:
            raise InputError(f"{name} is in use already, and there is no previous pair; see `edge-lpr models list`")
        reader = open_installed(name, settings.reader, store)
        store.activate(ModelChoice(active=name, previous=choice.active))
    return f"{name} is in use again, {choice.active} was before: {_versions(reader.models)}"


def pack(folder: Path, archive: Path, settings: ReaderSettings) -> str:
    """Writes the pair in ``folder`` as an archive; returns the result in one line.

    Raises ModelError for a pair that a gate would refuse, and ModelArchiveError if the archive cannot be written.
    """
    models = load_models(folder)
    run_self_test(PlateReader(models, settings))
    write_archive({member: (folder / member).read_bytes() for member in MODEL_FILES}, archive)
    return f"{archive}: {_versions(models)}"


def _writable_store(settings: Settings) -> ModelStore:
    """Returns the store. Raises ConfigError if the settings do not use installed pairs."""
    if settings.reader.models_dir is not None:
        raise ConfigError(
            f"the gate reads with reader.models_dir {settings.reader.models_dir}; set it to null to use installed pairs"
        )
    return ModelStore(settings.device)


def _present_choice(store: ModelStore) -> ModelChoice:
    """Returns the choice; the default for a damaged one, which the next choice replaces."""
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
