"""The network as an ONNX graph beside its weights: made with torch, checked and read without."""
