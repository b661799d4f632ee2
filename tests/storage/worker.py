"""A process of its own for the concurrency tests: `worker.py TASK LOCATION ARGUMENT…`."""

import json
import random
import sys
import threading

from davenport.objects.index import Index
from davenport.storage import changes, collections, object_resources, open_store
from davenport.storage.error import Gone


def write(location, collection_id, writers, operations, seed):
    """Random puts and deletes by several threads; prints the revision of each change."""
    store = open_store(location)
    revisions, failures = [], []

    def run(number):
        chance = random.Random(seed * 100 + number)
        for step in range(operations):
            name = f"{chance.randrange(12)}.ics"
            body = f"{seed} {number} {step}".encode()
            delete = chance.random() < 0.3
            try:
                revisions.append(store.write(lambda tx: change(tx, name, body, delete)))  # noqa: B023
            except Gone:
                continue
            except BaseException as error:
                failures.append(repr(error))
                raise

    def change(tx, name, body, delete):
        collections.lock(tx, collection_id)
        if delete:
            found = object_resources.get(tx, collection_id, name)
            if found is None:
                raise Gone(name)
            return object_resources.delete(tx, found, actor="w", device=None, now=1).revision
        etag = f'"{body.decode()}"'
        index = Index(name, "VEVENT")
        return object_resources.put(
            tx, collection_id, name, index, body, etag, actor="w", device=None, now=1
        )[0].revision

    threads = [threading.Thread(target=run, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    print(json.dumps({"revisions": revisions, "failures": failures}))


def follow(location, collection_id, seed):
    """Follow by token until a line comes on standard input; prints the mirror at the end."""
    store = open_store(location)
    chance = random.Random(seed)
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
    token, mirror, pages = None, {}, 0
    print("ready", flush=True)
    while True:
        last = stop.is_set()
        with store.read() as tx:
            collection = collections.get(tx, collection_id)
            page = changes.page(tx, collection, token, chance.randint(1, 5))
        for one in page.objects:
            if one.deleted:
                mirror.pop(one.name, None)
            else:
                mirror[one.name] = one.etag
        token, pages = page.next, pages + 1
        if last and not page.more:
            break
    store.close()
    print(json.dumps({"mirror": mirror, "pages": pages}))


if __name__ == "__main__":
    task, place, *numbers = sys.argv[1:]
    if task == "open":
        opened = open_store(place)
        print(opened.epoch)
        opened.close()
    else:
        {"write": write, "follow": follow}[task](place, *map(int, numbers))
