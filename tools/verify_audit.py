#!/usr/bin/env python3
"""Verifies an export, or a pack, of DbAccess's evidence log with a public key that you hold.

It uses Python's standard library and the program `openssl`, and nothing of DbAccess. What it checks, in which order and in which
words, is in docs/audit-format.md; the comments here name the sections of that page.

Exit codes: 0 everything fits, 1 something does not (the first such thing is printed), 2 it was not used rightly.
"""

import argparse
import base64
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
NAME = r"[!-*,-~]+"


class Fault(Exception):
    """The first thing that is wrong, in the words of the format."""


class Misuse(Exception):
    """It cannot be verified at all."""


# --- Section "Leaf": canonical JSON ---------------------------------------------------------------------------------------------------

def parse(data, where):
    """The object of a line, which has to be its own canonical form."""
    twice, odd = [], []

    def members(pairs):
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            seen = set()
            twice.extend(name for name in names if (name in seen or seen.add(name)) and PLAIN.fullmatch(name))
        if not PLAIN.fullmatch("".join(names)):
            odd.append(names)
        return dict(pairs)

    def whole(digits):
        number = int(digits) if len(digits) <= 17 else LARGEST_NUMBER + 1
        return number if abs(number) <= LARGEST_NUMBER else odd.append(digits)

    def no_json(word):
        raise ValueError(word)  # NaN and Infinity, which Python would take

    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=members, parse_int=whole, parse_float=odd.append, parse_constant=no_json)
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
    """How deep objects and lists are nested; of few brackets it is not counted."""
    level = deepest = 0
    if text.count("{") + text.count("[") > DEEPEST:
        for bracket in re.findall(r"[][{}]", re.sub(r'"(?:[^"\\]|\\.)*"', "", text)):
            level += 1 if bracket in "[{" else -1
            deepest = max(deepest, level)
    return deepest


# --- Sections "Leaf", "Sealed values", "Export" and "Pack": what a line has to hold -------------------------------------------------

LEAF = {"actor": str, "at": str, "grant": str, "n": int, "outcome": str, "plan": str, "policy": str, "rule": str, "seq": int,
        "trace": str, "type": str, "v": int, "way": str, "what": dict}
ALWAYS = {"actor", "at", "seq", "type", "v", "way", "what"}


def is_event(line, with_proof):
    needed = {"hash", "leaf", "proof"} if with_proof else {"hash", "leaf"}
    if type(line) is not dict or set(line) - {"open"} != needed or not is_hex(line["hash"], HASH):
        return False
    leaf, shown, proof = line["leaf"], line.get("open", {"": None}), line.get("proof", [])
    if type(leaf) is not dict or not ALWAYS <= set(leaf) or not all(type(leaf[name]) is LEAF.get(name) for name in leaf):
        return False
    if leaf["v"] != 1 or leaf["seq"] < 0 or leaf.get("n", 1) < 1 or ("n" in leaf and "grant" not in leaf):
        return False
    if "open" in line and not (type(shown) is dict and shown and all(map(is_opened, shown.values()))):
        return False
    return all(map(is_value, leaf["what"].values())) and type(proof) is list and all(is_hex(node, HASH) for node in proof)


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


def events(folder, path, with_proof, check_place, counts):
    """Each event of a file that is what was recorded, with its leaf hash and its proof."""
    with open(os.path.join(folder, path), "rb") as lines:
        for number, data in enumerate(iter(lambda: lines.readline(LONGEST_LINE + 1), b""), 1):
            where = f"{path} line {number}"
            if not data.endswith(b"\n"):
                raise Fault(f"{where} is longer than 1 MiB" if len(data) > LONGEST_LINE else f"{where} is cut off")
            line = parse(data[:-1], where)
            if not is_event(line, with_proof):
                raise Fault(f"{where} is not an event")
            leaf, shown = line["leaf"], line.get("open", {})
            check_place(leaf["seq"])
            computed = hashlib.sha256(b"\0" + canonical(leaf).encode()).digest()
            if computed.hex() != line["hash"]:
                raise Fault(f"event {leaf['seq']} was changed: it does not have the hash beside it")
            for name, opened in shown.items():
                salted = bytes.fromhex(opened["salt"]) + opened["value"].encode()
                if leaf["what"].get(name) != {"sha256": hashlib.sha256(salted).hexdigest()}:
                    raise Fault(f"event {leaf['seq']} was changed: what is shown as {name} is not what was recorded")
            counts["shown"] += len(shown)
            counts["withheld"] += sum(map(is_sealed, leaf["what"].values())) - len(shown)
            yield leaf, computed, [bytes.fromhex(node) for node in line.get("proof", [])]


# --- Section "Tree" -------------------------------------------------------------------------------------------------------------------

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
        root = self.peaks[-1] if self.peaks else hashlib.sha256(b"").digest()
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


# --- Section "Checkpoint" -------------------------------------------------------------------------------------------------------------

