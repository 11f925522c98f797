"""Data sets on the command line: they are read, and what was left out is told."""

from handmade.cli.console import news
from handmade.cli.program import callable_here
from handmade.data import Dataset
from handmade.runs import inputs
from handmade.runs.data_source import DataSource


def read(source: DataSource) -> Dataset:
    """Read a data set, and print its remarks."""
    found = inputs.dataset(source)
    for remark in found.remarks:
        news.print(callable_here(remark), markup=False)
    return found
