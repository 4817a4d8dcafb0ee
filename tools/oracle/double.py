"""transformers in f64, also where it asks for f32 whatever a model's type is."""

import contextlib
import copy

import torch
import transformers


class InF64(torch.overrides.TorchFunctionMode):
    """Where transformers asks for f32 whatever the model's type (norms, softmax, rotary tables), f64."""

    def __torch_function__(self, function, _types, args=(), kwargs=None):
        def wide(value):
            return torch.float64 if value is torch.float32 else value

        if function is torch.Tensor.float:
            function = torch.Tensor.double
        kwargs = {name: wide(value) for name, value in (kwargs or {}).items()}
        return function(*[wide(value) for value in args], **kwargs)


@contextlib.contextmanager
def in_f64():
    torch.set_default_dtype(torch.float64)
    try:
        with InF64():
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def widened(model, changes=None):
    """The same weights, everything made anew in f64, with `changes` of the config; to be run within in_f64()."""
    config = copy.deepcopy(model.config)
    config.update(changes or {})
    with in_f64():
        wide = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float64).eval()
        wide.load_state_dict({k: v.double() for k, v in model.state_dict().items()})
    return wide
