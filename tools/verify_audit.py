#!/usr/bin/env python3
"""Verifies an export, or a pack, of DbAccess's evidence log with a public key that you hold.

It uses Python's standard library and the program `openssl`, and nothing of DbAccess. What it checks, in which order and in which
words, is the last part of docs/audit-format.md; the comments here name the sections of that page.

Exit codes: 0 everything fits, 1 something does not (the first such thing is printed), 2 it was not used rightly.
"""

import argparse
import base64
import binascii
import collections
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

LONGEST_LINE = 1 << 20
LONGEST_CHECKPOINT = 65536
DEEPEST = 32
LARGEST_NUMBER = 2**53 - 1
GRANTS_REMEMBERED = 250_000
P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
ENDS = ("Ended", "Denied", "Cancelled", "Lapsed", "Failed")
HASH = re.compile("[0-9a-f]{64}")
SALT = re.compile("[0-9a-f]{32}")
PLAIN = re.compile(r"[ !#-\[\]-~]*")
ORIGIN = re.compile(r"[!-*,-~]+")


class Fault(Exception):
    """The first thing that is wrong, in the words of the format."""


class Misuse(Exception):
    """It cannot be verified at all."""


# --- Section "Leaf": canonical JSON -------------------------------------------------------------------------------------------

def parse(data, where):
    """The object of a line, which has to be the canonical form of itself."""
    twice, odd = [], []

    def members(pairs):
        result = dict(pairs)
        if len(result) < len(pairs):
            seen = set()
            for name, _ in pairs:
                if name in seen and PLAIN.fullmatch(name):
                    twice.append(name)
                    break
                seen.add(name)
        if not PLAIN.fullmatch("".join(result)):
            odd.append(True)
        return result

    def whole(digits):
        number = int(digits) if len(digits) <= 17 else LARGEST_NUMBER + 1
        return number if abs(number) <= LARGEST_NUMBER else odd.append(True)

    def no_number(word):
        raise ValueError(word)  # NaN and Infinity, which Python would take

    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=members, parse_int=whole, parse_float=lambda _: odd.append(True), parse_constant=no_number)
    except (ValueError, RecursionError):
        raise Fault(f"{where} is not an event") from None
    if depth(text) > DEEPEST:
        raise Fault(f"{where} is not an event")
    if twice:
        raise Fault(f'{where} has "{twice[0]}" twice')
    if odd or canonical(value) != text:
        raise Fault(f"{where} is not canonical")
    return value


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def depth(text):
    """How deep objects and lists are nested in each other."""
    if text.count("{") + text.count("[") <= DEEPEST:
        return DEEPEST
    level = deepest = 0
    for bracket in re.findall(r"[][{}]", re.sub(r'"(?:[^"\\]|\\.)*"', "", text)):
        level += 1 if bracket in "[{" else -1
        deepest = max(deepest, level)
    return deepest


# --- Sections "Leaf", "Sealed values" and "Export": what a line has to hold ---------------------------------------------------------

LEAF = {"actor": str, "at": str, "grant": str, "n": int, "outcome": str, "plan": str, "policy": str, "rule": str, "seq": int,
        "trace": str, "type": str, "v": int, "way": str, "what": dict}
LEAF_NEEDS = {"actor", "at", "seq", "type", "v", "way", "what"}


def is_event(line, with_proof):
    needed = {"hash", "leaf", "proof"} if with_proof else {"hash", "leaf"}
    if type(line) is not dict or set(line) - {"open"} != needed or not is_hex(line["hash"], HASH):
        return False
    leaf = line["leaf"]
    if type(leaf) is not dict or not LEAF_NEEDS <= set(leaf) or not all(type(leaf[name]) is LEAF.get(name) for name in leaf):
        return False
    if leaf["v"] != 1 or leaf["seq"] < 0 or leaf.get("n", 1) < 1 or ("n" in leaf and "grant" not in leaf):
        return False
    if not all(is_value(value) for value in leaf["what"].values()):
        return False
    if "open" in line and not (type(line["open"]) is dict and line["open"] and all(is_opened(it) for it in line["open"].values())):
        return False
    return not with_proof or (type(line["proof"]) is list and all(is_hex(node, HASH) for node in line["proof"]))


