"""Checks an evidence pack by nothing but Python 3.9 or newer: python3 verify.py [PACK.zip].

Without an argument it checks the folder it lies in. It ends with code 0 if all that it can check
holds, with 1 otherwise, and says what it cannot prove. The proof of one entry against the seal of
its day is checked by python3 verify.py PROOF.json PUBLIC_KEY, with the key as you had noted it.
"""

import base64
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Optional

NOT_HASHED = ("hash", "action_key", "user_key", "day_key")
FIRST = "0" * 64

Values = dict[str, Any]
Point = tuple[int, int, int, int]


def canonical(value: Any) -> bytes:
    """RFC 8785 as far as entries go: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# Ed25519, RFC 8032: signatures are checked here with whole numbers alone.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def decoded(data: bytes) -> Optional[Point]:
    """A point from its 32 bytes, or ``None`` where there is none."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x % 2 != sign:
        x = P - x
    return x, y, 1, x * y % P


def added(a: Point, b: Point) -> Point:
    one, two = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    three, four = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = two - one, four - three, four + three, two + one
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    result = NEUTRAL
    while number:
        if number & 1:
            result = added(result, point)
        point, number = added(point, point), number >> 1
    return result


def is_same(a: Point, b: Point) -> bool:
    return not ((a[0] * b[2] - b[0] * a[2]) % P or (a[1] * b[2] - b[1] * a[2]) % P)


BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)
NEUTRAL = (0, 1, 1, 0)


