# SPDX-License-Identifier: GPL-2.0
"""The plots of bench/report.py: scripts for gnuplot, which writes SVG files."""

import subprocess

PLOTS = {
    "table-size": ("references in the table", "x", {
        "size_one": "one", "size_list": "list of 32", "size_sequence": "sequence of 16"}),
    "list-length": ("references in the list", "x", {"length_list": "list"}),
    "fragmentation": ("per cent of the table in use, at random", "", {
        "use_list": "list of 32", "use_sequence": "sequence of 16"}),
    "cpu-caches": ("CPU caches", "x", {"cpus_ones": "8 allocated and freed on each CPU in turn"}),
}


def plot(name, sweeps, directory):
    xlabel, logarithmic, curves = PLOTS[name]
    data, drawn = [], []
    for colour, (key, title) in enumerate(curves.items(), 1):
        for side in ("stock", "xengnt"):
            points = sorted((int(where[0].split("/")[1]), value) for where, value in sweeps.items()
                            if len(where) == 2 and where[1] == side
                            and where[0].startswith(key + "/"))
            data.append("\n".join(f"{x} {y}" for x, y in points))
            dash = 2 if side == "stock" else 1
            drawn.append(f"'-' using 1:2 with linespoints lc {colour} dt {dash} pt {dash + 3}"
                         f" title '{title}, {side}'")
    script = ["set terminal svg size 720,440 background 'white'",
              f"set output '{directory / (name + '.svg')}'",
              f"set xlabel '{xlabel}'", "set ylabel 'nanoseconds per operation'",
              "set key outside bottom center horizontal", "set grid", "set format x '%.0f'",
              f"set logscale {logarithmic} 4" if logarithmic else ""]
    if name == "cpu-caches":
        points = sorted((int(where[0].split("/")[1]), value / 1024)
                        for where, value in sweeps.items()
                        if where[1:] == ("bytes", "xengnt") and where[0].startswith("cpus_ones/"))
        data.append("\n".join(f"{x} {y}" for x, y in points))
        drawn.append("'-' using 1:2 axes x1y2 with linespoints lc 3 dt 3 title 'memory, xengnt (KiB)'")
        script += ["set y2label 'KiB'", "set y2tics", "set ytics nomirror", "set yrange [0:*]",
                   "set y2range [0:*]"]
    else:
        script.append("set logscale y")
    script.append("plot " + ", ".join(drawn))
    script += [points + "\ne" for points in data]
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)
