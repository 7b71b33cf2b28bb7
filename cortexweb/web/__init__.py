"""The edge to the network: how much, how slow and from where what arrives may be."""
