"""HTTP requests that end: each whole answer has a deadline and a limit of its size, and those under way can be broken off.

The time limits of HTTP clients are of a single read, so that a server that sends a byte now and then holds them for ever. asyncio's are of
the whole; so requests are made on an event loop, in a thread of its own, for which the threads that ask wait.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from threading import Thread
from typing import Any, Self

LARGEST = 8 * 2**20  # bytes of an answer, decompressed: a chat completion has a few thousand


class TooLarge(Exception):
    """An answer goes on beyond ``LARGEST``."""


class BrokenOff(Exception):
    """The line was hung up while an answer was waited for."""


@dataclass(frozen=True)
class Reply:
    """An answer, whole: its status, its headers and its decompressed body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is replaced."""
        return self.body.decode(errors="replace")


class Line:
    """A line to HTTP servers, for several threads at once; a context manager, which hangs up in the end.

    Args:
        headers: of every request.
        connections: requests at once.

    Raises:
        ValueError, ImportError: the proxy that the environment names can't be used.
    """

    def __init__(self, headers: Mapping[str, str], connections: int):
        from httpx2 import AsyncClient, Limits

        self._client = AsyncClient(
            headers={"Accept-Encoding": "identity", **headers}, timeout=None, limits=Limits(max_connections=connections)
        )
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def post(self, url: str, body: Mapping[str, Any], seconds: float) -> Reply:
        """Send ``body`` as JSON.

        Raises:
            TimeoutError: the answer isn't whole after so many ``seconds``.
            TooLarge: it is larger than ``LARGEST``.
            BrokenOff: somebody hung up.
            httpx2.RequestError: the connection fails, or what it brings can't be decompressed.
        """
        asked = asyncio.run_coroutine_threadsafe(self._post(url, body, seconds), self._loop)
        try:
            return asked.result()
        except CancelledError:
            raise BrokenOff from None

    async def _post(self, url: str, body: Mapping[str, Any], seconds: float) -> Reply:
        from httpx2 import DecodingError

        content = bytearray()
        async with asyncio.timeout(seconds), self._client.stream("POST", url, json=body) as response:
            unpacked = _unpacking(response.headers.get("Content-Encoding", ""))
            async for piece in response.aiter_raw():
                try:
                    content += unpacked(piece, LARGEST + 1 - len(content))
                except zlib.error as error:
                    raise DecodingError(str(error)) from error
                if len(content) > LARGEST:
                    raise TooLarge
        return Reply(response.status_code, response.headers, bytes(content))

    def hang_up(self) -> None:
        """Break off what is under way."""
        asyncio.run_coroutine_threadsafe(self._cancel(), self._loop).result()

    async def _cancel(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _unpacking(encoding: str) -> Callable[[bytes, int], bytes]:
    """Return what turns pieces of an answer into at most so many bytes of its body.

    HTTP clients unpack a piece whole, several times over where the server says so: some kilobytes become gigabytes. Plain answers are
    asked for; servers that send gzip all the same are read, and others aren't unpacked.
    """
    if encoding.strip().lower() in ("gzip", "x-gzip"):
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress
    return lambda piece, most: piece[:most]