def is_signed(message: bytes, signature: bytes, public: bytes) -> bool:
    """Whether a signature of 64 bytes was made of a message by the key of these 32 bytes."""
    if len(signature) != 64 or len(public) != 32:  # noqa: PLR2004 - as RFC 8032 has them
        return False
    key, point = decoded(public), decoded(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or point is None or scalar >= L:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % L
    return is_same(times(scalar, BASE), added(point, times(challenge, key)))


def is_told_signed(told: Values) -> bool:
    """Whether what a seal or a manifest says is signed by the key that it names."""
    rest = {name: value for name, value in told.items() if name != "signature"}
    try:
        signature, key = (base64.b64decode(told[name]) for name in ("signature", "public_key"))
    except (KeyError, TypeError, ValueError):
        return False
    return is_signed(canonical(rest), signature, key)


# Merkle trees, RFC 9162.


def leaf_hash(entry: Values) -> bytes:
    leaf = [entry["timestamp"], entry["entity_id"], entry["hash"]]
    return sha256(b"\x00" + canonical(leaf))


def entry_hash(entry: Values) -> str:
    told = {name: value for name, value in entry.items() if name not in NOT_HASHED}
    return sha256(canonical(told)).hex()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def root_of(hashes: Iterable[bytes]) -> bytes:
    parts: list[tuple[int, bytes]] = []
    for each in hashes:
        size = 1
        while parts and parts[-1][0] == size:
            each, size = node_hash(parts.pop()[1], each), size * 2  # noqa: PLW2901 - joined
        parts.append((size, each))
    if not parts:
        return sha256(b"")
    root = parts.pop()[1]
    while parts:
        root = node_hash(parts.pop()[1], root)
    return root


def is_included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    place, last, reached = index, size - 1, leaf
    for other in path:
        if last == 0:
            return False
        if place % 2 or place == last:
            reached = node_hash(other, reached)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            reached = node_hash(reached, other)
        place, last = place // 2, last // 2
    return 0 <= index < size and last == 0 and reached == root


def is_proved(entry: Values, proof: Values, seal: Values) -> bool:
    """Whether the way that a proof tells leads from an entry to the root of its day's seal."""
    path, root = [bytes.fromhex(each) for each in proof["path"]], bytes.fromhex(seal["root"])
    return is_included(leaf_hash(entry), proof["index"], seal["entries"], path, root)


# The pack.


def whole_zip(path: Path) -> zipfile.ZipFile:
    """A ZIP as it was made, which ends with the SHA-256 of all before its last 64 bytes."""
    digest, left = hashlib.sha256(), path.stat().st_size - 64
    with path.open("rb") as file:
        while part := file.read(min(left, 1 << 20)):
            digest.update(part)
            left -= len(part)
        if file.read() != digest.hexdigest().encode():
            raise ValueError("its bytes are not those that it was made of")
    return zipfile.ZipFile(path)


class Pack:
    """A pack as a folder or a ZIP, what is wrong with it, and what was found to hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.zip = whole_zip(path) if path.is_file() else None
        self.faults: list[str] = []
        self.held: list[str] = []

    def open(self, name: str) -> IO[bytes]:
        return self.zip.open(name) if self.zip else (self.path / name).open("rb")

    def lines(self, name: str) -> Iterator[Values]:
        with self.open(name) as file:
            for line in file:
                yield json.loads(line)

    def check(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.faults.append(sentence)


def check_files(pack: Pack) -> Values:
    """The manifest, and every file that it names: nothing altered, missing or added."""
    with pack.open("manifest.json") as file:
        raw = file.read()
    manifest: Values = json.loads(raw)
    told = {name: value for name, value in manifest.items() if name not in ("digest", "signature")}
    is_whole = raw == canonical(manifest) and manifest["digest"] == sha256(canonical(told)).hex()
    pack.check(is_whole, "manifest.json is not as it was made.")
    extra = set(pack.zip.namelist()) - {*manifest["files"], "manifest.json"} if pack.zip else ()
    pack.check(not extra, f"The manifest does not name {', '.join(sorted(extra))}.")
    for name, about in manifest["files"].items():
        digest, size = hashlib.sha256(), 0
        with pack.open(name) as file:
            while part := file.read(1 << 20):
                digest.update(part)
                size += len(part)
        is_same_file = digest.hexdigest() == about["sha256"] and size == about["bytes"]
        pack.check(is_same_file, f"{name} is not the file that the manifest tells of.")
    pack.held.append(f"{len(manifest['files'])} files are as the manifest says.")
    if "signature" in manifest:
        pack.check(is_told_signed(manifest), "The manifest is not signed by the key it names.")
        pack.held.append(f"The manifest is signed by the key {manifest['public_key']}.")
    return manifest


def check_entries(pack: Pack, manifest: Values) -> tuple[int, set[str]]:
    """Every hash, and the links between entries that stand next to each other in a chain."""
    chains: dict[str, dict[int, tuple[str, str]]] = {}
    days: set[str] = set()
    count = gaps = 0
    for entry in pack.lines("entries.jsonl"):
        count += 1
        name, seq = entry["entity_id"], entry["seq"]
        place = f"Entry {seq} of {name}"
        pack.check(entry_hash(entry) == entry["hash"], f"{place} was altered.")
        chain = chains.setdefault(name, {})
        pack.check(seq not in chain, f"{place} is there twice.")
        chain[seq] = (entry["prev_hash"], entry["hash"])
        days.add(entry["timestamp"][:10])
    for name, chain in chains.items():
        for seq, (prev_hash, _) in chain.items():
            before = FIRST if seq == 1 else chain.get(seq - 1, ("", prev_hash))[1]
            pack.check(before == prev_hash, f"Entry {seq} of {name} does not follow {seq - 1}.")
        gaps += sum(seq > 1 and seq - 1 not in chain for seq in chain)
    rows = manifest["files"]["entries.jsonl"]["rows"]
    pack.check(count == rows, f"There are {count} entries, the manifest tells of {rows}.")
    pack.held.append(f"{count} entries of {len(chains)} chains are unaltered, each after its own.")
    return gaps, days


def check_seals(pack: Pack, days: set[str]) -> tuple[dict[str, Values], set[str]]:
    """Signatures of the days' seals, and that entries were there when their day was sealed."""
    seals: dict[str, Values] = {}
    keys: set[str] = set()
    for seal in pack.lines("seals.jsonl"):
        pack.check(is_told_signed(seal), f"The seal of {seal.get('day')} is not signed by its key.")
        seals[seal["day"]] = seal
        keys.add(seal["public_key"])
    if seals:
        pack.held.append(f"{len(seals)} days are sealed, by {', '.join(sorted(keys))}.")
    return seals, days - set(seals)


def check_whole_days(pack: Pack, seals: dict[str, Values]) -> int:
    """The root of each sealed day, from all its entries."""
    leaves: dict[str, list[tuple[tuple[str, str, str], bytes]]] = {}
    for entry in pack.lines("entries.jsonl"):
        day = entry["timestamp"][:10]
        if day in seals:
            leaf = (entry["timestamp"], entry["entity_id"], entry["hash"])
            leaves.setdefault(day, []).append((leaf, leaf_hash(entry)))
    for day, seal in seals.items():
        ordered = [each for _, each in sorted(leaves.get(day, ()))]
        is_same_day = len(ordered) == seal["entries"] and root_of(ordered).hex() == seal["root"]
        pack.check(is_same_day, f"The entries of {day} are not those that were sealed.")
    if seals:
        pack.held.append("Every sealed day is here with all its entries.")
    return 0


def check_proofs(pack: Pack, seals: dict[str, Values]) -> int:
    """The way from each entry to the root of its day; how many entries have none."""
    proofs = {(each["entity_id"], each["timestamp"]): each for each in pack.lines("proofs.jsonl")}
    proved = without = 0
    for entry in pack.lines("entries.jsonl"):
        proof = proofs.get((entry["entity_id"], entry["timestamp"]))
        seal = seals.get(entry["timestamp"][:10])
        if proof is None or seal is None:
            without += seal is not None
            continue
        place = f"Entry {entry['seq']} of {entry['entity_id']}"
        pack.check(is_proved(entry, proof, seal), f"{place} is not in its seal.")
        proved += 1
    if proved:
        pack.held.append(f"{proved} entries were there when their day was sealed.")
    return without


def limits(manifest: Values, gaps: int, unsealed: set[str], without: int) -> Iterator[str]:
    """What remains unproved."""
    if "signature" in manifest:
        yield "That a key is the bank's: compare it with one that you had before this pack."
    else:
        yield "Who made this pack: it is not signed. The trail keeps its hash (audit.exported)."
    if gaps:
        yield f"What stands between: {gaps} entries follow one that is not in this pack."
    yield "What came after the last entry of each chain: this pack has no heads of chains."
    if unsealed:
        first, *others = sorted(unsealed)
        listed = f"{first} and {len(others)} more" if others else first
        yield f"That entries of {len(unsealed)} days were not written later: no seal of {listed}."
    if without:
        yield f"That {without} entries of sealed days were there then: they have no proof."
    if not manifest["whole_days"]:
        yield "That nothing else happened: the pack has what its filter asked for."


def proof_faults(proof: Values, public_key: str) -> list[str]:
    """What is wrong with the proof of one entry, in sentences; none where it holds.

    ``public_key`` is the seals' own as its reader has noted it, never as the proof says.
    """
    entry, seal = proof["entry"], proof["seal"]
    is_by_key = seal["public_key"] == public_key and is_told_signed(seal)
    is_of_day = entry["timestamp"].startswith(seal["day"])
    is_led = is_proved(entry, proof, seal)
    faults = {
        "The entry is not what its hash was made of.": entry["hash"] == entry_hash(entry),
        "The seal is not signed by this key.": is_by_key,
        "The entry is not of the day of the seal.": is_of_day,
        "The path does not lead from the entry to the root of the seal.": is_led,
    }
    return [sentence for sentence, holds in faults.items() if not holds]


def check_one(path: Path, public_key: str) -> int:
    try:
        proof = json.loads(path.read_bytes())
        faults = proof_faults(proof, public_key)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        faults = [f"the proof cannot be read: {type(error).__name__}: {error}"]
    if faults:
        print("\n".join(f"FAILED: {sentence}" for sentence in faults))
        return 1
    entry = proof["entry"]
    place = f"entry {entry['seq']} of {entry['entity_id']}, {entry['action']}"
    print(f"OK: {place}, was there when {proof['seal']['day']} was sealed.")
    return 0


def main() -> int:
    if len(sys.argv) > 2:  # noqa: PLR2004 - a proof and a key
        return check_one(Path(sys.argv[1]), sys.argv[2])
    path = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).resolve().parent
    try:
        pack = Pack(path)
        manifest = check_files(pack)
        gaps, days = check_entries(pack, manifest)
        seals, unsealed = check_seals(pack, days)
        check = check_whole_days if manifest["whole_days"] else check_proofs
        without = check(pack, seals)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        print(f"FAILED: the pack cannot be read: {type(error).__name__}: {error}")
        return 1
    if pack.faults:
        print("\n".join(f"FAILED: {sentence}" for sentence in pack.faults[:50]))
        return 1
    print(f"{manifest['title']}, made for {manifest['made_for']}. {manifest['completeness']}")
    print("\n".join(f"OK: {sentence}" for sentence in pack.held))
    print("NOT PROVED by this pack:")
    print("\n".join(f"- {text}" for text in limits(manifest, gaps, unsealed, without)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
