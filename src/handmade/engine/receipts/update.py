"""Receipt of an update: weight, gradient, state of the optimiser, and the new weight.

No optimiser needs extra code for its receipt: its own `step` is called with terms instead of numbers, and the result is the
receipt.
"""

from dataclasses import replace

import numpy as np

from handmade.engine.arguments import described, number, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network, check_network
from handmade.engine.optim import Optimiser, State, as_optimiser
from handmade.engine.receipts import places
from handmade.engine.receipts.bounds import bound
from handmade.engine.receipts.places import GRADIENT
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.terms import Place, Term, stored

LARGEST_SCALE = 1e6  # of the learning rate by a schedule


def explain_update(
    network: Network,
    gradients: dict[str, Array],
    at: str,
    *,
    optimiser: Optimiser,
    state: State | None = None,
    scale: float = 1.0,
) -> Receipt:
    """Return the receipt of a weight's new value after one step.

    Parameters
    ----------
    network : Network
        Network before the step.
    gradients : dict of Array
        Gradients of all its weights, named as in `network.parameters()`.
    at : str
        Place of the weight: "conv1.W[1,2,0,5]".
    optimiser : Optimiser
    state : dict of Array, optional
        State of the optimiser; that before the first step if left out.
    scale : float
        Factor of the learning rate from the schedule.

    Returns
    -------
    Receipt
        Receipt of the new weight. Its inputs are the receipts of the optimiser's new state for this weight:
        "v/conv1.W[1,2,0,5]" is v in the optimiser's equations.

    Raises
    ------
    HandmadeError
        If there is no such weight, or gradients or state do not fit the network and the optimiser.
    """
    check_network(network, "handmade.explain_update(network, gradients, at, optimiser=optimiser)")
    for name, value in {"gradients": gradients, "state": {} if state is None else state}.items():
        if not isinstance(value, dict):
            raise refused(name, "a dict of arrays by the names of the weights", described(value))
    optimiser, scale = as_optimiser(optimiser), number(scale, "scale", 0, LARGEST_SCALE)
    where = places.place(network, at)
    if where.name not in places.weights(network):
        raise HandmadeError(f"update: expected a weight of {', '.join(places.weights(network))}; got {at!r:.80}")
    key = places.key_of(network, where.name)
    parameters = network.parameters()
    fresh = optimiser.start(parameters)
    state = fresh if state is None else state
    for what, expected, given in (("gradients", parameters, gradients), ("state", fresh, state)):
        for name in {name for name in expected if name.partition("/")[2] == key or name in {key, "t"}}:
            if name not in given or np.shape(given[name]) != np.shape(expected[name]):
                shape = np.shape(expected[name])
                raise refused(
                    what, f"{name!r} of the shape {shape}", "nothing" if name not in given else str(np.shape(given[name]))
                )
    letters = [name for name in fresh if name.endswith(f"/{key}")]
    arrays = {key: parameters[key]}, {key: gradients[key]}, {name: state[name] for name in [*letters, *({"t"} & set(state))]}
    moved, remembered = optimiser.step(*arrays, scale)
    called = {key: where.name} | {name: name.replace(key, where.name) for name in letters}
    weight, gradient, memory = (
        {name: array if name == "t" else _one(array, prefix + called[name], where) for name, array in some.items()}
        for some, prefix in zip(arrays, ("", GRADIENT, ""), strict=True)
    )
    new, after = optimiser.step(weight, gradient, memory, scale)

    def receipt(name: str, stored_as: Array, tree: Term) -> Receipt:
        precision = parameters[key].dtype
        value = float(stored_as[where.index])
        return Receipt(
            Place(called[name], where.index), type(optimiser).__name__, value, tree, bound(tree, precision), str(precision)
        )

    terms = {name: _term(after[name]).named(f"new {called[name]}") for name in letters}
    tree = _with_names(_term(new[key]), {id(_term(after[name])): terms[name] for name in letters})
    inputs = tuple(receipt(name, remembered[name], terms[name]) for name in letters)
    return replace(receipt(key, moved[key], tree), inputs=inputs)


def _one(array: Array, name: str, where: Place) -> Array:
    """Return one number of an array as a term, in an array without axes, so that NumPy can compute with it."""
    return np.array(stored(array[where.index], name, *where.index), object)


def _term(result: object) -> Term:
    """Return the term in the result of a step: NumPy may return an array or the term itself."""
    made: object = result.item() if isinstance(result, np.ndarray) else result
    assert isinstance(made, Term)
    return made


def _with_names(tree: Term, named: dict[int, Term]) -> Term:
    """Return the tree with some of its terms replaced by the same terms with a name."""
    if id(tree) in named:
        return named[id(tree)]
    return replace(tree, parts=tuple(_with_names(part, named) for part in tree.parts))
