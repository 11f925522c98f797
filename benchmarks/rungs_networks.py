"""The rungs of whole networks at work: gradients, steps of training, and inference, with the targets that follow from them."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

import handmade
import reference
import whole
from handmade.doctor import arithmetic
from handmade.engine.arrays import Array
from handmade.engine.gradients import backprop
from handmade.engine.network import Network
from operations import error
from peers import present
from report import Measurement, Row, counted
from setting import BATCH, MOMENTUM, Found, Setup, against
from timing import Spread, Way, blas_threads, in_turn

BATCHES = (32, 64, 128)  # of training
SIZES = (1, 32, 256)  # of inference
AT_WORK = 0.1  # seconds, as in a training: threads of all are awake then
NO_END = 10**9  # more steps than are ever taken
SCALING = 1.7  # how many times faster two cores are to be than one


def gradients(setup: Setup) -> Found:
    """All ways to a gradient, and the targets of the difference gradient."""
    found, rows = [], []
    limits = {"seed": 20, "readme": 8}
    for name, network in setup.networks.items():
        methods = {
            "backpropagation": list(whole.backpropagation(setup.crew)),
            "all differences": list(whole.differences(setup.crew)),
            "by definition": list(whole.definitions(setup.crew)),
        }
        errors = {what: whole.checked(each, network) for what, each in methods.items()}
        batch = whole.Batch(network, setup.x[:BATCH], setup.y[:BATCH])
        ways = [replace(method.make(batch), name=f"{what}: {method.name}") for what, each in methods.items() for method in each]
        seconds = in_turn(ways, setup.rounds, AT_WORK, setup.clock)
        for what, each in methods.items():
            found += [
                Measurement(
                    "gradients", name, what, BATCH, method.name, seconds[f"{what}: {method.name}"], errors[what][method.name]
                )
                for method in each
            ]
        looped = Spread(tuple(reference.estimate(network, batch.x) / setup.crew.threads for _ in range(setup.rounds)))
        found.append(Measurement("gradients", name, "by definition", BATCH, "loops", looped, None))
        chain = seconds[f"all differences: {setup.crew.in_threads}"]
        back = seconds[f"backpropagation: {setup.crew.in_threads}"]
        what = f"all {network.size:,} differences of {name}, batch {BATCH}"
        rows.append(Row(f"{what}, against one backpropagation of ours", limits[name], chain.over(back), most=True, unit="x"))
        if name == "seed":
            passes = seconds["by definition: handmade"]
            rows.append(Row(f"{what}: faster than one pass of ours a weight", 1e4, passes.over(chain), most=False, unit="x"))
            rows.append(Row(f"{what}: faster than nested loops", 1e8, looped.over(chain), most=False, unit="x"))
        rows += _scaling(name, setup.crew.threads, seconds)
    floors = [_floor(name, network) for name, network in setup.networks.items()]
    told = "By definition: one pass is measured and multiplied by the weights, shared out among the cores without loss."
    return found, rows, [told, f"Of loops, {reference.ROWS} rows of each convolution are run, and multiplied.", *floors]


def training(setup: Setup) -> Found:
    """Steps of training by backpropagation, against PyTorch: SGD with momentum on both sides."""
    found, rows = [], []
    for name, network in setup.networks.items():
        _check_steps(setup.crew, network)
        for size in BATCHES[:1] if setup.quick else BATCHES:
            ways = list(_steps(setup.crew, network, setup.x, setup.y, size))
            seconds = in_turn(ways, setup.rounds, AT_WORK, setup.clock)
            group = [
                Measurement("training by backpropagation", name, "one step", size, way, s, None) for way, s in seconds.items()
            ]
            found += group
            target = {"seed": 1.2, "readme": 1.0}[name]
            rows += against(group, f"training {name} by backpropagation, batch {size}: images/s over {{}}'s", {"PyTorch": target})
    return found, rows, []


def inference(setup: Setup) -> Found:
    """Logits for 1, 32 and 256 images."""
    found, rows = [], []
    for name, network in setup.networks.items():
        methods = list(whole.inference(setup.crew))
        errors = whole.checked(methods, network)
        for size in SIZES:
            batch = whole.Batch(network, setup.x[:size], setup.y[:size])
            seconds = in_turn([method.make(batch) for method in methods], setup.rounds, AT_WORK, setup.clock)
            group = [Measurement("inference", name, "logits", size, way, s, errors[way]) for way, s in seconds.items()]
            group.append(Measurement("inference", name, "logits", size, "loops", _looped(batch, setup.rounds), None))
            found += group
            targets = {"PyTorch": 1.0} | ({"onnxruntime": 0.8} if size == 256 else {})
            rows += against(group, f"inference, {name}, {counted(size)}: images/s over {{}}'s", targets)
    return found, rows, []


def _floor(name: str, network: Network) -> str:
    """The arithmetic that a batch is, if nothing is left out."""
    back, chain = (count(network) * BATCH / 1e9 for count in (arithmetic.backprop, arithmetic.difference))
    return (
        f"Arithmetic of {name}, batch {BATCH}: backpropagation {back:.2f} GFLOP, all differences {chain:.2f} GFLOP if nothing is "
        f"left out, {chain / back:.1f} times as much."
    )


def _scaling(name: str, threads: int, seconds: dict[str, Spread]) -> list[Row]:
    """How much the second core helps."""
    if threads != 2:
        return []
    return [
        Row(f"{what} of {name}: two cores over one", SCALING, one.over(two), most=False, unit="x")
        for what in ("backpropagation", "all differences")
        for one, two in [tuple(seconds[f"{what}: handmade, {end}"] for end in ("1 thread", "2 threads"))]
    ]


def _steps(crew: whole.Crew, network: Network, x: Array, y: Array, size: int) -> Iterator[Way]:
    """One step of training: with us all that `handmade.train` does, with them the same batch again and again."""
    for name, executor in {whole.ALONE: None, crew.in_threads: crew.executor}.items():
        gradient = partial(backprop, executor=executor)
        ours = handmade.train(network, x, y, gradient=gradient, optimiser=MOMENTUM, steps=NO_END, batch_size=size, watch=NO_END)
        yield Way(name, partial(next, ours), around=partial(blas_threads, 1))
    if present("PyTorch"):
        import peer_torch  # noqa: PLC0415  optional

        for name, form, threads in peer_torch.habits(crew.threads):
            theirs = peer_torch.TorchNetwork(network, form, MOMENTUM.learning_rate, MOMENTUM.momentum)
            work = partial(theirs.step, theirs.images(x[:size]), peer_torch.labels(y[:size]))
            yield Way(name, work, around=partial(peer_torch.torch_threads, threads))


def _check_steps(crew: whole.Crew, network: Network) -> None:
    """Two steps on a twin must lead to the same weights in every way; ours uses the gradient that was held against the loops."""
    if not present("PyTorch"):
        return
    import peer_torch  # noqa: PLC0415  optional

    small, x, y = reference.twin(network, np.random.default_rng(2))
    order = np.arange(len(x))
    wanted, state = small, MOMENTUM.start(small.parameters())
    for _ in range(2):
        parameters, state = MOMENTUM.step(wanted.parameters(), backprop(wanted, x[order], y, executor=crew.executor)[1], state)
        wanted = wanted.replace(parameters)
    for form in peer_torch.FORMATS:
        theirs = peer_torch.TorchNetwork(small, form, MOMENTUM.learning_rate, MOMENTUM.momentum)
        for _ in range(2):
            theirs.step(theirs.images(x), peer_torch.labels(y))
        found = error(tuple(theirs.weights().values()), tuple(wanted.parameters().values()))
        if not found <= 1:
            raise SystemExit(f"{form}: two steps lead elsewhere than ours, by {found:.1f} tolerances")


def _looped(batch: whole.Batch, rounds: int) -> Spread:
    """Nested loops, one image measured and multiplied."""
    return Spread((len(batch.x) * reference.seconds_of_a_pass(batch.network, batch.x),) * rounds)
