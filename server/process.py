"""One worker process of `davenport serve`: loads the application and ends with its parent."""

import multiprocessing
import os
import signal
import threading
from typing import Any


def load_worker() -> Any:  # noqa: ANN401 - an ASGI application
    """The application of a worker process, from the configuration in its environment."""
    _stop_with_parent()
    from davenport.server.app import create_worker_app  # noqa: PLC0415 - for workers only

    return create_worker_app()


def _stop_with_parent() -> None:
    """Stop in good order when the parent dies: killed, it cannot tell us to, nor free the port."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()
