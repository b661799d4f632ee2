"""Several processes on one store: revisions stay unique, readers by token miss nothing."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from davenport.storage import object_resources, open_store

WORKER = Path(__file__).with_name("worker.py")


def _start(task, *arguments):
    return subprocess.Popen(
        [sys.executable, str(WORKER), task, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _race(ann, location, operations):
    """Two processes of four writers, one reading process; changed revisions, the mirror, pages."""
    reader = _start("follow", location, ann.calendar.id, 7)
    assert reader.stdout.readline() == "ready\n"
    writers = [_start("write", location, ann.calendar.id, 4, operations, n) for n in (1, 2)]
    answers = [json.loads(writer.communicate(timeout=300)[0]) for writer in writers]
    followed = json.loads(reader.communicate("stop\n", timeout=60)[0])
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [answer["failures"] for answer in answers] == [[], []]
    assert followed["mirror"] == ann.live()
    assert followed["pages"] > 1
    revisions = [revision for answer in answers for revision in answer["revisions"]]
    assert sorted(revisions) == list(range(1, ann.state().revision + 1))
    with ann.store.read() as tx:
        totals = object_resources.count_and_size(tx, ann.calendar.id)
        assert totals == tx.one(
            "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM object WHERE deleted = 0",
            {},
        )
    return revisions


def test_writers_in_two_processes_and_a_reader_agree(ann, location):
    assert len(_race(ann, location, operations=40)) > 200


@pytest.mark.slow
def test_writers_in_two_processes_and_a_reader_agree_for_long(ann, location):
    assert len(_race(ann, location, operations=600)) > 3000


def test_processes_that_open_a_new_store_at_once_agree_on_it(location):
    openers = [_start("open", location) for _ in range(4)]
    epochs = {opener.communicate(timeout=60)[0].strip() for opener in openers}
    assert [opener.returncode for opener in openers] == [0] * 4
    store = open_store(location)
    assert epochs == {store.epoch}
    store.close()


def test_a_forked_process_uses_the_store_anew(ann, store):
    ann.put("a")
    ann.live()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of threads; they are ours
        child = os.fork()
    if child == 0:
        # Nothing of pytest may run in the child.
        try:
            ann.put("b")
            os._exit(0 if set(ann.live()) == {"a", "b"} else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    ann.put("c")
    assert set(ann.live()) == {"a", "b", "c"}
