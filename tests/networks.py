"""Networks of CLIPVQA that are small enough for tests, and checkpoints of them."""

import torch

from vqa_plugin_clip.checkpoint.card import CheckpointCard
from vqa_plugin_clip.checkpoint.files import save_checkpoint
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import LABELS, vocabulary_of


def small_architecture(words=LABELS, **changes):
    """A frame of 32x32 pixels, one layer a tower, and the vocabulary of these texts."""
    vocabulary = vocabulary_of(words)
    sizes = {
        "image_size": 32,
        "vision_width": 64,
        "vision_layers": 1,
        "embed_dim": 64,
        "frames": 2,
        "text_width": 64,
        "text_layers": 1,
        "context_length": 8,
        "vocabulary": vocabulary,
        "vocab_size": len(vocabulary) + 3,
    }
    return Architecture(**sizes | changes)


def card_of(architecture, **changes):
    """What a checkpoint of random weights says of itself."""
    facts = {
        "levels": LABELS,
        "preprocessing": {},
        "training_data": "none: random weights",
        "licence": "Apache-2.0",
        "version": "1",
    }
    return CheckpointCard(architecture=architecture, **facts | changes)


def random_checkpoint(path, card, *, seed=0, half=True):
    """Draw the weights of the network of this card and save them; ``path`` again."""
    torch.manual_seed(seed)
    save_checkpoint(ClipVqa(card.architecture), card, path, half=half)
    return path