def is_value(value):
    if type(value) is list:
        return all(type(item) is str for item in value)
    return type(value) in (str, int, bool) or is_sealed(value)


def is_sealed(value):
    return type(value) is dict and set(value) == {"sha256"} and is_hex(value["sha256"], HASH)


def is_opened(value):
    return type(value) is dict and set(value) == {"salt", "value"} and is_hex(value["salt"], SALT) and type(value["value"]) is str


def is_hex(value, pattern):
    return type(value) is str and pattern.fullmatch(value) is not None


def events(folder, path, with_proof):
    """Every line of a file: what it holds, and its leaf hash."""
    file = os.path.join(folder, path)
    if not os.path.exists(file):
        return
    with open(file, "rb") as lines:
        for number, data in enumerate(iter(lambda: lines.readline(LONGEST_LINE + 1), b""), 1):
            where = f"{path} line {number}"
            if not data.endswith(b"\n"):
                raise Fault(f"{where} is longer than 1 MiB" if len(data) > LONGEST_LINE else f"{where} is cut off")
            line = parse(data[:-1], where)
            if not is_event(line, with_proof):
                raise Fault(f"{where} is not an event")
            yield line, leaf_hash(canonical(line["leaf"]).encode())


def check_content(line, computed):
    """The leaf against the hash beside it, and what is shown of sealed values against the leaf."""
    leaf, place = line["leaf"], line["leaf"]["seq"]
    if computed.hex() != line["hash"]:
        raise Fault(f"event {place} was changed: it does not have the hash beside it")
    for name, shown in line.get("open", {}).items():
        recorded = leaf["what"].get(name)
        salted = bytes.fromhex(shown["salt"]) + shown["value"].encode()
        if not is_sealed(recorded) or recorded["sha256"] != hashlib.sha256(salted).hexdigest():
            raise Fault(f"event {place} was changed: what is shown as {name} is not what was recorded")


# --- Section "Tree" -------------------------------------------------------------------------------------------------------------

def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The roots of the complete subtrees that the leaves so far consist of, the largest first."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, node):
        full = self.size
        while full & 1:
            node, full = node_hash(self.peaks.pop(), node), full >> 1
        self.peaks.append(node)
        self.size += 1

    def root(self):
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def is_included(node, place, size, proof, root):
    """RFC 9162, 2.1.3.2."""
    if place >= size:
        return False
    fn, sn = place, size - 1
    for other in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            node = node_hash(other, node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, other)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and node == root


# --- Section "Checkpoint" ---------------------------------------------------------------------------------------------------------

Checkpoint = collections.namedtuple("Checkpoint", "body origin size root time signatures")


def parse_checkpoint(data, path):
    try:
        if len(data) > LONGEST_CHECKPOINT:
            raise ValueError
        body, rest = data.decode("utf-8").split("\n\n", 1)
        origin, size, root, at = body.split("\n")
        if not ORIGIN.fullmatch(origin) or not re.fullmatch("0|[1-9][0-9]{0,18}", size) or int(size) >= 2**63:
            raise ValueError
        if not re.fullmatch(r"time [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", at) or not rest.endswith("\n"):
            raise ValueError
        datetime.datetime.strptime(at, "time %Y-%m-%dT%H:%M:%S.%fZ")
        signatures = []
        for line in rest[:-1].split("\n"):
            dash, name, signature = line.split(" ")
            if dash != "\u2014" or not ORIGIN.fullmatch(name) or len(from_base64(signature)) < 5:
                raise ValueError
            signatures.append((name, from_base64(signature)[:4].hex(), from_base64(signature)[4:]))
        if len(from_base64(root)) != 32:
            raise ValueError
        return Checkpoint(body.encode() + b"\n", origin, int(size), from_base64(root), at, signatures)
    except ValueError:
        raise Fault(f"{path} is not a checkpoint") from None


