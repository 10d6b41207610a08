"""The AWS emulator, with layers unpacked once. Runs in the emulator's own environment, not in the project's.

The emulator unpacks a function's layers for every worker it starts: the common layer is 100 MB in thousands of files,
four seconds and 140 MB a worker. Here a layer is unpacked once per content, and each worker gets links to it.
"""

import importlib
import os
import shutil
import tempfile
import threading
import types
import zipfile
from pathlib import Path
from typing import Any
from zlib import crc32

LAYERS = Path(os.environ["LAYERS_DIR"])
KEPT = 6  # two layers of three builds
_unpacking = threading.Lock()


class SharedLayer(zipfile.ZipFile):
    """A zip file that, as a layer, unpacks into a shared folder and leaves links where it was asked to unpack."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        if not Path(path or ".").name.startswith("layer_"):
            super().extractall(path, super().namelist() if members is None else members, pwd)
            return
        for entry in self._unpacked().iterdir():
            (Path(path) / entry.name).symlink_to(entry)

    def namelist(self) -> list[str]:
        """Only the top level of a layer: the emulator looks each name up on disk before it unpacks."""
        names = super().namelist()
        return sorted({name.split("/", 1)[0] for name in names}) if len(names) > 1000 else names

    def _unpacked(self) -> Path:
        content = repr([(each.filename, each.CRC, each.file_size) for each in self.infolist()])
        folder = LAYERS / f"{crc32(content.encode()):08x}-{len(content)}"
        with _unpacking:
            if not folder.exists():
                unfinished = Path(tempfile.mkdtemp(dir=LAYERS, prefix="unfinished-"))
                super().extractall(unfinished, super().namelist())
                unfinished.rename(folder)
        return folder


def forget_old_layers() -> None:
    """Keep the layers that were unpacked last; no worker runs yet."""
    LAYERS.mkdir(parents=True, exist_ok=True)
    found = sorted(LAYERS.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for index, folder in enumerate(found):
        if index >= KEPT or folder.name.startswith("unfinished-"):
            shutil.rmtree(folder, ignore_errors=True)


def hand_files_over_unharmed() -> None:
    """Have an API take its binary media types from its description, too, as API Gateway does."""
    gateway = importlib.import_module("ministack.services.apigateway_v1")
    import_api = vars(gateway)["_import_rest_api"]

    def with_binary_types(description: Any, given: Any = None) -> Any:
        types_in_it = description.get("x-amazon-apigateway-binary-media-types", [])
        return import_api(description, {**(given or {}), "binaryMediaTypes": types_in_it})

    vars(gateway)["_import_rest_api"] = with_binary_types


def main() -> None:
    """Serve until SIGTERM, then save what is to be kept."""
    forget_old_layers()
    runtime = importlib.import_module("ministack.core.lambda_runtime")
    shared = {**vars(zipfile), "ZipFile": SharedLayer}
    vars(runtime)["zipfile"] = types.SimpleNamespace(**shared)
    hand_files_over_unharmed()
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
