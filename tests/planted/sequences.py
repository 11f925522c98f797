"""Bugs in embeddings, attention, recurrent cells, residual blocks and other layers for sequences."""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from planted.exhibit import ROWS, bug, draw, right

WORDS = np.array([[1, 4, 1, 0], [5, 1, 3, 3], [0, 0, 2, 1]])
SEQUENCES = draw(2, 4, 3)


# --- embeddings: integers in, so there is no gradient of x ---------------------------------------------------------------------


@right(WORDS)
class Embedding:
    """y_nt = E_(x_nt)."""

    def __init__(self) -> None:
        self.E = draw(6, 3)

    def forward(self, x: Array) -> Any:
        return self.E[x.astype(int)]

    def backward(self, x: Array, gy: Array) -> Any:
        g = np.zeros_like(self.E)
        self.add(g, x.astype(int), gy)
        return None, {"E": g}

    def add(self, g: Array, words: Array, gy: Array) -> None:
        np.add.at(g, words, gy)


@bug(WORDS, "overwritten")
class RepeatedWordsCountOnce(Embedding):
    """With an index, += adds once for a word that occurs twice."""

    def add(self, g: Array, words: Array, gy: Array) -> None:
        g[words] += gy


@bug(WORDS, "overwritten", "batch size")
class LastSentenceCounts(Embedding):
    def add(self, g: Array, words: Array, gy: Array) -> None:
        np.add.at(g, words[-1], gy[-1])


@bug(WORDS, "ratio")
class EmbeddingAveraged(Embedding):
    def add(self, g: Array, words: Array, gy: Array) -> None:
        np.add.at(g, words, gy / words.shape[1])


@bug(WORDS, "edge", "one place", "condition on x", "one channel")
class FirstWordIsPadding(Embedding):
    """Word 0 is taken for padding, in backward alone."""

    def add(self, g: Array, words: Array, gy: Array) -> None:
        np.add.at(g, words, gy * (words > 0)[..., None])


@bug(WORDS, "permuted")
class WordsCountedFromOne(Embedding):
    def add(self, g: Array, words: Array, gy: Array) -> None:
        np.add.at(g, (words + 1) % len(g), gy)


@bug(WORDS)
class WordsAveraged(Embedding):
    """By how often each occurs: right for a word that occurs once."""

    def add(self, g: Array, words: Array, gy: Array) -> None:
        np.add.at(g, words, gy)
        g /= np.maximum(np.bincount(words.ravel(), minlength=len(g)), 1)[:, None]


# --- attention ----------------------------------------------------------------------------------------------------------------


