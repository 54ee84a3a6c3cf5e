"""How often one caller may ask: a bucket for each, which the workers of a service share.

A bucket is one number, the moment at which it will be full again (the generic cell rate algorithm), so
that all of them are a small table of fixed size: a file that the workers map into memory. To ask costs
microseconds, writes nothing to a disk, and is forgotten when the service ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple

SETS, WAYS = 4_096, 4
"""Places of callers, some 16,000: in a full set, the caller whose bucket is full first is forgotten."""
_SECRET_BYTES = 16
_PLACE = struct.Struct("=Qd")
_IPV6_NETWORK_BITS = 64
"""What one subscriber of IPv6 has: each of its addresses is the same caller."""


class Buckets:
    """When the bucket of each caller is full again, in seconds of the machine's own clock."""

    def __init__(self, file: Path | None = None) -> None:
        size = _SECRET_BYTES + SETS * WAYS * _PLACE.size
        self._lock, self._file = threading.Lock(), -1
        if file is not None:
            self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            os.ftruncate(self._file, size)
        self._table = mmap.mmap(self._file, size)
        with self._alone():
            if not any(self._table[:_SECRET_BYTES]):  # nobody outside knows who shares a set with whom
                self._table[:_SECRET_BYTES] = os.urandom(_SECRET_BYTES)

    @contextmanager
    def change(self, caller: str) -> Iterator[Bucket]:
        """The bucket of a caller, which nobody else changes meanwhile; what is set on it is kept."""
        with self._alone():
            digest = hashlib.blake2b(caller.encode(), digest_size=16, key=self._table[:_SECRET_BYTES])
            number, tag = struct.unpack("=QQ", digest.digest())
            start = _SECRET_BYTES + number % SETS * WAYS * _PLACE.size
            offsets = [start + way * _PLACE.size for way in range(WAYS)]
            places = [_PLACE.unpack_from(self._table, offset) for offset in offsets]
            way = next((way for way in range(WAYS) if places[way][0] == tag), None)
            bucket = Bucket(places[way][1] if way is not None else 0.0)
            before = bucket.full_at
            yield bucket
            if bucket.full_at != before:
                if way is None:
                    way = min(range(WAYS), key=lambda each: places[each][1])
                _PLACE.pack_into(self._table, offsets[way], tag, bucket.full_at)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            if self._file < 0:
                yield
                return
            fcntl.lockf(self._file, fcntl.LOCK_EX)  # let go of by itself where a worker is killed
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)


class Bucket:
    """The bucket of one caller: when it is full again; a moment that has passed: it is full."""

    __slots__ = ("full_at",)

    def __init__(self, full_at: float) -> None:
        self.full_at = full_at


class Quota(NamedTuple):
    """What a caller may still ask for."""

    wait_seconds: float
    """How long until it may ask again; 0: now."""
    remaining: int
    full_in_seconds: float
    """How long until all of it is there again."""


class Limit:
    """``number`` of something in ``seconds`` for each caller, also all at once; 0 sets no limit.

    ``name`` is what the fields RateLimit and RateLimit-Policy call it
    (draft-ietf-httpapi-ratelimit-headers).
    """

    def __init__(
        self,
        name: str,
        number: int,
        seconds: int,
        buckets: Buckets | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.number, self.seconds, self.clock = name, number, seconds, clock
        self.buckets = buckets or Buckets()

    def ask(self, caller: str, *, count: bool = True) -> Quota:
        """Whether a caller may ask now; that it does is counted, unless it may not, or ``count`` says no."""
        if not self.number:
            return Quota(0.0, 1, 0.0)
        each = self.seconds / self.number
        now = self.clock()
        with self.buckets.change(f"{self.name} {caller}") as bucket:
            owed = max(bucket.full_at - now, 0.0)
            wait = max(owed + each - self.seconds, 0.0)
            if wait < each / 1_000_000:  # what rounding leaves
                wait = 0.0
            if count and not wait:
                owed += each
                bucket.full_at = now + owed
        remaining = 0 if wait else math.floor((self.seconds - owed) / each + 1e-6)
        return Quota(wait, remaining, owed)

    def fields(self, quota: Quota) -> dict[str, str]:
        """The fields of an answer that say so, and how long to wait where that is needed; whole seconds."""
        if not self.number:
            return {}
        until = math.ceil(quota.wait_seconds or quota.full_in_seconds)
        told = {
            "RateLimit-Policy": f'"{self.name}";q={self.number};w={self.seconds}',
            "RateLimit": f'"{self.name}";r={quota.remaining};t={until}',
        }
        return {**told, "Retry-After": str(until)} if quota.wait_seconds else told


class Accepted:
    """Credentials that were good within the hour: who shares an address with a guesser is let in."""

    SECONDS = 3_600

    def __init__(self, buckets: Buckets, clock: Callable[[], float] = time.monotonic) -> None:
        self.buckets, self.clock = buckets, clock

    def note(self, credential: str, *, is_good: bool) -> None:
        """Remember that a credential was good, or that it no longer is."""
        now = self.clock()
        with self.buckets.change(f"accepted {credential}") as bucket:
            if not is_good:
                bucket.full_at = 0.0
            elif bucket.full_at - now < self.SECONDS / 2:  # not written at every request
                bucket.full_at = now + self.SECONDS

    def knows(self, credential: str) -> bool:
        """Whether it was good within the hour."""
        with self.buckets.change(f"accepted {credential}") as bucket:
            return bucket.full_at > self.clock()


@lru_cache(maxsize=1_024)
def name_address(address: str) -> str:
    """What stands for an address in a limit: itself, or the network of a subscriber of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _IPV6_NETWORK_BITS), strict=False))
    return address
