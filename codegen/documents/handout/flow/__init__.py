"""Vanishing and exploding gradients: the section from the product of Jacobians to the remedies."""
