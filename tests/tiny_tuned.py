"""What do the tests of fine-tuning train? A tiny random network on tiny made images, in place of a real one."""

import torch
from torch import nn

import flarescope
from flarescope.backbones.module import Backbone
from flarescope.finetuning.recipe import TuneRecipe
from flarescope.heads.head import Recipe
from flarescope.pipeline.featuring import Compute
from flarescope.progress import Reporter

COMPUTE = Compute(engine="torch", precision="fp32", workers=0)
RECIPE = TuneRecipe(start="2", epochs=2, batch=8, learning_rate=0.01, head_rate=0.01, seed=3)
"""Trains the second convolution and the linear layer of `tiny_backbone`; four steps an epoch of 32 images."""
REGIONS = {"train": [1121, 1122, 1123, 1124], "validation": [1131, 1132, 1133], "test": [1141, 1142, 1143]}


def tiny_backbone(name="tiny"):
    """A network of 548 random numbers on 32 x 32 pixels."""
    torch.manual_seed(0)
    layers = (
        nn.Conv2d(1, 4, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(4, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 6),
    )
    return Backbone(nn.Sequential(*layers), name=name, size=32, channels=1, preprocess=lambda x: x / 128 - 1)


def train_frozen(data, out):
    """Train a head on the features of the tiny network."""
    return flarescope.train(
        train=data["train"],
        validation=data["validation"],
        images=data["images"],
        out=out,
        backbone=tiny_backbone(),
        compute=COMPUTE,
        recipe=Recipe(epochs=3, batch=8, learning_rate=0.01),
        reporter=Reporter(),
    )
