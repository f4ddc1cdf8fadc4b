"""Steps of gradient descent whose sizes adapt to each number."""

import numpy as np

#: Decay of the means of gradients and of their squares, and what keeps steps finite (Kingma and Ba, 2015).
DECAY, SQUARE_DECAY, FLOOR = 0.9, 0.999, 1e-8


class Adam:
    """Steps by the mean gradient over the root of the mean of its squares, times the rate of each array."""

    def __init__(self, arrays, rates):
        self.rates = rates
        self.means = [np.zeros_like(array) for array in arrays]
        self.squares = [np.zeros_like(array) for array in arrays]
        self.t = 0

    def step(self, arrays, gradients, share=1.0):
        """Change the arrays in place by `share` of the full step."""
        self.t += 1
        correction = np.sqrt(1 - SQUARE_DECAY**self.t) / (1 - DECAY**self.t)
        for array, gradient, rate, mean, square in zip(
            arrays, gradients, self.rates, self.means, self.squares, strict=True
        ):
            mean += (1 - DECAY) * (gradient - mean)
            square += (1 - SQUARE_DECAY) * (np.square(gradient) - square)
            array -= array.dtype.type(share * rate * correction) * mean / (np.sqrt(square) + array.dtype.type(FLOOR))
