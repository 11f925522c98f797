"""Usage errors in the words of this project: expected and received value, and advice that can be followed.

The command line reports errors in several ways, which depend on its version. Here they are told apart by their names.
"""

import inspect
from collections.abc import Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from handmade.cli.exits import UsageError

SYNONYMS = {  # names of options in other programs, in older versions, and in American spelling
    **dict.fromkeys(("arch", "architecture", "model", "net"), "network"),
    **dict.fromkeys(("average", "moving-average"), "ema"),
    **dict.fromkeys(("augmentation", "transform"), "augment"),
    **dict.fromkeys(("batch", "batchsize", "bs", "minibatch"), "batch-size"),
    **dict.fromkeys(("checkpoint-interval", "save-every"), "checkpoint-every"),
    **dict.fromkeys(("clip", "clip-grad", "gradient-clip", "max-norm", "grad-clip"), "clip-norm"),
    **dict.fromkeys(("continue", "checkpoint", "restart"), "resume"),
    **dict.fromkeys(("cores", "jobs", "workers", "num-workers", "j"), "threads"),
    **dict.fromkeys(("criterion", "objective"), "loss"),
    **dict.fromkeys(("dataset", "data-dir", "input-dir"), "data"),
    **dict.fromkeys(("early-stopping", "early-stop"), "patience"),
    **dict.fromkeys(("eps", "epsilon", "h", "delta", "stepsize"), "step-size"),
    **dict.fromkeys(("epoch", "n-epochs", "num-epochs", "max-epochs"), "epochs"),
    "every": "all-weights",
    **dict.fromkeys(("index", "picture", "img"), "image"),
    **dict.fromkeys(("iterations", "iters", "max-steps", "num-steps", "n-steps"), "steps"),
    **dict.fromkeys(("keep", "max-checkpoints"), "keep-checkpoints"),
    **dict.fromkeys(("class", "target-class", "y"), "label"),
    **dict.fromkeys(("lr", "rate", "eta", "alpha"), "learning-rate"),
    **dict.fromkeys(("max-samples", "num-samples", "n-train", "subset"), "limit"),
    **dict.fromkeys(("method", "mode", "grad"), "gradient"),
    **dict.fromkeys(("optim", "optimizer", "opt"), "optimiser"),
    **dict.fromkeys(("output", "output-dir", "outdir", "save-dir", "logdir", "log-dir", "o", "name"), "out"),
    **dict.fromkeys(("overwrite", "f"), "force"),
    **dict.fromkeys(("precision", "type", "float"), "dtype"),
    **dict.fromkeys(("random-seed", "random-state", "rng"), "seed"),
    **dict.fromkeys(("scheduler", "lr-scheduler", "lr-schedule", "decay"), "schedule"),
    **dict.fromkeys(("smoothing",), "label-smoothing"),
    **dict.fromkeys(("timeout", "max-time"), "time-limit"),
    **dict.fromkeys(("tb", "summary"), "tensorboard"),
    **dict.fromkeys(("val", "valid", "validation-size", "validation-split", "val-split", "val-size", "holdout"), "validation"),
    **dict.fromkeys(("val-every", "eval-every"), "validate-every"),
    **dict.fromkeys(("V", "v"), "version"),
    **dict.fromkeys(("warmup", "warmup-steps"), "warm-up"),
    **dict.fromkeys(("wd", "decay-rate"), "weight-decay"),
    "y": "yes",
}


UNREADABLE: Any = typer.BadParameter.__base__  # usage errors of the command line, which have no public name