NOTE = re.compile(f"(({NAME})\n(0|[1-9][0-9]{{0,18}})\n([A-Za-z0-9+/]{{43}}=)\n"
                  r"(time [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)"
                  f"\n)\n((?:\u2014 {NAME} [A-Za-z0-9+/]+={{0,2}}\n)+)")
Checkpoint = collections.namedtuple("Checkpoint", "body origin size root time signatures")


def read_checkpoint(file, path):
    """The checkpoint; or the fault that is to be told when all leaves are done."""
    with open(file, "rb") as lines:
        data = lines.read(LONGEST_CHECKPOINT + 1)
    try:
        note = NOTE.fullmatch(data.decode("utf-8"))
        if len(data) > LONGEST_CHECKPOINT or not note or int(note[3]) >= 2**63:
            raise ValueError
        datetime.datetime.strptime(note[5], "time %Y-%m-%dT%H:%M:%S.%fZ")
        lines = [line.split(" ") for line in note[6].splitlines()]
        signatures = [(name, from_base64(text)[:4].hex(), from_base64(text)[4:]) for _, name, text in lines]
        if not all(signature for _, _, signature in signatures):
            raise ValueError
        return Checkpoint(note[1].encode(), note[2], int(note[3]), from_base64(note[4]), note[5], signatures)
    except ValueError:
        return Fault(f"{path} is not a checkpoint")


