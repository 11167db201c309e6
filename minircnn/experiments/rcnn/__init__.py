"""The tables of R-CNN."""
