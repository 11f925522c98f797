"""The network that users hold: the engine's, and the way to a model file and back. The engine itself touches no files."""

from pathlib import Path

from handmade.engine import network as engine
from handmade.engine.arguments import as_path
from handmade.engine.description import describe, restore
from handmade.engine.errors import HandmadeError

MODEL = "model.safetensors"  # file name of a model in the folder of its run


class Network(engine.Network):
    """Layers one after the other, that can be saved; see the engine's Network for everything else."""

    def save(self, path: str | Path) -> None:
        """Write weights, statistics and description to a safetensors file, all of it or nothing.

        The file appears, or replaces the one before it, only once it is complete and on the disk.

        Raises
        ------
        HandmadeError
            If the file could not be loaded again: a layer is none of the table, or an array is not of finite floats.
        OSError
            If it cannot be written; a file that was there before is untouched.
        """
        from handmade.files import models  # noqa: PLC0415  safetensors is loaded by those who save

        target = as_path(path, "path")
        arrays, description = self.parameters() | self.statistics(), describe(self)
        restore(description, arrays)
        models.write(target, arrays, description)


def load_model(path: Path) -> Network:
    """Read a network that `Network.save` wrote, from its file.

    Raises
    ------
    HandmadeError
        If the file is missing, damaged, or not a handmade model.
    """
    from handmade.files import models  # noqa: PLC0415  safetensors is loaded by those who load

    parameters, description = models.read(path)
    try:
        return Network(**restore(description, parameters))
    except HandmadeError as error:
        raise HandmadeError(f"{path}: {error}") from None
