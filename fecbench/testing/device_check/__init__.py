"""Count what a method does on a CUDA device, on a real one or on a fake one that needs no GPU.

``measure`` starts a child process (``child``), which runs each part of a method (``method``) and records operations,
copies and waits (``recording``). Without a GPU the device is fake (``fake_device``): torch's ``FakeTensorMode``
computes shapes, types and devices only, and raises where tensors of two devices meet.
"""