@right(SEQUENCES)
class Attention:
    """y = softmax(q k' / sqrt(d)) v, with q = x Q, k = x K, v = x V."""

    def __init__(self) -> None:
        self.Q, self.K, self.V = draw(3, 4, seed=1), draw(3, 4, seed=2), draw(3, 4, seed=3)

    def scores(self, x: Array) -> Any:
        return (x @ self.Q) @ (x @ self.K).swapaxes(1, 2) / 2

    def weights_of(self, s: Array) -> Any:
        e = np.exp(s - s.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def forward(self, x: Array) -> Any:
        return self.weights_of(self.scores(x)) @ (x @ self.V)

    def backward(self, x: Array, gy: Array) -> Any:
        q, k, v = x @ self.Q, x @ self.K, x @ self.V
        a = self.weights_of(self.scores(x))
        gs = self.gs(a, gy @ v.swapaxes(1, 2)) / self.root()
        gq, gk, gv = gs @ k, self.gk(gs, q), self.gv(a, gy)
        return self.gx(gq @ self.Q.T, gk @ self.K.T, gv @ self.V.T), {
            "Q": np.tensordot(x, gq, ((0, 1), (0, 1))),
            "K": np.tensordot(x, gk, ((0, 1), (0, 1))),
            "V": np.tensordot(x, gv, ((0, 1), (0, 1))),
        }

    def gs(self, a: Array, ga: Array) -> Any:
        return a * (ga - (a * ga).sum(axis=-1, keepdims=True))

    def gk(self, gs: Array, q: Array) -> Any:
        return gs.swapaxes(1, 2) @ q

    def gv(self, a: Array, gy: Array) -> Any:
        return a.swapaxes(1, 2) @ gy

    def root(self) -> float:
        return 2

    def gx(self, by_q: Array, by_k: Array, by_v: Array) -> Any:
        return by_q + by_k + by_v


@bug(SEQUENCES, "softmax diagonal")
class AttentionSoftmaxDiagonal(Attention):
    def gs(self, a: Array, ga: Array) -> Any:
        return a * (1 - a) * ga


@bug(SEQUENCES, "softmax axis", "axis")
class AttentionSoftmaxOverQueries(Attention):
    def gs(self, a: Array, ga: Array) -> Any:
        return a * (ga - (a * ga).sum(axis=1, keepdims=True))


@bug(SEQUENCES, "ratio")
class AttentionRootForgotten(Attention):
    """Gradients of Q and K are too large; that of x is a sum, and no multiple."""

    def root(self) -> float:
        return 1


@bug(SEQUENCES, "transposed")
class AttentionKeysNotTransposed(Attention):
    def gk(self, gs: Array, q: Array) -> Any:
        return gs @ q


@bug(SEQUENCES, "transposed")
class AttentionValuesNotTransposed(Attention):
    def gv(self, a: Array, gy: Array) -> Any:
        return a @ gy


@bug(SEQUENCES, "overwritten", "product rule")
class AttentionOneWayToX(Attention):
    """gx = for gx +=: only the path through the values is left."""

    def gx(self, by_q: Array, by_k: Array, by_v: Array) -> Any:
        return by_v


@bug(SEQUENCES, "overwritten", "product rule")
class AttentionKeysHeldConstant(Attention):
    def gx(self, by_q: Array, by_k: Array, by_v: Array) -> Any:
        return by_q + by_v


@bug(SEQUENCES, "swapped")
class AttentionQueriesAndKeysExchanged(Attention):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"Q": g["K"], "K": g["Q"]}


@right(SEQUENCES)
class CausalAttention(Attention):
    """A step sees itself and those before it."""

    def scores(self, x: Array) -> Any:
        return np.where(np.tri(x.shape[1]), super().scores(x), -1e9)


@bug(SEQUENCES, "wrong side")
class CausalMaskForgottenBackwards(CausalAttention):
    def backward(self, x: Array, gy: Array) -> Any:
        return Attention.backward(Attention(), x, gy)


# --- recurrent cells ----------------------------------------------------------------------------------------------------------


@right(SEQUENCES)
class Recurrent:
    """h_t = tanh(x_t W + h_(t-1) U + b), all of them returned."""

    def __init__(self) -> None:
        self.W, self.U, self.b = draw(3, 4), draw(4, 4) / 2, draw(4)

    def forward(self, x: Array) -> Any:
        h, steps = np.zeros((len(x), 4)), []
        for t in range(x.shape[1]):
            h = np.tanh(x[:, t] @ self.W + h @ self.U + self.b)
            steps.append(h)
        return np.stack(steps, axis=1)

    def backward(self, x: Array, gy: Array) -> Any:
        h = self.forward(x)
        before = self.before(h)
        gx, gh = np.zeros_like(x), np.zeros((len(x), 4))
        g = {"W": np.zeros((3, 4)), "U": np.zeros((4, 4)), "b": np.zeros(4)}
        for t in reversed(range(x.shape[1])):
            gz = (gy[:, t] + self.carried(gh, t)) * self.slope(h[:, t])
            gx[:, t] = gz @ self.W.T
            self.add(g, x[:, t].T @ gz, before[:, t].T @ gz, gz.sum(axis=0))
            gh = self.back(gz)
        return gx, g

    def before(self, h: Array) -> Any:
        return np.concatenate([np.zeros_like(h[:, :1]), h[:, :-1]], axis=1)

    def carried(self, gh: Array, t: int) -> Any:
        return gh

    def slope(self, h: Array) -> Any:
        return 1 - h**2

    def back(self, gz: Array) -> Any:
        return gz @ self.U.T

    def add(self, g: Any, gW: Array, gU: Array, gb: Array) -> None:
        g["W"] += gW
        g["U"] += gU
        g["b"] += gb


