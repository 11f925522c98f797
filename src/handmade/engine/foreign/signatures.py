"""Role of each parameter of forward and backward, recognised by its name.

forward(x), forward(x, training), forward(ctx, x)
backward(gy), backward(x, gy), backward(gy, x), backward(gy, cache), backward(ctx, gy), backward(gy, learning_rate)
"""

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handmade.engine.errors import HandmadeError

UNDERSTOOD = "backward(gy), (x, gy), (gy, x), (x, y, gy), (gy, cache), (ctx, gy) or (gy, learning_rate)"
GY = {
    *("gy", "g", "dy", "dz", "da", "dl", "dh", "dx_out", "gout", "dout", "d_out", "d_y", "upstream", "delta", "error", "err"),
    *("dvalues", "doutput", "doutputs", "d_output", "incoming", "ct", "cotangent", "cotangents", "v", "gz", "dscores", "dlogits"),
    *("d_l_d_out", "dloss", "dnext", "d_next", "eps_out", "output_error"),
}
X = {
    "x",
    "inp",
    "input",
    "inputs",
    "in_",
    "data",
    "xs",
    "a_prev",
    "bottom",
    "features",
    "images",
    "image",
    "img",
    "x_in",
    "last_input",
}
Y = {"y", "out", "output", "outputs", "top", "result", "y_out"}
CACHE = {"cache", "saved", "memory", "state", "tape", "residuals", "res", "caches", "stash", "saved_tensors", "context_values"}
CONTEXT = {"ctx", "context"}
RATE = {"lr", "learning_rate", "eta", "alpha", "rate", "step_size", "learn_rate", "l_rate", "learningrate"}
TRAINING = {"training", "train", "is_training", "train_mode", "is_train", "istraining", "mode"}
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Call:
    """Parameters of a method, by their roles.

    Attributes
    ----------
    roles : tuple of str
        Roles of positional parameters: x, y, gy, cache, ctx, training, rate.
    named : tuple of (str, str)
        Optional parameters that are passed by name, with their roles.
    opaque : bool
        True if the signature hides the parameters, as a decorator may do: then other roles are tried.
    """

    roles: tuple[str, ...]
    named: tuple[tuple[str, str], ...] = ()
    opaque: bool = False


def role(name: str) -> str:
    """Return the role of a parameter by its name, or "" if the name is unknown."""
    plain = name.lower().strip("_")
    for each, names in (
        ("x", X),
        ("y", Y),
        ("cache", CACHE),
        ("ctx", CONTEXT),
        ("rate", RATE),
        ("training", TRAINING),
        ("gy", GY),
    ):
        if plain in names:
            return each
    if plain.startswith("train") or plain.endswith(("_mode", "_training")):
        return "training"
    return "gy" if "grad" in plain or "upstream" in plain or plain.startswith(("dl_d", "dloss", "d_loss")) else ""


def of_forward(method: Callable[..., Any], kind: str) -> Call:
    """Return the roles of forward's parameters.

    Raises
    ------
    HandmadeError
        If a required parameter is neither the input, a context nor a training mode.
    """
    parameters = _parameters(method)
    if parameters is None:
        return Call(("x",), opaque=True)
    required = [parameter for parameter in parameters if parameter.default is parameter.empty and parameter.kind in POSITIONAL]
    if not required:
        return Call(("x",))
    roles: list[str] = []
    for parameter in required:
        name = role(parameter.name)
        if "x" not in roles and name not in {"ctx", "training"}:
            name = "x"
        if name not in {"x", "ctx", "training"} or name in roles:
            listed = ", ".join(each.name for each in required)
            raise HandmadeError(
                f"{kind}.forward: expected forward(x), forward(x, training) or forward(ctx, x); got forward({listed}). "
                "Try a small class around it, or check_function(lambda x: ..., ...)"
            )
        roles.append(name)
    return Call(tuple(roles))


def of_backward(method: Callable[..., Any], kind: str, *, cached: bool) -> Call:
    """Return the roles of backward's parameters; `cached` if forward returns a cache next to its output.

    Raises
    ------
    HandmadeError
        If the names do not determine the roles.
    """
    parameters = _parameters(method)
    if parameters is None:
        return Call(("gy",), opaque=True)
    positional = [parameter for parameter in parameters if parameter.kind in POSITIONAL]
    required = [parameter for parameter in positional if parameter.default is parameter.empty]
    rates = [parameter for parameter in positional[len(required) :] if role(parameter.name) == "rate"]
    named = tuple((parameter.name, "rate") for parameter in rates)
    if not parameters:
        raise HandmadeError(f"{kind}.backward: expected {UNDERSTOOD}; got backward(). Try backward(gy=1) for a loss")
    if not required:
        return Call(("gy",), named, opaque=any(each.kind is each.VAR_POSITIONAL for each in parameters))
    roles = _completed([role(parameter.name) for parameter in required], cached=cached)
    if roles is None:
        listed = ", ".join(parameter.name for parameter in required)
        raise HandmadeError(
            f"{kind}.backward: expected {UNDERSTOOD}; got backward({listed}). "
            "Try these names, or a small class around it with backward(x, gy)"
        )
    return Call(tuple(roles), named)


def _completed(roles: list[str], *, cached: bool) -> list[str] | None:
    """Fill in unknown roles if there is only one possibility."""
    if "ctx" in roles and "cache" not in roles and "x" in roles:
        return None
    if len(roles) == 1:
        return ["gy"]
    unknown = [n for n, each in enumerate(roles) if not each]
    expected = ["gy"] if "gy" not in roles else []
    if unknown and len(unknown) > len(expected):
        other = "cache" if cached and "cache" not in roles else "x"
        if other in roles:
            return None
        expected = [other, *expected]  # (x, gy) if both are unknown; gy first only with its name
    if len(unknown) != len(expected):
        return _last_is_gy(roles) if not unknown and "gy" not in roles else None
    filled = list(roles)
    for n, each in zip(unknown, expected, strict=True):
        filled[n] = each
    return filled if len(set(filled)) == len(filled) else None


def _last_is_gy(roles: list[str]) -> list[str] | None:
    """Return the roles (x, gy) for a backward with the parameters (x, y)."""
    return [*roles[:-1], "gy"] if roles[-1] == "y" else None


def _parameters(method: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """Return the parameters of a method, even behind a decorator; None if they cannot be found."""
    try:
        parameters = list(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):
        return None
    if {parameter.kind for parameter in parameters} != {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return parameters
    function = getattr(method, "__func__", method)
    hidden = [cell.cell_contents for cell in function.__closure__ or () if isinstance(cell.cell_contents, types.FunctionType)]
    if len(hidden) != 1:
        return None
    inner = list(inspect.signature(hidden[0]).parameters.values())
    return inner[1:] if inspect.ismethod(method) else inner
