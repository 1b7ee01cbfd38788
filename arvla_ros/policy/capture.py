"""A computation on static buffers: called as it is on a CPU, replayed as one CUDA graph on a GPU.

A small transformer step is hundreds of kernels of microseconds each; launching them one by one from Python takes
longer than running them. A graph launches them all at once, and allocates nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

# Libraries allocate their workspaces and choose their kernels in the first calls, which a graph must not record.
_WARM_UPS = 3


class Captured:
    """Runs ``compute``, which must read and write only tensors that stay where they are.

    Nothing in it may wait for the device or depend on values of tensors. On a GPU it runs a few times at once, to be
    captured: the buffers must be ready for that.

    Args:
        compute: the computation.
        device: where its tensors are.
    """

    def __init__(self, compute: Callable[[], None], device: torch.device) -> None:
        self._compute = compute
        self._graph: torch.cuda.CUDAGraph | None = None
        if device.type == "cuda":
            with torch.cuda.device(device):
                self._graph = _capture(compute)

    def __call__(self) -> None:
        """Run once; on a GPU this returns at once, and the results are there after the stream is synchronised."""
        if self._graph is None:
            self._compute()
        else:
            self._graph.replay()


def _capture(compute: Callable[[], None]) -> torch.cuda.CUDAGraph:
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UPS):
            compute()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        compute()
    return graph