@bug(SEQUENCES, "edge", "overwritten")
class HistoryForgotten(Recurrent):
    """Backpropagation through one step: the last step alone is right."""

    def carried(self, gh: Array, t: int) -> Any:
        return 0


@bug(SEQUENCES, "edge")
class HistoryCutAtTheMiddle(Recurrent):
    """Truncated after two steps."""

    def carried(self, gh: Array, t: int) -> Any:
        return 0 * gh if t == 1 else gh


@bug(SEQUENCES, "transposed")
class RecurrentNotTransposed(Recurrent):
    def back(self, gz: Array) -> Any:
        return gz @ self.U


@bug(SEQUENCES, "overwritten")
class FirstStepCounts(Recurrent):
    def add(self, g: Any, gW: Array, gU: Array, gb: Array) -> None:
        super().add(g, 0 * gW, gU, gb)
        g["W"] = gW


@bug(SEQUENCES, "derivative forgotten")
class RecurrentDerivativeForgotten(Recurrent):
    def slope(self, h: Array) -> Any:
        return 1


@bug(SEQUENCES, "neighbour")
class HiddenStateOfTheSameStep(Recurrent):
    """h_t where h_(t-1) was read."""

    def before(self, h: Array) -> Any:
        return h


@bug(SEQUENCES)
class HistoryHalved(Recurrent):
    def back(self, gz: Array) -> Any:
        return gz @ self.U.T / 2


# --- residual blocks and sums -------------------------------------------------------------------------------------------------


@right(ROWS)
class Residual:
    """y = x + tanh(x W)."""

    def __init__(self) -> None:
        self.W = draw(5, 5)

    def forward(self, x: Array) -> Any:
        return x + np.tanh(x @ self.W)

    def backward(self, x: Array, gy: Array) -> Any:
        gz = gy * (1 - np.tanh(x @ self.W) ** 2)
        return self.join(gy, gz @ self.W.T), {"W": x.T @ gz}

    def join(self, shortcut: Array, branch: Array) -> Any:
        return shortcut + branch


@bug(ROWS, "overwritten")
class ShortcutForgotten(Residual):
    def join(self, shortcut: Array, branch: Array) -> Any:
        return branch


@bug(ROWS, "overwritten", "derivative forgotten")
class BranchForgotten(Residual):
    def join(self, shortcut: Array, branch: Array) -> Any:
        return shortcut.copy()


@bug(ROWS, "ratio")
class BranchesAveraged(Residual):
    def join(self, shortcut: Array, branch: Array) -> Any:
        return (shortcut + branch) / 2


@bug(ROWS)
class ShortcutCountedTwice(Residual):
    def join(self, shortcut: Array, branch: Array) -> Any:
        return 2 * shortcut + branch


@bug(ROWS, "derivative elsewhere")
class BranchDerivativeAtY(Residual):
    """The derivative is read off y, and y holds the shortcut, too."""

    def backward(self, x: Array, gy: Array) -> Any:
        gz = gy * (1 - self.forward(x) ** 2)
        return gy + gz @ self.W.T, {"W": x.T @ gz}


@right(SEQUENCES)
class CumulativeSum:
    def forward(self, x: Array) -> Any:
        return x.cumsum(axis=1)

    def backward(self, x: Array, gy: Array) -> Any:
        return gy[:, ::-1].cumsum(axis=1)[:, ::-1]


