"""What to call the devices that networks run on."""

_NAMES = {
    "auto": "Automatic",
    "cuda": "GPU (CUDA)",
    "mps": "GPU (Metal)",
    "cpu": "CPU",
}


def device_name(device: str) -> str:
    """Return what to call a device."""
    return _NAMES.get(device, device)
