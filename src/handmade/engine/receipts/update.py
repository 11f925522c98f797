"""The receipt of an update: weight, gradient, the optimiser's memory, and the new weight.

No optimiser has to tell how it works: its own `step` is given terms instead of numbers, and what it does with them is the
receipt.
"""

from dataclasses import replace

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.optim import Optimiser, State
from handmade.engine.receipts import places
from handmade.engine.receipts.bounds import bound
from handmade.engine.receipts.places import GRADIENT
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.terms import Place, Term, stored


def explain_update(
    network: Network,
    gradients: dict[str, Array],
    at: str,
    *,
    optimiser: Optimiser,
    state: State | None = None,
    scale: float = 1.0,
) -> Receipt:
    """Tell how a weight came to its new value in one step.

    Parameters
    ----------
    network : Network
        Before the step.
    gradients : dict of Array
        Of all its weights, named as in `network.parameters()`.
    at : str
        Which weight: "conv1.W[1,2,0,5]".
    optimiser : Optimiser
    state : dict of Array, optional
        What the optimiser remembers; as before the first step if left out.
    scale : float
        The schedule's factor of the learning rate.

    Returns
    -------
    Receipt
        Of the new weight. Its inputs are the receipts of what the optimiser remembers of this weight afterwards:
        "v/conv1.W[1,2,0,5]" is what its equations call v.

    Raises
    ------
    HandmadeError
        If there is no such weight, or gradients or state are not those of this network and this optimiser.
    """
    where = places.place(network, at)
    if where.name not in places.weights(network):
        raise HandmadeError(f"an update: expected a weight of {', '.join(places.weights(network))}; got {at!r:.80}")
    key = places.key_of(network, where.name)
    parameters = network.parameters()
    fresh = optimiser.start(parameters)
    state = fresh if state is None else state
    for what, wanted, got in (("gradients", parameters, gradients), ("state", fresh, state)):
        for name in {name for name in wanted if name.partition("/")[2] == key or name in {key, "t"}}:
            if name not in got or np.shape(got[name]) != np.shape(wanted[name]):
                raise HandmadeError(f"{what} want {name!r} of the shape {np.shape(wanted[name])}; got {_shape(got.get(name))}")
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
    """One number of an array as a term, in an array without axes, so that NumPy calculates with it."""
    return np.array(stored(array[where.index], name, *where.index), object)


def _term(result: object) -> Term:
    """What a step made: NumPy hands out what was in the array."""
    made: object = result.item() if isinstance(result, np.ndarray) else result
    assert isinstance(made, Term)
    return made


def _with_names(tree: Term, named: dict[int, Term]) -> Term:
    """The tree with some of its terms exchanged for the same terms with a name."""
    if id(tree) in named:
        return named[id(tree)]
    return replace(tree, parts=tuple(_with_names(part, named) for part in tree.parts))


def _shape(array: Array | None) -> str:
    return "nothing" if array is None else str(np.shape(array))
