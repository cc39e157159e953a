"""What the synchronous and the asynchronous client share: how a call is sent, and what becomes of its answer."""

from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, cast

import httpx

from .client import AuthenticatedClient, Client
from .errors import UnexpectedStatus
from .models import Problem, ProblemCode

T = TypeVar("T")


class RowlockError(Exception):
    """A refusal: branch on its `code`.

    Attributes:
        code: What went wrong, as a word that never changes.
        status: The HTTP status.
        problem: Everything the server said about it.
        retry_after_s: How long to wait before asking again, in seconds, where the server says so.
    """

    def __init__(self, problem: Problem, headers: httpx.Headers) -> None:
        super().__init__(f"{problem.code}: {problem.detail}")
        self.code: ProblemCode = problem.code
        self.status = problem.status
        self.problem = problem
        seconds = headers.get("Retry-After", "")
        self.retry_after_s = int(seconds) if seconds.isdecimal() else None


class Parse(Protocol):
    """Reads an answer as the documented type of its status; `_parse_response` of each operation."""

    def __call__(self, *, client: AuthenticatedClient | Client, response: httpx.Response) -> object: ...


class Verbatim:
    """A body that was signed, in the place of a model: it is sent as the bytes it is."""

    def __init__(self, body: bytes) -> None:
        if not isinstance(body, bytes):
            raise TypeError(f"the body must be the bytes that were signed, such as notice_bytes(notice), not {type(body).__name__}")
        self.body = body

    def to_dict(self) -> Self:
        """Stands for itself until the request is made."""
        return self


class Calls:
    """The settings of a client, the requests that it makes, and how it reads the answers."""

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 10.0,
        httpx_args: dict[str, Any] | None = None,
    ) -> None:
        headers = _bearer(token) if token is not None else {}
        if api_key is not None:
            headers["X-Api-Key"] = api_key
        client = Client(
            base_url,
            headers=headers,
            timeout=httpx.Timeout(timeout_s),
            httpx_args=httpx_args or {},
            raise_on_unexpected_status=True,
        )
        # The functions ask for the other class where an operation needs credentials; these are among the headers.
        self.client = cast(AuthenticatedClient, client)

    def _request(self, call: dict[str, Any], token: str | None) -> dict[str, Any]:
        """The arguments of httpx for a call, with the token of this call before the client's."""
        request = dict(call)
        if token is not None:
            request["headers"] = {**call.get("headers", {}), **_bearer(token)}
        if isinstance(request.get("json"), Verbatim):
            request["content"] = request.pop("json").body
        return request

    def _result(self, response: httpx.Response, parse: Parse, success: type[T]) -> T:
        """The body of a success; everything else is raised."""
        try:
            parsed = parse(client=self.client, response=response)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # The page of a proxy, with a status that Rowlock has too.
            raise UnexpectedStatus(response.status_code, response.content) from error
        if isinstance(parsed, Problem):
            raise RowlockError(parsed, response.headers)
        if not isinstance(parsed, success):
            raise UnexpectedStatus(response.status_code, response.content)
        return parsed


class SyncCalls(Calls):
    """Calls that block until their answer is there."""

    def _call(self, call: dict[str, Any], parse: Parse, success: type[T], token: str | None = None) -> T:
        response = self.client.get_httpx_client().request(**self._request(call, token))
        return self._result(response, parse, success)

    def close(self) -> None:
        """Closes its connections."""
        self.client.get_httpx_client().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncCalls(Calls):
    """Calls to await."""

    async def _call(self, call: dict[str, Any], parse: Parse, success: type[T], token: str | None = None) -> T:
        response = await self.client.get_async_httpx_client().request(**self._request(call, token))
        return self._result(response, parse, success)

    async def aclose(self) -> None:
        """Closes its connections."""
        await self.client.get_async_httpx_client().aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
