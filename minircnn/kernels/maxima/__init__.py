"""Maxima over sliding windows and over many rectangles of a map, and where they lie."""
