from cupy._ledger import ledger


class Device:
    def __init__(self, device=None):
        self.id = device.id if isinstance(device, Device) else int(device or 0)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def __eq__(self, other):
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self):
        return self.id

    def __repr__(self):
        return f"<CUDA Device {self.id} (double)>"

    def synchronize(self):
        ledger.wait()
