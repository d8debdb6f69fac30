"""What tests have other processes do: they import it by name."""

import os
import signal
import time

import torch

from sweettok.errors import InputError


def square(x):
    return x * x, os.getpid(), torch.get_num_threads()


def fail_or_wait(x):
    if x == 1:
        raise InputError("this will not do")
    time.sleep(600)


def be_killed(x):
    os.kill(os.getpid(), signal.SIGKILL)


def note_and_wait(file):
    with open(file, "w") as out:
        out.write(str(os.getpid()))
    time.sleep(600)


def weights_of_cell(params, data, codebook, proxy, judge, seed):
    from sweettok.training.cells import train_cell
    from sweettok.training.curriculum import weights_hash

    model, history, _ = train_cell(params, "odd", seed, data, codebook, proxy, judge)
    return weights_hash(model), history