@bug(SEQUENCES, "transposed")
class CumulativeSumForwards(CumulativeSum):
    """Not transposed: it sums in the direction of forward."""

    def backward(self, x: Array, gy: Array) -> Any:
        return gy.cumsum(axis=1)


@bug(SEQUENCES, "flipped")
class CumulativeSumNotTurnedBack(CumulativeSum):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy[:, ::-1].cumsum(axis=1)


@bug(SEQUENCES, "derivative forgotten", "overwritten")
class CumulativeSumHandedOn(CumulativeSum):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy.copy()


@bug(SEQUENCES, "ignores gy", "summed too far")
class CumulativeSumOfAllSteps(CumulativeSum):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.repeat(gy.sum(axis=1, keepdims=True), x.shape[1], axis=1)


@bug(SEQUENCES, "axis")
class CumulativeSumOverChannels(CumulativeSum):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy[..., ::-1].cumsum(axis=2)[..., ::-1]


@right(draw(3, 6))
class Centred:
    """y = x - mean."""

    def forward(self, x: Array) -> Any:
        return x - x.mean(axis=1, keepdims=True)

    def backward(self, x: Array, gy: Array) -> Any:
        return gy - gy.mean(axis=1, keepdims=True)


@bug(draw(3, 6), "mean held constant", "derivative forgotten")
class CentredMeanConstant(Centred):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy.copy()


@bug(draw(3, 6), "axis")
class CentredOverTheBatch(Centred):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy - gy.mean(axis=0)


@right(draw(3, 6))
class Sorted:
    def forward(self, x: Array) -> Any:
        return np.sort(x, axis=1)

    def backward(self, x: Array, gy: Array) -> Any:
        gx = np.empty_like(x)
        np.put_along_axis(gx, self.order(x), gy, axis=1)
        return gx

    def order(self, x: Array) -> Any:
        return np.argsort(x, axis=1)


@bug(draw(3, 6), "permuted", "transposed", "misread gy")
class SortedByTheInversePermutation(Sorted):
    def order(self, x: Array) -> Any:
        return np.argsort(np.argsort(x, axis=1), axis=1)


@bug(draw(3, 6), "permuted", "misread gy")
class SortedDownwards(Sorted):
    def order(self, x: Array) -> Any:
        return np.argsort(-x, axis=1)


@bug(draw(3, 6), "derivative forgotten", "permuted", "misread gy")
class SortedHandedOn(Sorted):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy.copy()


@bug(draw(3, 6), "neighbour", "batch size", "permuted", "misread gy")
class SortedAsTheFirstRow(Sorted):
    def order(self, x: Array) -> Any:
        return np.repeat(np.argsort(x[:1], axis=1), len(x), axis=0)


# --- dropout with a mask that is drawn from a fixed seed ----------------------------------------------------------------------


@right(draw(4, 7))
class Dropout:
    def mask(self, x: Array, seed: int = 5) -> Any:
        return (np.random.default_rng(seed).random(x.shape) < 0.7) / 0.7

    def forward(self, x: Array) -> Any:
        return x * self.mask(x)

    def backward(self, x: Array, gy: Array) -> Any:
        return gy * self.mask(x)


@bug(draw(4, 7), "wrong side", "neighbour")
class DropoutMaskDrawnAnew(Dropout):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy * self.mask(x, seed=4)


@bug(draw(4, 7), "ratio")
class DropoutScaleForgotten(Dropout):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy * (self.mask(x) > 0)


@bug(draw(4, 7), "ratio")
class DropoutScaledTwice(Dropout):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy * self.mask(x) / 0.7


@bug(draw(4, 7), "derivative forgotten", "wrong side")
class DropoutMaskForgotten(Dropout):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy.copy()


@bug(draw(4, 7), "wrong side")
class DropoutMaskInverted(Dropout):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy * (self.mask(x) == 0) / 0.7


@bug(draw(4, 7), "neighbour", "wrong side", "batch size")
class DropoutMaskOfTheFirstImage(Dropout):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy * self.mask(x)[:1]
