class Device:
    def __init__(self, device=None):
        self.id = 0 if device is None else (device.id if isinstance(device, Device) else int(device))

    def __enter__(self):
        return self

    def __exit__(self, *a):
        return None

    def __eq__(self, other):
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self):
        return self.id

    def __repr__(self):
        return f"<CUDA Device {self.id} (double)>"

    def synchronize(self):
        from .._ledger import ledger

        ledger.note("sync")

    def use(self):
        pass
