"""What the pages' blocks print is kept while nothing that they see has changed."""

import pytest

from docs.kept_blocks import KeptBlocks, on_files


class Runner:
    """Runs blocks as markdown-exec does, and remembers which."""

    def __init__(self):
        self.ran, self.sessions = [], {}

    def __call__(self, code, *, session=None, **options):
        self.ran.append(code)
        printed = []
        names = self.sessions.setdefault(session, {}) if session else {}
        names["print"] = lambda text: printed.append(str(text))
        exec(code, names)
        return "\n".join(printed)


@pytest.fixture
def build(tmp_path):
    def build(blocks, seen="a state", **options):
        runner = Runner()
        kept = KeptBlocks(runner, tmp_path / "kept", seen)
        return [kept(code, session=session, **options) for code, session in blocks], runner.ran

    return build


PAGE = [("x = 1", "s"), ("print(x + 1)", "s"), ("print('alone')", None)]


def test_blocks_are_run_once(build):
    assert build(PAGE) == (["", "2", "alone"], ["x = 1", "print(x + 1)", "print('alone')"])
    assert build(PAGE) == (["", "2", "alone"], [])


def test_a_block_that_changed_is_run_after_those_whose_names_it_uses(build):
    build(PAGE)
    changed = [PAGE[0], ("print(x + 2)", "s"), PAGE[2]]
    assert build(changed) == (["", "3", "alone"], ["x = 1", "print(x + 2)"])


def test_an_earlier_block_that_changed_changes_the_later_ones(build):
    build(PAGE)
    assert build([("x = 5", "s"), *PAGE[1:]]) == (["", "6", "alone"], ["x = 5", "print(x + 1)"])


def test_sessions_do_not_see_each_other(build):
    build(PAGE)
    other = [("x = 1", "t"), ("print(x + 1)", "t")]
    assert build(other)[0] == ["", "2"]


def test_another_state_of_the_code_is_run_anew(build):
    build(PAGE)
    assert build(PAGE, seen="another state")[1] == [code for code, _ in PAGE]


def test_other_options_make_another_block(build):
    build(PAGE, title="one")
    assert build(PAGE, title="two")[1] == [code for code, _ in PAGE]


def test_a_block_that_raises_is_not_kept(build):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            build([("print(1 / 0)", None)])


def test_of_two_builds_at_a_time_both_show_what_was_printed_first(tmp_path):
    folder = tmp_path / "kept"
    other = KeptBlocks(lambda code, **_: "of the other build", folder, "a state")

    def run(code, **_):
        other(code)  # done while this one is at it
        return "of this build"

    assert KeptBlocks(run, folder, "a state")("print(seconds)") == "of the other build"


def test_pages_are_made_from_the_last_to_the_first_if_asked(monkeypatch):
    files = ["index.md", "start.md", "speed.md"]
    assert on_files(files) is files
    monkeypatch.setenv("MINIRCNN_LAST_PAGE_FIRST", "1")
    assert on_files(files) == ["speed.md", "start.md", "index.md"]
