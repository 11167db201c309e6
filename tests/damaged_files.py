"""Files as a full disk, a broken transfer or a bad memory leaves them: some bytes changed, the end lost."""

from hypothesis import strategies as st


@st.composite
def damaged(draw, valid):
    """Draw the name of one of the files `valid`, ``{name: content}``, and its content, mostly damaged."""
    name = draw(st.sampled_from(list(valid)))
    content = bytearray(valid[name])
    for place, byte in draw(
        st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4)
    ):
        content[int(place * len(content))] = byte
    share = draw(st.floats(0, 1) | st.just(1.0))
    return name, bytes(content[: int(share * len(content))])