def from_base64(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError
    return data


class Keys:
    """The keys that are trusted, and how many checkpoints each of them signed."""

    def __init__(self, folder, files):
        self.folder, self.trusted, self.signed = folder, {}, {}
        for file in files:
            with open(file, encoding="ascii", errors="replace") as pem:
                blocks = re.findall("-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\\s]+)-----END PUBLIC KEY-----", pem.read())
            if not any([self.add("".join(block.split())) for block in blocks]):
                raise Misuse(f"{file} holds no public key on P-256 in PEM")

    def add(self, text):
        """Trusts the key (base64 of its DER); false when it is none on P-256."""
        try:
            der = base64.b64decode(text, validate=True)
        except ValueError:
            return False
        if len(der) != len(P256) + 64 or not der.startswith(P256):
            return False
        name = hashlib.sha256(der).digest()[:4].hex()
        if name not in self.trusted:
            self.trusted[name] = os.path.join(self.folder, name + ".pem")
            with open(self.trusted[name], "w", encoding="ascii") as pem:
                pem.write(f"-----BEGIN PUBLIC KEY-----\n{base64.encodebytes(der).decode()}-----END PUBLIC KEY-----\n")
        return True

    def lines(self, checkpoint):
        """The signatures of trusted keys; those of other names are not the log's own."""
        return [(key, signature) for name, key, signature in checkpoint.signatures if name == checkpoint.origin and key in self.trusted]

    def fits(self, checkpoint, key, signature):
        file = os.path.join(self.folder, "signature")
        with open(file, "wb") as out:
            out.write(signature)
        return subprocess.run(["openssl", "dgst", "-sha256", "-verify", self.trusted[key], "-signature", file], input=checkpoint.body,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def trust(self, brought_in, checkpoints):
        """Every key in the log before the end of a checkpoint that a trusted key signed, until there are no more."""
        before = -1
        while before != len(self.trusted):
            before = len(self.trusted)
            largest_first = sorted(checkpoints, key=lambda it: -it.size)
            end = next((it.size for it in largest_first if any(self.fits(it, *line) for line in self.lines(it))), 0)
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


# --- Section "What a verifier checks, and what it says" -------------------------------------------------------------------------------

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


def days(folder, kind, ending):
    """The files of a folder by day, in the order of their names."""
    found = []
    for place, _, names in os.walk(os.path.join(folder, kind)):
        found += [os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/") for name in names]
    return sorted(path for path in found if re.fullmatch(f"{kind}/[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}}{ending}", path))


def verify_log(folder, keys, kept_paths, tell):
    own = [read_checkpoint(os.path.join(folder, path), path) for path in days(folder, "checkpoints", r"(-[0-9a-f]{8})?\.txt")]
    kept = [read_checkpoint(path, path) for path in kept_paths]
    wanted = {it.size for it in own + kept if isinstance(it, Checkpoint)}
    tree, numbers, counts, brought_in, origin = Tree(), Numbers(), collections.Counter(), [], None
    roots = {0: tree.root()}

    def check_place(place):
        if place > tree.size:
            raise Fault(f"event {tree.size} is missing: event {place} stands in its place")
        if place < tree.size:
            raise Fault(f"event {place} stands where event {tree.size} belongs: it is there twice, or out of order")

    for path in days(folder, "log", r"\.jsonl"):
        for leaf, computed, _ in events(folder, path, False, check_place, counts):
            numbers.note(leaf)
            what = leaf["what"]
            if leaf["type"] == "audit.begun" and tree.size == 0 and type(what.get("origin")) is str:
                origin = what["origin"]
            if leaf["type"] == "audit.key" and type(what.get("key")) is str:
                brought_in.append((tree.size, what["key"]))
            tree.add(computed)
            if tree.size in wanted:
                roots[tree.size] = tree.root()
            tell(tree.size)

    for it in own + kept:
        if isinstance(it, Fault):
            raise it
    if not own:
        raise Fault("there is no checkpoint")
    own.sort(key=lambda it: it.size)
    origin = own[0].origin if origin is None else origin
    keys.trust(brought_in, own)
    before = covered = 0
    for it in own:
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

    said = ["the log is whole", f"events: {tree.size}", f"checkpoints: {len(own)}"] + ending(own[-1], "newest checkpoint", keys, counts)
    return said + ([f"checkpoints that you kept: {len(kept)}"] if kept else [])


def ending(checkpoint, name, keys, counts):
    return [f"{name}: size {checkpoint.size}, root {base64.b64encode(checkpoint.root).decode()}, {checkpoint.time}",
            "signed by: " + ", ".join(f"{key} {count}" for key, count in keys.signed.items()),
            f"sealed values: {counts['shown']} shown, {counts['withheld']} withheld"]


def read_description(folder):
    """pack.json: the origin, the size, and of each grant the number of its events and whether it is over."""
    with open(os.path.join(folder, "pack.json"), "rb") as file:
        data = file.read()
    try:
        pack = json.loads(data.decode("utf-8"))
        grants = {it["grant"]: (it["events"], it["over"]) for it in pack["grants"]}
        kinds = [type(pack["v"]), type(pack["origin"]), type(pack["size"])]
        if pack["v"] != 1 or kinds != [int, str, int] or type(pack["grants"]) is not list or len(grants) < len(pack["grants"]):
            raise ValueError
        if not all((type(it), type(count), type(over)) == (str, int, bool) and count >= 0 for it, (count, over) in grants.items()):
            raise ValueError
        return pack["origin"], pack["size"], grants
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Fault("pack.json does not describe this pack") from None


def verify_pack(folder, keys, tell):
    origin, size, grants = read_description(folder)
    if not os.path.exists(os.path.join(folder, "checkpoint.txt")):
        raise Fault("there is no checkpoint")
    checkpoint = read_checkpoint(os.path.join(folder, "checkpoint.txt"), "checkpoint.txt")
    if isinstance(checkpoint, Fault):
        raise checkpoint
    last, ended, counts, count, previous = dict.fromkeys(grants, 0), set(), collections.Counter(), 0, -1

    def check_place(place):
        if place <= previous:
            raise Fault(f"event {place} stands where event {previous + 1} belongs: it is there twice, or out of order")

    has_events = os.path.exists(os.path.join(folder, "events.jsonl"))
    for leaf, computed, proof in events(folder, "events.jsonl", True, check_place, counts) if has_events else ():
        previous, what, grant, number = leaf["seq"], leaf["what"], leaf.get("grant"), leaf.get("n")
        if not is_included(computed, previous, checkpoint.size, proof, checkpoint.root):
            raise Fault(f"event {previous} is not in the tree that the checkpoint signed")
        count += 1
        tell(count)
        if grant is not None and grant not in grants:
            raise Fault(f"event {previous} is about grant {grant}, which this pack is not about")
        carried = what.get("carried") is True
        if grant is None or (number is None and not carried):
            continue
        if not carried and last[grant] is not None and number != last[grant] + 1:
            if number > last[grant]:
                raise Fault(f"grant {grant}: its event {last[grant] + 1} is missing")
            raise Fault(f"event {previous}: grant {grant} goes from its event {last[grant]} to {number}")
        last[grant] = number  # None: the next is taken as it comes
        if number is not None and what.get("to") in ENDS:
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

    said = [f"grant {grant}: events {expected}, {'over' if over else 'not over'}" for grant, (expected, over) in grants.items()]
    return ["the pack is whole", f"events: {count}"] + said + ending(checkpoint, "checkpoint", keys, counts)


# --- The command line -----------------------------------------------------------------------------------------------------------------

def teller():
    """Says on standard error how far it is, once a second from the first on."""
    start, said = time.monotonic(), [0]

    def tell(done):
        if done % 1000 == 0 and time.monotonic() - start >= said[0] + 1:
            said[0] = int(time.monotonic() - start)
            print(f"{done} events", file=sys.stderr, flush=True)

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
    is_pack = os.path.exists(os.path.join(wish.folder, "pack.json"))
    try:
        if not os.path.isdir(wish.folder):
            raise Misuse(f"{wish.folder} is not a folder")
        if is_pack and wish.checkpoint:
            raise Misuse("a checkpoint that you kept can be held against the whole log; this is a pack")
        with tempfile.TemporaryDirectory() as folder:
            keys = Keys(folder, wish.key)
            said = verify_pack(wish.folder, keys, teller()) if is_pack else verify_log(wish.folder, keys, wish.checkpoint, teller())
        print("\n".join(said))
        return 0
    except Fault as fault:
        print(fault)
        return 1
    except (Misuse, OSError) as why:
        print(why, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
