"""Text of the description of a network: JSON with a layer on each line, as users write it."""

import json
from typing import Any


def layout(description: dict[str, Any], *, ascii_only: bool = False) -> str:
    """Return the description as JSON that `json.loads` reads."""

    def plain(value: Any) -> str:
        return json.dumps(value, ensure_ascii=ascii_only)

    entries = []
    for key, value in description.items():
        if key == "layers":
            layers = ",\n".join(f"    {plain(each)}" for each in value)
            entries.append(f'  "layers": [\n{layers}\n  ]')
        else:
            entries.append(f"  {plain(key)}: {plain(value)}")
    return "{\n" + ",\n".join(entries) + "\n}"
