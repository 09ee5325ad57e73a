"""Runs the `test_` functions of one file under MicroPython: `micropython run_tests.py FILE`.

Prints a line a test; exit status 1 if one failed, 2 if there was none. The same files run under pytest on CPython.
"""

import gc
import sys


def main(path):
    names = {"__name__": "logic", "__file__": path}
    with open(path) as file:
        exec(file.read(), names)  # a test file of ours
    tests = sorted(name for name in names if name.startswith("test_"))
    failed = 0
    for name in tests:
        gc.collect()
        try:
            names[name]()
            print("passed", name)
        except Exception as error:
            failed += 1
            print("FAILED", name)
            sys.print_exception(error)
    return 1 if failed else 0 if tests else 2


sys.exit(main(sys.argv[1]))
