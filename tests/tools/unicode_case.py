#!/usr/bin/env python3
"""Writes vm/liquid_case_table.h: Unicode's case mappings as runs. Run by hand when Unicode grows: the table is kept."""
import unicodedata


def runs(function):
    one = [(c, function(chr(c))) for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000]
    pairs = [(c, ord(m) - c) for c, m in one if len(m) == 1 and m != chr(c)]
    special = [(c, m) for c, m in one if len(m) > 1]
    out, i = [], 0
    while i < len(pairs):
        first, delta = pairs[i]
        step, j = 0, i
        while j + 1 < len(pairs) and pairs[j + 1][1] == delta:
            gap = pairs[j + 1][0] - pairs[j][0]
            if gap > 2 or (step and gap != step):
                break
            step, j = gap, j + 1
        out.append((first, pairs[j][0], step or 1, delta))
        i = j + 1
    return out, special


def table(name, function):
    plain, special = runs(function)
    print("static const struct case_run %s_runs[] = {" % name)
    line = "  "
    for run in plain:
        item = "{0x%x,0x%x,%d,%d}, " % run
        if len(line) + len(item) > 119:
            print(line.rstrip())
            line = "  "
        line += item
    print(line.rstrip() + "\n};")
    print("static const struct case_special %s_special[] = {" % name)
    line = "  "
    for point, text in special:
        item = '{0x%x,"%s"}, ' % (point, "".join("\\x%02x" % b for b in text.encode()))
        if len(line) + len(item) > 119:
            print(line.rstrip())
            line = "  "
        line += item
    print(line.rstrip() + "\n};")


print("/* Made by tests/tools/unicode_case.py from Unicode %s; not edited by hand. */" % unicodedata.unidata_version)
table("upper", str.upper)
table("lower", str.lower)
table("title", str.title)
