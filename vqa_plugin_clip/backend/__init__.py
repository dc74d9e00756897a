"""What runs the network: ONNX Runtime for a checkpoint with a graph, or torch."""
