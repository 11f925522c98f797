"""Reading of a data set: its format is recognised by its name and by the files that are there."""

import os
from typing import Any

from handmade.data.dataset import Dataset, mnist
from handmade.data.sources import idx_files
from handmade.data.sources.options import ReadOptions, as_size, finished
from handmade.engine.arguments import as_path


def load(source: str | os.PathLike[str], **options: Any) -> Dataset:
    """Read a data set.

    Parameters
    ----------
    source
        "mnist", or a directory of IDX files.
    **options
        Fields of ReadOptions: `resize`, `grey`, `skip_unreadable`, `test_share` and `split_seed`.

    Raises
    ------
    HandmadeError
        If there are no such data, or they are damaged.
    """
    if isinstance(options.get("resize"), str):
        options["resize"] = as_size(options["resize"])
    chosen = ReadOptions(**options)
    if source == "mnist" and chosen == ReadOptions():
        return mnist()
    path = as_path(source, "source")
    return finished(idx_files.read(path), chosen, repr(str(source)))