def from_base64(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError
    return data


class Keys:
    """The keys that are trusted, and what they signed."""

    def __init__(self, folder, files):
        self.folder, self.trusted, self.signed = folder, {}, {}
        for file in files:
            with open(file, encoding="ascii", errors="replace") as pem:
                blocks = re.findall("-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\\s]+)-----END PUBLIC KEY-----", pem.read())
            if not any([self.add(block) for block in blocks]):
                raise Misuse(f"{file} holds no public key on P-256 in PEM")

    def add(self, text):
        """Trusts the key (base64 of its DER); false when it is none on P-256."""
        try:
            der = base64.b64decode("".join(text.split()), validate=True)
        except binascii.Error:
            return False
        if len(der) != len(P256) + 64 or not der.startswith(P256):
            return False
        name = hashlib.sha256(der).digest()[:4].hex()
        if name not in self.trusted:
            self.trusted[name] = os.path.join(self.folder, name + ".pem")
            with open(self.trusted[name], "w", encoding="ascii") as pem:
                pem.write(f"-----BEGIN PUBLIC KEY-----\n{base64.encodebytes(der).decode()}-----END PUBLIC KEY-----\n")
        return True

    def fits(self, checkpoint, key, signature):
        file = os.path.join(self.folder, "signature")
        with open(file, "wb") as out:
            out.write(signature)
        return subprocess.run(["openssl", "dgst", "-sha256", "-verify", self.trusted[key], "-signature", file], input=checkpoint.body,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def lines(self, checkpoint):
        """The signatures of trusted keys; those of other names are not the log's own."""
        return [(key, signature) for name, key, signature in checkpoint.signatures if name == checkpoint.origin and key in self.trusted]

    def trust(self, brought_in, checkpoints):
        """Every key in the log before the end of a checkpoint that a trusted key signed, until there are no more."""
        largest_first = sorted(checkpoints, key=lambda it: -it.size)
        before = -1
        while before != len(self.trusted):
            before = len(self.trusted)
            fitting = (it.size for it in largest_first if any(self.fits(it, *line) for line in self.lines(it)))
            end = next(fitting, 0)
            for place, key in brought_in:
                if place < end:
                    self.add(key)

    def check(self, checkpoint, origin):
        if checkpoint.origin != origin:
            raise Fault(f"the checkpoint of size {checkpoint.size} is of another log: {checkpoint.origin}")
        lines = self.lines(checkpoint)
        if not lines:
            raise Fault(f"the checkpoint of size {checkpoint.size} is signed by no key that you hold")
        if not all(self.fits(checkpoint, *line) for line in lines):
            raise Fault(f"the checkpoint of size {checkpoint.size} has a bad signature")
        for key in dict(lines):
            self.signed[key] = self.signed.get(key, 0) + 1


# --- Section "Export" -----------------------------------------------------------------------------------------------------------------

class Numbers:
    """A grant's own events are numbered 1, 2, 3, …; of very many grants those are forgotten that nothing was heard of for longest."""

    def __init__(self):
        self.last, self.forgot = collections.OrderedDict(), False

    def note(self, leaf):
        grant, number, carried = leaf.get("grant"), leaf.get("n"), leaf["what"].get("carried") is True
        if grant is None or (number is None and not carried):
            return
        last = self.last.get(grant, None if self.forgot else 0)  # None: the next is taken as it comes
        if not carried and last is not None and number != last + 1:
            raise Fault(f"event {leaf['seq']}: grant {grant} goes from its event {last} to {number}")
        self.last[grant] = number
        self.last.move_to_end(grant)
        if len(self.last) > GRANTS_REMEMBERED:
            self.last.popitem(last=False)
            self.forgot = True


def read_checkpoint(path):
    with open(path, "rb") as file:
        return file.read(LONGEST_CHECKPOINT + 1)


def days(folder, kind, ending):
    """The files of a folder by day, in the order of their names."""
    found = []
    for place, _, names in os.walk(os.path.join(folder, kind)):
        found += [os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/") for name in names]
    return sorted(path for path in found if re.fullmatch(f"{kind}/[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}}{ending}", path))


def attempt(data, path):
    """The checkpoint, or what is to be said about it when the leaves are done."""
    try:
        return parse_checkpoint(data, path)
    except Fault as fault:
        return fault


def verify_log(folder, keys, kept_paths, tell):
    own = [attempt(read_checkpoint(os.path.join(folder, path)), path) for path in days(folder, "checkpoints", r"\.txt")]
    kept = [attempt(read_checkpoint(path), path) for path in kept_paths]
    wanted = {it.size for it in own + kept if isinstance(it, Checkpoint)}

    tree, numbers, roots, brought_in, origin, shown, withheld = Tree(), Numbers(), {0: Tree().root()}, [], None, 0, 0
    for path in days(folder, "log", r"\.jsonl"):
        for line, computed in events(folder, path, False):
            leaf = line["leaf"]
            if leaf["seq"] > tree.size:
                raise Fault(f"event {tree.size} is missing: event {leaf['seq']} stands in its place")
            if leaf["seq"] < tree.size:
                raise Fault(f"event {leaf['seq']} stands where event {tree.size} belongs: it is there twice, or out of order")
            check_content(line, computed)
            numbers.note(leaf)
            what = leaf["what"]
            if leaf["type"] == "audit.begun" and leaf["seq"] == 0 and type(what.get("origin")) is str:
                origin = what["origin"]
            if leaf["type"] == "audit.key" and type(what.get("key")) is str:
                brought_in.append((leaf["seq"], what["key"]))
            shown += len(line.get("open", ()))
            withheld += sum(map(is_sealed, what.values())) - len(line.get("open", ()))
            tree.add(computed)
            if tree.size in wanted:
                roots[tree.size] = tree.root()
            tell(tree.size)

    for it in own + kept:
        if isinstance(it, Fault):
            raise it
    if not own:
        raise Fault("there is no checkpoint")
    by_size = sorted(own, key=lambda it: it.size)
    origin = origin or by_size[0].origin
    keys.trust(brought_in, by_size)
    before = covered = 0
    for it in by_size:
        if it.size > covered:
            before, covered = covered, it.size
        keys.check(it, origin)
        if roots.get(it.size, it.root) != it.root:
            raise Fault(f"events {before} to {it.size - 1}: they do not give the root that the checkpoint of size {it.size} signed")
    if tree.size < covered:
        raise Fault(f"event {tree.size} is missing: the log ends here, and the checkpoint of size {covered} covers it")
    if tree.size > covered:
        raise Fault(f"event {covered} stands after the newest checkpoint: nothing vouches for it")
    for it in sorted(kept, key=lambda it: it.size):
        keys.check(it, origin)
        if it.size > tree.size:
            raise Fault(f"the checkpoint of size {it.size} that you kept is newer than this log: it ends at {tree.size}")
        if roots[it.size] != it.root:
            raise Fault(f"the checkpoint of size {it.size} that you kept does not fit: the first {it.size} events here are others")

    return ["the log is whole", f"events: {tree.size}", f"checkpoints: {len(own)}", words(by_size[-1], "newest checkpoint"), signed_by(keys),
            f"sealed values: {shown} shown, {withheld} withheld"] + ([f"checkpoints that you kept: {len(kept)}"] if kept else [])


def words(checkpoint, name):
    return f"{name}: size {checkpoint.size}, root {base64.b64encode(checkpoint.root).decode()}, {checkpoint.time}"


def signed_by(keys):
    return "signed by: " + ", ".join(f"{key} {count}" for key, count in keys.signed.items())


# --- Section "Pack" -------------------------------------------------------------------------------------------------------------------

def read_description(folder):
    """pack.json: the origin, the size, and of each grant the number of its events and whether it is over."""
    with open(os.path.join(folder, "pack.json"), "rb") as file:
        data = file.read()
    try:
        pack = json.loads(data.decode("utf-8"))
        grants = {it["grant"]: (it["events"], it["over"]) for it in pack["grants"]}
        typed = all(type(grant) is str and type(count) is int and count >= 0 and type(over) is bool for grant, (count, over) in grants.items())
        if not typed or len(grants) < len(pack["grants"]) or type(pack["origin"]) is not str or type(pack["size"]) is not int or pack["v"] != 1:
            raise ValueError
        return pack["origin"], pack["size"], grants
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Fault("pack.json does not describe this pack") from None


def verify_pack(folder, keys, tell):
    origin, size, grants = read_description(folder)
    path = os.path.join(folder, "checkpoint.txt")
    if not os.path.exists(path):
        raise Fault("there is no checkpoint")
    checkpoint = parse_checkpoint(read_checkpoint(path), "checkpoint.txt")

    last, ended, previous, count, shown, withheld = dict.fromkeys(grants, 0), set(), -1, 0, 0, 0
    for line, computed in events(folder, "events.jsonl", True):
        leaf = line["leaf"]
        place, what, grant, number = leaf["seq"], leaf["what"], leaf.get("grant"), leaf.get("n")
        if place <= previous:
            raise Fault(f"event {place} stands where event {previous + 1} belongs: it is there twice, or out of order")
        check_content(line, computed)
        if not is_included(computed, place, checkpoint.size, [bytes.fromhex(node) for node in line["proof"]], checkpoint.root):
            raise Fault(f"event {place} is not in the tree that the checkpoint signed")
        previous = place
        count += 1
        shown += len(line.get("open", ()))
        withheld += sum(map(is_sealed, what.values())) - len(line.get("open", ()))
        tell(count)
        if grant is None:
            continue
        if grant not in grants:
            raise Fault(f"event {place} is about grant {grant}, which this pack is not about")
        carried = what.get("carried") is True
        if number is None:
            if carried:
                last[grant] = None  # its next number is taken as it comes
            continue
        if not carried and last[grant] is not None and number != last[grant] + 1:
            if number > last[grant]:
                raise Fault(f"grant {grant}: its event {last[grant] + 1} is missing")
            raise Fault(f"event {place}: grant {grant} goes from its event {last[grant]} to {number}")
        last[grant] = number
        if what.get("to") in ENDS:
            ended.add(grant)

    keys.check(checkpoint, origin)
    if size != checkpoint.size:
        raise Fault("pack.json does not describe this pack")
    for grant, (expected, over) in grants.items():
        if (last[grant] or 0) < expected:
            raise Fault(f"grant {grant}: its event {(last[grant] or 0) + 1} is missing")
        if (last[grant] or 0) > expected:
            raise Fault("pack.json does not describe this pack")
        if over and grant not in ended:
            raise Fault(f"grant {grant}: its end is missing")

    described = [f"grant {grant}: events {expected}, {'over' if over else 'not over'}" for grant, (expected, over) in grants.items()]
    return ["the pack is whole", f"events: {count}"] + described + [words(checkpoint, "checkpoint"), signed_by(keys),
                                                                     f"sealed values: {shown} shown, {withheld} withheld"]


# --- The command line -----------------------------------------------------------------------------------------------------------------

def teller():
    """Says on standard error how far it is, once a second from the first on."""
    next_time = [time.monotonic() + 1]

    def tell(done):
        if done % 1000 == 0 and time.monotonic() >= next_time[0]:
            print(f"{done} events", file=sys.stderr, flush=True)
            next_time[0] += 1

    return tell


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", help="what `audit export --to DIR` wrote")
    parser.add_argument("--key", metavar="FILE.pem", action="append", required=True,
                        help="a public key that you got another way; may be given several times")
    parser.add_argument("--checkpoint", metavar="FILE", action="append", default=[],
                        help="a checkpoint that you kept, for example from Slack; may be given several times; not with a pack")
    wish = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        if not os.path.isdir(wish.folder):
            raise Misuse(f"{wish.folder} is not a folder")
        is_pack = os.path.exists(os.path.join(wish.folder, "pack.json"))
        if is_pack and wish.checkpoint:
            raise Misuse("a checkpoint that you kept can be held against the whole log; this is a pack")
        with tempfile.TemporaryDirectory() as folder:
            keys = Keys(folder, wish.key)
            for line in verify_pack(wish.folder, keys, teller()) if is_pack else verify_log(wish.folder, keys, wish.checkpoint, teller()):
                print(line)
    except Fault as fault:
        print(fault)
        return 1
    except (Misuse, OSError) as why:
        print(why, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
