"""R-CNN, SPP-net, Fast R-CNN and Faster R-CNN from scratch in NumPy, with an optional CuPy backend.

A detection in five lines::

    from minircnn import load_detector, read_image
    from minircnn.viz import draw_detections
    image = read_image("photo.jpg")
    detections = load_detector("runs/fast/model.safetensors").detect(image)
    draw_detections(image, detections)

The names in ``__init__.pyi`` are loaded when they are first used, so that importing the package takes no
time.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
