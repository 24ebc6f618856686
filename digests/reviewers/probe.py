"""Probe of the model's server with a harmless paper of our own."""

from digests.model import Paper

SAMPLE_PAPER = Paper(
    "sample",
    "A Small Model for Long Texts",
    "",
    abstract="We train a small model on two public data sets of long texts. "
    "It reaches the accuracy of models that are twice as large, at a third of the cost. "
    "It was tested in English only. Code and weights are public.",
)
