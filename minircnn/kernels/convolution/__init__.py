"""Two ways to convolve, by banded matrix products and by Winograd's method, and the choice between them."""
