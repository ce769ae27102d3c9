"""An HTTP client with a deadline and a size limit for whole answers, whose requests can be aborted.

The timeouts of HTTP clients apply to a single read, so that a server that sends a byte now and then could
hold a request for ever. The timeouts of asyncio apply to the whole request. So requests run on an event
loop in a thread of its own, and the threads that ask wait for it.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from threading import Thread
from typing import Any, Self

LARGEST = 8 * 2**20  # most bytes of a decompressed answer; a chat completion has a few thousand


class TooLarge(Exception):
    """An answer that is larger than ``LARGEST``."""


class Aborted(Exception):
    """A request that was aborted before its answer arrived."""


@dataclass(frozen=True)
class Reply:
    """A whole answer.

    Attributes:
        status: HTTP status.
        headers: HTTP headers.
        body: decompressed body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text, with invalid UTF-8 replaced."""
        return self.body.decode(errors="replace")


class HttpClient:
    """An HTTP client for several threads; a context manager that aborts unfinished requests at its end.

    Args:
        headers: headers of every request.
        connections: concurrent requests.

    Raises:
        ValueError, ImportError: the environment names a proxy that can't be used.
    """

    def __init__(self, headers: Mapping[str, str], connections: int):
        from httpx2 import AsyncClient, Limits

        # Without httpx's own timeout: `_post` sets a deadline for the whole answer. Its default of 100 connections
        # would hold back a larger --concurrency.
        self._client = AsyncClient(
            headers={"Accept-Encoding": "identity", **headers}, timeout=None, limits=Limits(max_connections=connections)
        )
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def post(self, url: str, body: Mapping[str, Any], seconds: float) -> Reply:
        """Send ``body`` as JSON and return the whole answer.

        Raises:
            TimeoutError: the answer isn't whole after ``seconds``.
            TooLarge: the answer is larger than ``LARGEST``.
            Aborted: the client was closed meanwhile.
            httpx2.RequestError: the connection fails, or the answer can't be decompressed.
        """
        request = asyncio.run_coroutine_threadsafe(self._post(url, body, seconds), self._loop)
        try:
            return request.result()
        except CancelledError:
            raise Aborted from None

    async def _post(self, url: str, body: Mapping[str, Any], seconds: float) -> Reply:
        from httpx2 import DecodingError

        content = bytearray()
        async with asyncio.timeout(seconds), self._client.stream("POST", url, json=body) as response:
            decompress = _decompressor(response.headers.get("Content-Encoding", ""))
            async for piece in response.aiter_raw():
                try:
                    content += decompress(piece, LARGEST + 1 - len(content))
                except zlib.error as error:
                    raise DecodingError(str(error)) from error
                if len(content) > LARGEST:
                    raise TooLarge
        return Reply(response.status_code, response.headers, bytes(content))

    def abort(self) -> None:
        """Abort all requests under way."""
        asyncio.run_coroutine_threadsafe(self._cancel(), self._loop).result()

    async def _cancel(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _decompressor(encoding: str) -> Callable[[bytes, int], bytes]:
    """Return a function from a piece of an answer and a limit to at most that many bytes of the body.

    HTTP clients decompress a piece whole, repeatedly if the server says so, and some kilobytes can become
    gigabytes. The client asks for uncompressed answers. Gzip, which some servers send nevertheless, is
    decompressed up to the limit; other encodings are left as they are.
    """
    if encoding.strip().lower() in ("gzip", "x-gzip"):
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress  # 16: with a gzip header instead of zlib's
    return lambda piece, most: piece[:most]
