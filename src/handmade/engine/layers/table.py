"""The table of layers: one entry each, with the rules that hold for exactly this type (see `registry.py`).

To add a layer of your own: `register(MyLayer)`. Its equations are enough; rules make it faster.
"""

from handmade.engine.layers.add import Add
from handmade.engine.layers.avg_pool2d import AvgPool2d
from handmade.engine.layers.batch_norm2d import BatchNorm2d
from handmade.engine.layers.channel import spreads, stays
from handmade.engine.layers.concat import Concat
from handmade.engine.layers.conv2d import Conv2d
from handmade.engine.layers.dropout import Dropout
from handmade.engine.layers.flatten import Flatten
from handmade.engine.layers.gelu import GELU
from handmade.engine.layers.global_avg_pool2d import GlobalAvgPool2d
from handmade.engine.layers.leaky_relu import LeakyReLU
from handmade.engine.layers.linear import Linear
from handmade.engine.layers.max_pool2d import MaxPool2d
from handmade.engine.layers.multiply import Multiply
from handmade.engine.layers.registry import register
from handmade.engine.layers.relu import ReLU
from handmade.engine.layers.sigmoid import Sigmoid
from handmade.engine.layers.tanh import Tanh

register(
    Conv2d,
    channel=Conv2d.output_channel,
    nudges=Conv2d.nudges,
    input_gradient=Conv2d.input_gradient,
    weight_gradients=Conv2d.weight_gradients,
    source=Conv2d.source,
)
register(ReLU, channel=stays, rectifies=True)
register(MaxPool2d, channel=stays)
register(Flatten, channel=Flatten.output_channel, reorders=True)
register(
    Linear,
    channel=spreads,
    nudges=Linear.nudges,
    input_gradient=Linear.input_gradient,
    weight_gradients=Linear.weight_gradients,
    source=Linear.source,
)
register(AvgPool2d, channel=stays)
register(GlobalAvgPool2d, channel=stays)
register(LeakyReLU, channel=stays)
register(Sigmoid, channel=stays)
register(Tanh, channel=stays)
register(GELU, channel=stays)
register(Dropout, channel=stays)
register(BatchNorm2d, channel=stays, nudges=BatchNorm2d.nudges)
register(Add, join=Add.difference)
register(Concat, join=Concat.difference)
register(Multiply, join=Multiply.difference)
