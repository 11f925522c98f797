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
from own import Crew
from peers import present
from report import SWEPT, Measurement, Row, counted
from setting import AT_WORK, BATCH, MOMENTUM, Found, Setup, against
from timing import Spread, Way, in_turn

BATCHES = (32, 64, 128)  # of training
SIZES = (1, 32, 256)  # of inference
EVERY_SIZE = tuple(2**n for n in range(9))  # of the plot against the batch size
QUICK_SIZES = (1, 16, 256)
NO_END = 10**9  # more steps than are ever taken
MOST_TIMES = {"readme": 6, "seed": 8}  # a backpropagation that all differences may cost
SCALING = 1.8  # times that two cores are to be faster than one
OVER_PYTORCH = {"training": 2.0, "inference": 1.5}  # images/s
OVER_ONNXRUNTIME = 1.0


def gradients(setup: Setup) -> Found:
    """Time all ways to a gradient, for the targets of the difference gradient."""
    found, rows = [], []
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
        ours = setup.crew.own().name
        chain, back = seconds[f"all differences: {ours}"], seconds[f"backpropagation: {ours}"]
        what = f"all {network.size:,} differences of {name}, batch {BATCH}"
        rows.append(Row(f"{what}, over one compiled backpropagation", MOST_TIMES[name], chain.over(back), most=True, unit="x"))
        if name == "seed":
            passes = seconds["by definition: handmade compiled"]
            rows.append(Row(f"{what}: faster than one pass of ours a weight", 1e4, passes.over(chain), most=False, unit="x"))
            rows.append(Row(f"{what}: faster than nested loops", 1e8, looped.over(chain), most=False, unit="x"))
        rows += _scaling(name, setup.crew, seconds)
    floors = [_floor(name, network) for name, network in setup.networks.items()]
    told = "By definition: one pass is measured and multiplied by the weights, shared out among the cores without loss."
    return found, rows, [told, f"Of loops, {reference.ROWS} rows of each convolution are run, and multiplied.", *floors]


def training(setup: Setup) -> Found:
    """Time steps of training by backpropagation, against PyTorch: SGD with momentum on all sides."""
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
            what = f"training {name} by backpropagation, batch {size}: images/s over {{}}'s"
            rows += against(group, what, {"PyTorch": OVER_PYTORCH["training"]})
    return found, rows, []


def inference(setup: Setup) -> Found:
    """Time the logits of 1, 32 and 256 images."""
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
            targets = {"PyTorch": OVER_PYTORCH["inference"]} | ({"onnxruntime": OVER_ONNXRUNTIME} if size == 256 else {})
            rows += against(group, f"inference, {name}, {counted(size)}: images/s over {{}}'s", targets)
    return found, rows, []


