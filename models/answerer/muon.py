"""Muon (Keller Jordan, 2024): momentum whose matrix is made orthogonal by Newton-Schulz steps, so
that every direction of a weight learns at the same rate. About half the tokens of AdamW for the
same loss on models of this size. Embeddings and norms are AdamW's."""

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # quintic, steep at zero
STEPS = 5


def orthogonal(matrices):
    """`matrices`: [count, rows, columns], each made orthogonal by itself."""
    a, b, c = COEFFICIENTS
    x = matrices.to(torch.bfloat16)
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.transpose(1, 2)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(STEPS):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(list(parameters), {"lr": lr, "momentum": momentum, "decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = {}
            for weight in group["params"]:
                by_shape.setdefault(weight.shape, []).append(weight)
            for shape, weights in by_shape.items():
                for weight in weights:
                    state = self.state[weight]
                    if "velocity" not in state:
                        state["velocity"] = torch.zeros_like(weight)
                    state["velocity"].lerp_(weight.grad, 1 - group["momentum"])
                updates = orthogonal(torch.stack([
                    weight.grad.lerp(self.state[weight]["velocity"], group["momentum"]) for weight in weights]))
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                for weight, update in zip(weights, updates):
                    weight.mul_(1 - group["lr"] * group["decay"])
                    weight.add_(update.to(weight.dtype), alpha=-group["lr"] * scale)
