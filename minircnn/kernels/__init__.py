"""How the layers become fast: cutting work, threads, scratch memory, Winograd's convolution, range maxima.

What a layer means stands in :mod:`minircnn.nn`, what it computes in plain loops in :mod:`minircnn.textbook`.
A kernel equals its textbook twin; the tests compare them.
"""