def batches(setup: Setup) -> Found:
    """Time training and inference at batch sizes from 1 to 256, for the plot of images a second."""
    found = []
    rounds = max(3, setup.rounds // 2)  # nearly four hundred ways
    for name, network in setup.networks.items():
        methods = [method for method in whole.inference(setup.crew) if method.name != "plain NumPy"]
        whole.checked(methods, network)
        _check_steps(setup.crew, network)
        for size in QUICK_SIZES if setup.quick else EVERY_SIZE:
            batch = whole.Batch(network, setup.x[:size], setup.y[:size])
            for what, ways in (
                ("training", list(_steps(setup.crew, network, setup.x, setup.y, size))),
                ("inference", [method.make(batch) for method in methods]),
            ):
                seconds = in_turn(ways, rounds, AT_WORK / 2, setup.clock)
                section = f"{SWEPT}{what} {name}"
                found += [Measurement(section, "", counted(size), size, way, took, None) for way, took in seconds.items()]
    return found, [], []


def _floor(name: str, network: Network) -> str:
    """Return the arithmetic of a batch, if nothing is left out."""
    back, chain = (count(network) * BATCH / 1e9 for count in (arithmetic.backprop, arithmetic.difference))
    return (
        f"Arithmetic of {name}, batch {BATCH}: backpropagation {back:.2f} GFLOP, all differences {chain:.2f} GFLOP if nothing is "
        f"left out, {chain / back:.1f} times as much."
    )


def _scaling(name: str, crew: Crew, seconds: dict[str, Spread]) -> list[Row]:
    """Return by how much the second core helps."""
    if crew.threads != 2:
        return []
    return [
        Row(f"{what} of {name}, compiled: two cores over one", SCALING, one.over(two), most=False, unit="x")
        for what in ("backpropagation", "all differences")
        for one, two in [tuple(seconds[f"{what}: {own.name}"] for own in (crew.alone(), crew.own()))]
    ]


def _steps(crew: Crew, network: Network, x: Array, y: Array, size: int) -> Iterator[Way]:
    """Yield one step of training: with us all that `handmade.train` does, with them the same batch again and again."""
    for own in crew.ways():
        gradient = partial(backprop, executor=own.executor)
        ours = handmade.train(
            network, x, y, gradient=gradient, optimiser=MOMENTUM, steps=NO_END, batch_size=size, accuracy_every=NO_END
        )
        yield Way(own.name, partial(next, ours), around=own.around)
    if present("PyTorch"):
        import peer_torch  # noqa: PLC0415  optional

        for name, form, threads in peer_torch.habits(crew.threads):
            theirs = peer_torch.TorchNetwork(network, form, MOMENTUM.learning_rate, MOMENTUM.momentum)
            work = partial(theirs.step, theirs.images(x[:size]), peer_torch.labels(y[:size]))
            yield Way(name, work, around=partial(peer_torch.torch_threads, threads))
    if whole.with_jax(crew):
        import peer_jax  # noqa: PLC0415  optional

        compiled = peer_jax.JaxNetwork(network, MOMENTUM.learning_rate, MOMENTUM.momentum)
        yield Way("JAX", partial(compiled.step, peer_jax.images(x[:size]), peer_jax.labels(y[:size])))


def _check_steps(crew: Crew, network: Network) -> None:
    """Raise SystemExit unless two steps on a twin lead to the same weights in every way; ours were held against the loops."""
    small, x, y = reference.twin(network, np.random.default_rng(2))
    wanted, state = small, MOMENTUM.start(small.parameters())
    for _ in range(2):
        parameters, state = MOMENTUM.step(wanted.parameters(), backprop(wanted, x, y, executor=crew.executor)[1], state)
        wanted = wanted.replace(parameters)
    for name, weights in _after_two_steps(crew, small, x, y):
        found = error(tuple(weights[array] for array in wanted.parameters()), tuple(wanted.parameters().values()))
        if not found <= 1:
            raise SystemExit(f"{name}: two steps lead elsewhere than ours, by {found:.1f} tolerances")


def _after_two_steps(crew: Crew, network: Network, x: Array, y: Array) -> Iterator[tuple[str, dict[str, Array]]]:
    """Yield the weights of every framework after two steps of training."""
    if present("PyTorch"):
        import peer_torch  # noqa: PLC0415  optional

        for form in peer_torch.FORMATS:
            theirs = peer_torch.TorchNetwork(network, form, MOMENTUM.learning_rate, MOMENTUM.momentum)
            for _ in range(2):
                theirs.step(theirs.images(x), peer_torch.labels(y))
            yield form, theirs.weights()
    if whole.with_jax(crew):
        import peer_jax  # noqa: PLC0415  optional

        compiled = peer_jax.JaxNetwork(network, MOMENTUM.learning_rate, MOMENTUM.momentum)
        for _ in range(2):
            compiled.step(peer_jax.images(x), peer_jax.labels(y))
        yield "JAX", compiled.weights()


def _looped(batch: whole.Batch, rounds: int) -> Spread:
    """Return the seconds of nested loops: one image measured, and multiplied."""
    return Spread((len(batch.x) * reference.seconds_of_a_pass(batch.network, batch.x),) * rounds)
