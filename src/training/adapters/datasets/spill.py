"""Columns of numbers that grow on disk, to be loaded one at a time."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray


class Spill:
    """One file a column, in a folder of its own; OSError where the disk is full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}
        folder.mkdir(parents=True)

    def append(self, name: str, values: NDArray[np.generic]) -> None:
        """Add values to a column's end."""
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = (self._folder / name).open("wb", buffering=1 << 16)
        file.write(np.ascontiguousarray(values).data)

    def load[Scalar: np.generic](self, name: str, kind: type[Scalar]) -> NDArray[Scalar]:
        """A whole column; empty where nothing was added."""
        file = self._files.get(name)
        if file is None:
            return np.zeros(0, kind)
        file.flush()
        return np.fromfile(self._folder / name, kind)

    def close(self) -> None:
        """Close the files; the folder is its owner's to remove."""
        for file in self._files.values():
            file.close()
        self._files = {}