def suggestion(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that was probably meant: a synonym, the only one that begins so, or a similar one."""
    name = name.lstrip("-").replace("_", "-")
    synonym = SYNONYMS.get(name)
    if synonym in known:
        return synonym
    longer = [each for each in known if len(name) > 1 and each.startswith(name)]
    similar = longer if len(longer) == 1 else get_close_matches(name, known, n=1)
    return similar[0] if similar else None


def reworded(error: Any, command: Any, ctx: Any, given: Sequence[str], help_: str) -> UsageError:
    """Return a usage error that says what was expected.

    Parameters
    ----------
    error
        Error of the command line, in its words.
    command, ctx
        The command, and its context.
    given : sequence of str
        Words after the command; empty if the command itself refuses an option.
    help_ : str
        Advice where there is nothing better: the command that shows the help.
    """
    param = getattr(error, "param", None)
    match type(error).__name__:
        case "NoSuchOption":
            message = _unknown_option(error.option_name, command, ctx, given)
        case "BadOptionUsage":
            message = _bad_usage(error, command, ctx)
        case "MissingParameter" if param is not None:
            name = "" if param.param_type_name == "argument" else f"{param.opts[0]}: "
            message = f"{name}expected {_expected(param, command)}, got nothing"
        case "BadParameter" if param is not None and given:
            message = _bad_value(param, command, ctx, given)
        case "BadParameter" if error.param_hint is not None:
            message = f"{error.param_hint}: {error.message}"
        case _:
            message = _surplus(command, ctx, given) or error.format_message()
    advised = message.endswith("?") or ". Try" in message
    return UsageError(message if advised else f"{message.removesuffix('.')}. {help_}")


def _bad_usage(error: Any, command: Any, ctx: Any) -> str:
    param = next((each for each in command.get_params(ctx) if error.option_name in each.opts), None)
    if param is None or "not take" in error.message:
        return f"{error.option_name}: expected no value"
    return f"{error.option_name}: expected {_expected(param, command)}, got nothing"


def _surplus(command: Any, ctx: Any, given: Sequence[str]) -> str | None:
    """Return the message about words for which there is no argument; None if there are none."""
    surplus = [] if hasattr(command, "commands") else command.make_parser(ctx).parse_args(args=list(given))[1]
    if not surplus:
        return None
    arguments = [_name_of(each) for each in command.get_params(ctx) if each.param_type_name == "argument"]
    received = f"{' '.join(surplus)!r:.80}"
    return f"expected {' '.join(arguments)} alone, got {received} too" if arguments else f"expected no arguments, got {received}"


def _unknown_option(name: str, command: Any, ctx: Any, given: Sequence[str]) -> str:
    words = [each.partition("=")[0] for each in given]
    word = name if name in words else next((each for each in words if each.startswith(name)), name)  # of -lr, it names -l
    options = [option.lstrip("-") for param in command.get_params(ctx) for option in param.opts if option.startswith("--")]
    similar = suggestion(word, options)
    return f"expected an option of {ctx.command_path}, got {word:.80}{f'. Did you mean --{similar}?' if similar else ''}"


def _bad_value(param: Any, command: Any, ctx: Any, given: Sequence[str]) -> str:
    received = command.make_parser(ctx).parse_args(args=list(given))[0].get(param.name)
    choices = _choices(_annotation(param, command)[0])
    similar = get_close_matches(str(received), choices, n=1)
    advice = f". Did you mean {similar[0]}?" if similar else ""
    return f"{_name_of(param)}: expected {_expected(param, command)}, got {received!r:.80}{advice}"


def _name_of(param: Any) -> str:
    return str((param.metavar or param.name) if param.param_type_name == "argument" else param.opts[0])


def _annotation(param: Any, command: Any) -> tuple[Any, Any]:
    """Return type and description of a parameter, as its command declares them."""
    declared = inspect.signature(command.callback).parameters.get(param.name)
    annotation, info = (None, None) if declared is None else (declared.annotation, None)
    if get_origin(annotation) is Annotated:
        annotation, info = get_args(annotation)[:2]
    inner = [each for each in get_args(annotation) if each is not type(None)]
    if type(None) in get_args(annotation) and len(inner) == 1:
        annotation = inner[0]
    return annotation, info


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return list(map(str, get_args(annotation)))
    return [str(each.value) for each in annotation] if isinstance(annotation, type) and issubclass(annotation, Enum) else []


def _expected(param: Any, command: Any) -> str:
    """Return the values that a parameter can have, in words."""
    annotation, info = _annotation(param, command)
    choices = _choices(annotation)
    if choices:
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    if annotation not in {int, float}:
        return str(param.metavar or "a value")
    kind = "an integer" if annotation is int else "a number"
    low, high = getattr(info, "min", None), getattr(info, "max", None)
    if low is None:
        return kind
    return f"{kind} of at least {low}" if high is None else f"{kind} from {low} to {high}"
