"""Modules of torch.nn as operations of ONNX: each hands its arrays and settings to the function of the same meaning."""

from collections.abc import Callable
from typing import Any

from handmade.engine.arrays import Array
from handmade.files.onnx.errors import OutOfScope
from handmade.files.pytorch import window_operations
from handmade.files.pytorch.operations import BY_NAME, pad
from handmade.files.pytorch.traced import Tensor, Traced

Convert = Callable[..., Tensor]


def _array(parameter: Any) -> Array | None:
    return None if parameter is None else parameter.detach().cpu().numpy()


def _conv(to: Traced, module: Any, x: Tensor) -> Tensor:
    if module.padding_mode != "zeros":
        raise OutOfScope(f"padding mode {module.padding_mode!r}")
    weight = module.weight.detach().cpu().numpy()
    return window_operations.conv2d(
        to, x, weight, _array(module.bias), module.stride, module.padding, module.dilation, module.groups
    )


def _linear(to: Traced, module: Any, x: Tensor) -> Tensor:
    return window_operations.linear(to, x, module.weight.detach().cpu().numpy(), _array(module.bias))


def _batch_norm(to: Traced, module: Any, x: Tensor) -> Tensor:
    mean, variance, weight, bias = map(_array, (module.running_mean, module.running_var, module.weight, module.bias))
    return window_operations.batch_norm(to, x, mean, variance, weight, bias, momentum=module.momentum, eps=module.eps)


def _settings(function: str, *names: str) -> Convert:
    """Return the conversion of a module that is a function with the module's settings as arguments of the same names."""

    def convert(to: Traced, module: Any, x: Tensor) -> Tensor:
        return BY_NAME[function](to, x, **{name: getattr(module, name) for name in names})

    return convert


def _pad(mode: str) -> Convert:
    def convert(to: Traced, module: Any, x: Tensor) -> Tensor:
        return pad(to, x, module.padding, mode, module.value if mode == "constant" else None)

    return convert


MODULES: dict[str, Convert] = {
    "Conv2d": _conv,
    "Linear": _linear,
    "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm,
    "MaxPool2d": _settings("max_pool2d", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
    "AvgPool2d": _settings(
        *("avg_pool2d", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
    ),
    "AdaptiveAvgPool2d": _settings("adaptive_avg_pool2d", "output_size"),
    "AdaptiveMaxPool2d": _settings("adaptive_max_pool2d", "output_size", "return_indices"),
    **{name: _settings("relu") for name in ("ReLU",)},
    "Sigmoid": _settings("sigmoid"),
    "Tanh": _settings("tanh"),
    "LeakyReLU": _settings("leaky_relu", "negative_slope"),
    "ELU": _settings("elu", "alpha"),
    "GELU": _settings("gelu", "approximate"),
    "ReLU6": _settings("relu6"),
    "Hardtanh": _settings("hardtanh", "min_val", "max_val"),
    "Hardsigmoid": _settings("hardsigmoid"),
    "Hardswish": _settings("hardswish"),
    "SiLU": _settings("silu"),
    "Softmax": _settings("softmax", "dim"),
    "LogSoftmax": _settings("log_softmax", "dim"),
    **dict.fromkeys(("Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "Identity"), _settings("dropout")),
    **dict.fromkeys(("Flatten", "Unflatten"), _settings("flatten")),
    **dict.fromkeys(("ZeroPad2d", "ConstantPad2d"), _pad("constant")),
    "ReflectionPad2d": _pad("reflect"),
    "ReplicationPad2d": _pad("replicate"),
    "CircularPad2d": _pad("circular"),
}
