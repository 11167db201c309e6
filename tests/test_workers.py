"""Tasks shared among processes: in order, no more processes than tasks, none left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pytest
from joblib import delayed

from minircnn import workers
from minircnn.workers import run_tasks

SLEEPER = r"""
import os, time
from joblib import delayed
from minircnn.workers import run_tasks

def sleep(i):
    os.write(1, f"{os.getpid()}\n".encode())  # in one piece
    time.sleep(60)

if __name__ == "__main__":
    list(run_tasks([delayed(sleep)(i) for i in range(4)], 2))
"""


def own_process(i):
    return i, os.getpid()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_results_come_in_the_order_of_the_tasks(n_jobs):
    results = list(run_tasks((delayed(own_process)(i) for i in range(6)), n_jobs))
    assert [i for i, _ in results] == list(range(6))
    assert (os.getpid() in {process for _, process in results}) == (n_jobs == 1)


@pytest.mark.parametrize(("tasks", "n_jobs", "processes"), [(2, 40, 2), (0, 4, 1), (1, 2, 1), (9, 3, 3)])
def test_there_are_no_more_processes_than_tasks(tasks, n_jobs, processes, monkeypatch):
    asked = []

    def parallel(n_jobs, **how):
        asked.append(n_jobs)
        return joblib.Parallel(1)

    monkeypatch.setattr(workers, "Parallel", parallel)
    assert len(list(run_tasks([delayed(own_process)(i) for i in range(tasks)], n_jobs))) == tasks
    assert asked == [processes]


def test_a_task_is_made_when_its_turn_is_near():
    made = []

    def tasks():
        for i in range(9):
            made.append(i)
            yield delayed(own_process)(i)

    next(run_tasks(tasks(), 1))
    assert len(made) < 9


def test_an_orphan_ends(monkeypatch):
    ended = []
    monkeypatch.setattr(workers.os, "_exit", ended.append)
    ended_process = subprocess.Popen([sys.executable, "-c", ""])
    ended_process.wait()
    workers._watch(ended_process.pid)
    assert ended == [1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_process_that_started_them(end, tmp_path):
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    found = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(end)
    process.wait()
    limit = time.monotonic() + 30
    while (alive := [pid for pid in found if workers._exists(pid)]) and time.monotonic() < limit:
        time.sleep(0.1)
    process.stdout.close()
    assert not alive


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such shell")
def test_tasks_are_shared_where_the_command_line_began_without_standard_error(tmp_path):
    script = tmp_path / "shares.py"
    script.write_text(
        "import math\n"
        "from joblib import delayed\n"
        "from minircnn.cli.streams import guarded_streams\n"
        "from minircnn.workers import run_tasks\n"
        "if __name__ == '__main__':\n"
        "    with guarded_streams():\n"
        "        print(list(run_tasks([delayed(math.sqrt)(i) for i in (4, 9)], 2)))\n"
    )
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$1" 2>&-', sys.executable, script],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "[2.0, 3.0]\n"
    assert done.returncode == 0


def test_all_processes_are_started_here():
    package = Path(workers.__file__).parent
    users = {path.name for path in package.rglob("*.py") if "Parallel(" in path.read_text("utf-8")}
    assert users == {"workers.py"}


def test_processes_work_in_the_folder_of_the_call(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert list(run_tasks([delayed(os.getcwd)() for _ in range(2)], 2)) == [str(tmp_path / name)] * 2
