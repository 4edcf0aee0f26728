#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Rules of the tree that can be read from its text: layers, doors, order of includes, SPDX lines, sizes, paths.

usage: tree.py RULE ROOT     prints one line per offence; status 0 when there is none, 1 otherwise

Knows which files are ours from git (tracked, and new ones that are not ignored); in a tree without git, all of them.
"""
import os
import re
import subprocess
import sys

# Third-party header (regex) -> where it may be included, as regexes of paths. docs/architecture.md, "Layers".
DOORS = [
    (r"clamav\.h", [r"ampscansvc/engine\.c", r"ampupdater/fresh\.c", r"tests/(bench|unit|system|support)/.*"]),
    (r"libfreshclam\.h", [r"ampupdater/fresh\.c"]),
    (r"protobuf-c/.*|.*\.pb-c\.h", [r"shared/wire/.*", r"tests/(system|support|fuzz|unit)/.*"]),
    (r"cap-ng\.h", [r"shared/io/capabilities\.c"]),
    (r"seccomp\.h", [r"ampscansvc/seccomp_list\.c", r"ampupdater/call_list\.c"]),
    (r"openssl/.*", [r"shared/io/sha256\.c", r"ampscansvc/detached_signature\.c", r"tests/.*"]),
    (r"zlib\.h", [r"ampscansvc/container_members\.c", r"tests/.*"]),
    (r"archive(_entry)?\.h", [r"ampcli/definition_bundle\.c", r"tests/.*"]),
    (r"sqlite3\.h", [r"ampdaemon/journal_store\.c", r"tests/.*"]),
    (r"cyaml/.*|yaml\.h", [r"ampdaemon/configuration(_inspect)?\.[ch]", r"ampcli/run_dir\.c"]),
    (r"histedit\.h|editline/.*", [r"ampcli/prompt\.c"]),
    (r"systemd/.*", [r"ampdaemon/service_notify\.c"]),
    (r"uv\.h", [r"shared/io/channel\.[ch]", r"ampdaemon/[^/]*\.[ch]", r"tests/.*"]),
    (r"jansson\.h", [r"ampcli/render_[a-z_]*\.c", r"tests/.*"]),
]
# Layer -> layers it may include, besides itself.
BELOW = {
    "shared/base": [],
    "shared/wire": ["shared/base"],
    "shared/io": ["shared/base", "shared/wire"],
    "ampdaemon/core": ["shared/base"],
    "ampdaemon": ["ampdaemon/core", "shared/base", "shared/wire", "shared/io"],
    "ampscansvc/core": ["shared/base"],
    "ampscansvc": ["ampscansvc/core", "shared/base", "shared/wire", "shared/io"],
    "ampupdater/core": ["shared/base"],
    "ampupdater": ["ampupdater/core", "shared/base", "shared/wire", "shared/io"],
    "ampcli": ["shared/base", "shared/wire", "shared/io"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
LIMIT_FILE, LIMIT_FUNCTION = 600, 60


def files(root):
    try:
        out = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "-c", "-o", "--exclude-standard"],
                             cwd=root, check=True, capture_output=True).stdout.decode()
        names = [n for n in out.split("\0") if n and os.path.isfile(os.path.join(root, n))]
    except (subprocess.CalledProcessError, FileNotFoundError):
        names = [os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs]
    return sorted(set(names))


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def sources(root, endings=(".c", ".h")):
    return [n for n in files(root) if n.endswith(endings)]


def layer(name):
    folder = os.path.dirname(name)
    while folder and folder not in BELOW:
        folder = os.path.dirname(folder)
    return folder or None


def resolve(root, name, target):
    for base in (os.path.dirname(name), "", "shared"):
        path = os.path.normpath(os.path.join(base, target))
        if os.path.isfile(os.path.join(root, path)):
            return path
    return None


def includes(root, name):
    return INCLUDE.findall(read(root, name))


def rule_layers(root):
    """Includes go downward only."""
    for name in sources(root):
        own = layer(name)
        for _, target in includes(root, name):
            path = resolve(root, name, target)
            if not (own and path):
                continue
            other = layer(path)
            if other is None and path.split("/")[0] != "proto":
                yield f"{name} includes {path}, which is in no layer"
            elif other and other != own and other not in BELOW[own]:
                yield f"{name} ({own}) includes {path} ({other})"


def rule_doors(root):
    """A third-party library is known in its door only."""
    for name in sources(root):
        for _, target in includes(root, name):
            for header, doors in DOORS:
                if re.fullmatch(header, target) and not any(re.fullmatch(d, name) for d in doors):
                    yield f"{name} includes {target}"


def rule_written(root):
    """Our headers are written in quotes, from the root or from shared/, never with ../"""
    for name in sources(root):
        for mark, target in includes(root, name):
            if ".." in target.split("/"):
                yield f"{name} includes {target}"
            if mark == "<" and (resolve(root, "x", target)):
                yield f"{name} includes <{target}>, which is ours"


def rule_own_header_first(root):
    """x.c includes x.h before anything else, so that x.h is proven to stand alone."""
    for name in sources(root, (".c",)):
        header = name[:-2] + ".h"
        if not os.path.isfile(os.path.join(root, header)):
            continue
        found = includes(root, name)
        if not found or resolve(root, name, found[0][1]) != header:
            yield f"{name} does not include {header} first"


def rule_spdx(root):
    """The licence stands in the first lines of every source."""
    for name in files(root):
        if name.endswith((".c", ".h", ".sh", ".py", ".proto")) or os.path.basename(name) in ("meson.build", "run", "test"):
            head = "\n".join(read(root, name).split("\n")[:3])
            if "SPDX-License-Identifier: GPL-2.0-only" not in head:
                yield name


def rule_guards(root):
    """Include guards are AMP_<PATH>_H."""
    for name in sources(root, (".h",)):
        guard = re.sub(r"[^A-Z0-9]", "_", "AMP_" + name.upper())
        if f"#ifndef {guard}\n#define {guard}\n" not in read(root, name):
            yield f"{name} lacks the guard {guard}"


def exceptions(root):
    path = "tests/arch/size_exceptions"
    if not os.path.isfile(os.path.join(root, path)):
        return {}
    rows = [line.split(None, 1) for line in read(root, path).splitlines() if line.strip() and not line.startswith("#")]
    return {row[0]: row[1] if len(row) > 1 else "" for row in rows}


def functions(root, names):
    command = ["ctags", "--languages=C", "--c-kinds=f", "--fields=+ne", "-o", "-", "-L", "-"]
    out = subprocess.run(command, cwd=root, input="\n".join(names), check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        columns = line.split("\t")
        if line.startswith("!_"):
            continue
        fields = dict(c.split(":", 1) for c in columns[3:] if ":" in c)
        if "line" in fields and "end" in fields:
            yield columns[0], columns[1], int(fields["end"]) - int(fields["line"]) + 1


def rule_sizes(root):
    """Files up to 600 lines, functions up to 60; an exception gives its reason and is still needed."""
    allowed, used = exceptions(root), set()
    for name in [n for n in files(root) if n.endswith((".c", ".h", ".sh", ".py")) or n in ("run", "test")]:
        lines = read(root, name).count("\n")
        if lines > LIMIT_FILE:
            used.add(name)
            if not allowed.get(name):
                yield f"{name} has {lines} lines"
    for function, name, lines in functions(root, sources(root)):
        if lines > LIMIT_FUNCTION:
            used.add(f"{name}:{function}")
            if not allowed.get(f"{name}:{function}"):
                yield f"{name}: {function} has {lines} lines"
    for entry in sorted(set(allowed) - used):
        yield f"tests/arch/size_exceptions: {entry} needs no exception any more"


# A name of a directory that exists on the machine of whoever wrote it, and nowhere else.
MACHINE = re.compile(r"(?<![\w./~$}-])/(home|Users|root|work|farm)/[\w.-]+|(?<![\w./$}-])/tmp/build-\w+")


def rule_machine_paths(root):
    """No paths of the machine on which it was written."""
    for name in files(root):
        if name == "tests/arch/tree.py" or name.startswith("LICENSE"):
            continue
        for number, line in enumerate(read(root, name).splitlines(), 1):
            found = MACHINE.search(line)
            if found:
                yield f"{name}:{number}: {found.group(0)}"


def rule_left_open(root):
    """Nothing is left for later in the code."""
    for name in sources(root):
        for number, line in enumerate(read(root, name).splitlines(), 1):
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                yield f"{name}:{number}: {line.strip()[:80]}"


RULES = {name[5:]: function for name, function in list(globals().items()) if name.startswith("rule_")}


def main():
    if len(sys.argv) == 2 and sys.argv[1] == "--list":
        for name, function in RULES.items():
            print(f"{name}\t{function.__doc__}")
        return 0
    if len(sys.argv) != 3 or sys.argv[1] not in RULES:
        print(__doc__, file=sys.stderr)
        return 2
    offences = list(RULES[sys.argv[1]](sys.argv[2]))
    print("\n".join(offences), end="\n" if offences else "")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
