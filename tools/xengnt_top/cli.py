# SPDX-License-Identifier: GPL-2.0
"""The command line of xengnt-top."""

import argparse
import json
import os
import sys
import time

from . import doctor, metrics, record
from .reading import DEFAULT_DIR, CannotRead, read_snapshot
from .report import make_report
from .text import report_lines


def once(options):
    before = None
    if options.interval > 0:
        before = read_snapshot(options.dir, time.time())
        time.sleep(options.interval)
    report = make_report(before, read_snapshot(options.dir, time.time()))
    if options.json:
        json.dump(report, sys.stdout, indent=2)
        print()
    else:
        print("\n".join(report_lines(report)))


def diagnose(options):
    found = doctor.diagnose(record.read_facts(options.root))
    if options.json:
        json.dump({"format": 1, "findings": found}, sys.stdout, indent=2)
        print()
    else:
        print("\n".join(doctor.lines(found)))
    return 3 if any(finding["severity"] == "problem" for finding in found) else 0


def run(options):
    if options.openmetrics:
        sys.stdout.write(metrics.exposition(options.root))
    elif options.textfile:
        metrics.write_textfile(options.textfile, options.root)
    elif options.record:
        record.record(options.record)
    elif options.doctor:
        return diagnose(options)
    elif options.once:
        once(options)
    else:
        from .screen import live  # curses is not everywhere, and only needed here
        live(options)
    return 0


def parser_of_words():
    parser = argparse.ArgumentParser(
        prog="xengnt-top", description="Shows what xengnt's grant references are used for.")
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--once", action="store_true", help="print one report and end")
    task.add_argument("--doctor", action="store_true",
                      help="say what is wrong with this guest's grants, and what to do")
    task.add_argument("--openmetrics", action="store_true",
                      help="print the values in the OpenMetrics format")
    task.add_argument("--textfile", metavar="FILE",
                      help="write them for node_exporter's textfile collector")
    task.add_argument("--record", metavar="DIRECTORY",
                      help="copy all that is looked at into a new directory")
    parser.add_argument("--json", action="store_true",
                        help="with --once or --doctor: print it as JSON")
    parser.add_argument("--interval", type=float, metavar="SECONDS", default=None,
                        help="between two looks (default 2, with --once 1; there 0: no rates)")
    parser.add_argument("--count", type=int, metavar="N", help="end after N reports")
    parser.add_argument("--no-color", action="store_true", help="no colours on the terminal")
    parser.add_argument("--root", default="/", metavar="DIRECTORY",
                        help="look at what --record has written there")
    parser.add_argument("--dir", metavar="DIRECTORY",
                        help=f"where the files of debugfs are, or a copy (default {DEFAULT_DIR})")
    return parser


def parse_arguments(words):
    parser = parser_of_words()
    options = parser.parse_args(words)
    if options.json and not (options.once or options.doctor):
        parser.error("--json needs --once or --doctor: xengnt-top --once --json")
    if options.dir is None:
        options.dir = os.path.join(options.root, DEFAULT_DIR.lstrip("/"))
    if options.interval is None:
        options.interval = 1.0 if options.once else 2.0
    lowest = 0 if options.once else 0.1
    if not lowest <= options.interval <= 3600:
        parser.error(f"--interval {options.interval:g}: must be {lowest:g} to 3600 seconds")
    if options.count is not None and options.count < 1:
        parser.error(f"--count {options.count}: must be at least 1")
    return options


def main(words):
    options = parse_arguments(words)
    try:
        return run(options)
    except CannotRead as error:
        print(f"xengnt-top: error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(f"xengnt-top: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
