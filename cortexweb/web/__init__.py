"""The edge to the network: limits on the size, the speed and the origin of requests."""
