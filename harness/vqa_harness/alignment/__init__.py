"""Which frames of two videos belong together, and making them comparable.

The folder is not called ``align``, because `vqa_harness.align` is the public function.
"""
