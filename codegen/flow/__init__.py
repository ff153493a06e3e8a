"""Measured flow of gradients: networks at random, their Jacobians by emitted code, and studies."""
