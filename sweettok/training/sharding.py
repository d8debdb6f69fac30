"""Weights, gradients and Adam's moments in shards, one a process (FSDP2), where the launcher asks for it:
`accelerate launch --use_fsdp --fsdp_version 2`, or accelerate's config file.

accelerate 1.15 itself prepares FSDP on accelerators only, so its settings are read and torch's `fully_shard` is called
here: the same code runs on GPUs and, in the tests, on CPU. A unit, whose weights are whole only while it computes, is one
of the task's layers; what is outside of layers is one more. Buffers, so all codebook statistics, stay whole everywhere.
"""

import os
from typing import Any

import torch
from accelerate.utils import FullyShardedDataParallelPlugin, parse_flag_from_env
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from sweettok.errors import InputError
from sweettok.models.processes import process_count, process_rank


def sharding_asked() -> FullyShardedDataParallelPlugin | None:
    """The launcher's settings of FSDP, or None where it has not asked for it. Raises InputError for what is not supported."""
    if parse_flag_from_env("ACCELERATE_USE_DEEPSPEED"):
        raise InputError(
            "accelerate is set to DeepSpeed, whose engine owns the optimiser and its checkpoints, so that averaged weights "
            "and resuming in another number of processes cannot be had; use --use_fsdp --fsdp_version 2 or --multi_gpu"
        )
    if not parse_flag_from_env("ACCELERATE_USE_FSDP"):
        return None
    if os.environ.get("FSDP_VERSION", "1") != "2":
        raise InputError("accelerate is set to FSDP 1, which torch has replaced; add --fsdp_version 2")
    plugin = FullyShardedDataParallelPlugin()
    if isinstance(plugin.cpu_offload, CPUOffloadPolicy):
        raise InputError("shards are kept on the device, not offloaded; set fsdp_offload_params to false")
    return plugin


def shard(
    forward: nn.Module, layers: list[nn.Module], device: torch.device, plugin: FullyShardedDataParallelPlugin
) -> nn.Module:
    """`forward`, its parameters in shards from here on: only its call may use them, which all processes must make.

    Parameters are DTensors afterwards, other objects than before.
    """
    mesh = init_device_mesh(device.type, (process_count(),))
    for layer in layers:
        fully_shard(layer, mesh=mesh, reshard_after_forward=plugin.reshard_after_forward)
    fully_shard(forward, mesh=mesh)
    for unit in (*layers, forward):
        unit.set_force_sum_reduction_for_comms(True)  # gloo cannot average
    return forward


def shard_of(whole_tensor: Tensor, like: DTensor) -> DTensor:
    """This process's shard of what all processes have whole, cut and placed as `like` is."""
    here = whole_tensor.detach().to(like.device)
    return distribute_tensor(here, like.device_mesh, like.placements, src_data_rank=None)


def own(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor: its shard, or all of it."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """A tensor gathered from its shards, in all processes, which must all call this."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def whole_state(state: Any) -> Any:
    """Nested dicts with their shards gathered: in the first process, on the CPU; in the others without these tensors."""
    if isinstance(state, dict):
        return {key: whole_state(value) for key, value in state.items()}
    if isinstance(state, DTensor):
        gathered = state.full_tensor()
        return gathered.cpu() if process_rank() == 0 else None
    return state


def adam_state_for(state: dict[str, Any], parameters: list[nn.Parameter]) -> dict[str, Any]:
    """Adam's whole state from a checkpoint, its moments cut as the parameters are where these are sharded."""
    moments = {}
    for number, of_parameter in state["state"].items():
        like = parameters[number]
        moments[number] = dict(of_parameter)
        if isinstance(like, DTensor):
            for name in ("exp_avg", "exp_avg_sq"):
                moments[number][name] = shard_of(of_parameter[name], like)
    return state | {"state": moments}
