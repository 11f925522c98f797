"""PyTorch in both directions: state dicts, source code of the same module, and live modules."""

from handmade.files.pytorch.from_module import from_module
from handmade.files.pytorch.module_source import module_source
from handmade.files.pytorch.state_dict import from_state_dict, read, to_state_dict, write

__all__ = ["from_module", "from_state_dict", "module_source", "read", "to_state_dict", "write"]
