# %% setup
import numpy as np

from camlib import Probe, course_network, scenes

probe = Probe(course_network.load())
A, logits = probe.forward(scenes.make(6, seed=12).images)
W, b = probe.head()
top, Z = logits.argmax(1), 144

# %% mean_or_sum | right | the weights divided
summed = np.einsum("nijk,kn->nij", A, W[:, top] / Z)

# %% mean_or_sum | right | loops over scenes, float64
summed = np.stack([A[n].astype(float) @ W[:, top[n]] / (A.shape[1] * A.shape[2]) for n in range(6)])

# %% mean_or_sum | wrong | the map of equation (7.5) | 144 times too large: a sum where a mean belongs?
summed = np.einsum("nijk,kn->nij", A, W[:, top])

# %% mean_or_sum | wrong | divided by the number of channels | times 2.25
summed = np.einsum("nijk,kn->nij", A, W[:, top]) / 64

# %% mean_or_sum | wrong | one map for all | shape (12, 12), and (6, 12, 12) is wanted
summed = np.einsum("ijk,k->ij", A[0], W[:, top[0]]) / Z
