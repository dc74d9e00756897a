"""Reads the golden arrays and builds the networks that they describe."""

import json

import numpy as np
import torch

from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.model import ClipVqa


class Golden:
    def __init__(self, path):
        with np.load(path) as file:
            self.arrays = {key: file[key] for key in file.files}
        self.config = json.loads(str(self.arrays["config_json"]))
        self.state = {
            key.removeprefix("weights/"): torch.from_numpy(np.asarray(value))
            for key, value in self.arrays.items()
            if key.startswith("weights/")
        }
        self.video = torch.from_numpy(self.arrays["input/video"])
        self.tokens = torch.from_numpy(self.arrays["input/tokens"])

    def under(self, prefix):
        return {
            key.removeprefix(prefix + "/"): value
            for key, value in self.arrays.items()
            if key.startswith(prefix + "/")
        }

    def json(self, key):
        return json.loads(str(self.arrays[key]))

    def architecture(self, **switches):
        config = self.config
        off = {"attend_over_tokens": False, "select_class_tokens": False, "permute_conv2": False}
        return Architecture(
            image_size=config["image_resolution"],
            patch_size=config["vision_patch_size"],
            vision_width=config["vision_width"],
            vision_layers=config["vision_layers"],
            embed_dim=config["embed_dim"],
            frames=config["T"],
            text_width=config["transformer_width"],
            text_layers=config["transformer_layers"],
            context_length=config["context_length"],
            vocab_size=config["vocab_size"],
            sat_layers=config["mit_layers"],
            vat_layers=config["prompts_layers"],
            **(off | switches),
        )

    def model(self, **switches):
        model = ClipVqa(self.architecture(**switches))
        model.load_state_dict(self.state, strict=True)
        return model.eval()
