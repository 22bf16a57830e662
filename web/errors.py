"""What went wrong, told as each surface tells it."""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    PermissionDeniedException,
    ValidationException,
)
from litestar.plugins.htmx import HTMXRequest
from litestar.types import ExceptionHandlersMap

from callboard import logs
from callboard.accounts.links import SPENT
from callboard.database import UNKEEPABLE, says_away
from callboard.errors import (
    CallboardError,
    Conflict,
    Forbidden,
    Invalid,
    LimitReached,
    NotFound,
    Problem,
    Unavailable,
)
from callboard.vault import VaultError
from web import cookies
from web.misfits import in_words
from web.screens import screen, sign_in_first, wants_part
from web.security import SECURITY_HEADERS, SIGNED_OUT, NotSignedInError

AnyRequest = Request[Any, Any, Any]

log = logging.getLogger(__name__)

_STATUS: dict[type[CallboardError], int] = {
    NotFound: 404,
    Invalid: 422,
    Conflict: 409,
    VaultError: 409,
    Forbidden: 403,
    LimitReached: 429,
    Unavailable: 503,
}
_CODES = {
    400: "unreadable",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    429: "too_many",
}
_SENTENCES = {
    403: "This page is too old, or your browser keeps no cookies. Load it again,"
    " then send the form once more.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "This is larger than what is taken here.",
}
_UNEXPECTED = "Something went wrong here. It has been logged."
_NUL = "Leave NUL characters out."
_PROGRAMS = ("/api", "/healthz", "/readyz")
_RETRY_AFTER = {"Retry-After": "1"}


def status_of(error: Exception) -> int:
    if isinstance(error, NotSignedInError):
        return 401
    if isinstance(error, UNKEEPABLE):
        return 400
    if isinstance(error, LimitReached) and error.code == "too_large":
        return 413
    if isinstance(error, CallboardError):
        return _STATUS.get(type(error), 400)
    if isinstance(error, ValidationException):
        return 422
    if isinstance(error, HTTPException):
        return error.status_code
    return 503 if says_away(error) else 500


def message_of(error: Exception) -> str:
    """A sentence for people; nothing about our insides."""
    if isinstance(error, CallboardError):
        return error.message
    if isinstance(error, NotSignedInError):
        return SIGNED_OUT
    status = status_of(error)
    if status == 503:
        return Unavailable().message
    if isinstance(error, UNKEEPABLE):
        return _NUL
    if isinstance(error, ValidationException) and (found := problems_of(error)):
        return " ".join(problem.message for problem in found)
    if isinstance(error, HTTPException) and status < 500:
        return _SENTENCES.get(status, error.detail)
    return _UNEXPECTED


def problems_of(error: Exception) -> Iterable[Problem]:
    if isinstance(error, Invalid):
        return error.problems
    if isinstance(error, ValidationException):
        return [
            _parameter(each) for each in error.extra or [] if isinstance(each, dict)
        ]
    return ()


def note_unexpected(request: AnyRequest, error: Exception) -> None:
    """A fault of ours is logged, once, with its traceback; anything else is not."""
    if status_of(error) != 500 or isinstance(error, InternalServerException):
        return
    log.error(
        "request.failed",
        extra={"method": request.method, "path": logs.redacted(request.url.path)},
        exc_info=error,
    )


def json_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    note_unexpected(request, error)
    status, problems = status_of(error), list(problems_of(error))
    body = {
        "code": _code(error, status),
        "message": " ".join(map(_told, problems)) or message_of(error),
        "problems": [_shown(problem) for problem in problems],
    }
    return Response(
        msgspec.json.encode({"error": body}),
        status_code=status,
        media_type="application/json",
        headers=headers_of(error),
    )


def _told(problem: Problem) -> str:
    """For a log that keeps the message alone."""
    return f"{problem.field}: {problem.message}" if problem.field else problem.message


def _shown(problem: Problem) -> dict[str, object]:
    place = {} if problem.position is None else {"position": problem.position}
    return {
        "field": problem.field,
        "code": problem.code,
        "message": problem.message,
        **place,
    }


def headers_of(error: Exception) -> dict[str, str]:
    given = error.headers if isinstance(error, HTTPException) else None
    headers = dict(given) if isinstance(given, Mapping) else {}
    return headers | (_RETRY_AFTER if status_of(error) == 503 else {})


def html_error(request: AnyRequest, error: Exception) -> Response[Any]:
    """A page, or for htmx the part that goes into its place for problems."""
    asked = HTMXRequest(request.scope, request.receive, request.send)
    if isinstance(error, NotSignedInError) and not _is_beside_a_form(asked):
        return sign_in_first(asked)
    note_unexpected(request, error)
    status = status_of(error)
    answer = screen(
        asked,
        "error.html",
        "_problem.html",
        status=status,
        code=status,
        title=HTTPStatus(status).phrase,
        message=message_of(error),
        stale=isinstance(error, PermissionDeniedException),
        spent=isinstance(error, NotFound) and error.code == SPENT,
    )
    answer.headers |= SECURITY_HEADERS | headers_of(error)
    if isinstance(error, PermissionDeniedException):
        _let_go_of_the_token(request, answer)
    return answer


def _is_beside_a_form(request: HTMXRequest) -> bool:
    """Sent without leaving the page: what has been typed there must not be lost."""
    return request.method != "GET" and wants_part(request)


def _let_go_of_the_token(request: AnyRequest, answer: Response[Any]) -> None:
    """So that loading the page again helps, also where an older key made it."""
    settings = request.app.state.runtime.settings
    if cookies.value(request, cookies.CSRF, settings):
        answer.set_cookie(cookies.make(cookies.CSRF, "", settings))


def by_path() -> ExceptionHandlersMap:
    """For what no router took: an unknown path, a method that is not there."""

    def handle(request: AnyRequest, error: Exception) -> Response[Any]:
        for_programs = request.url.path.startswith(_PROGRAMS)
        return (json_error if for_programs else html_error)(request, error)

    return {HTTPException: handle, CallboardError: handle, Exception: handle}


HTML_ERRORS: ExceptionHandlersMap = {
    HTTPException: html_error,
    CallboardError: html_error,
    Exception: html_error,
}
JSON_ERRORS: ExceptionHandlersMap = {
    HTTPException: json_error,
    CallboardError: json_error,
    Exception: json_error,
}


def _code(error: Exception, status: int) -> str:
    if isinstance(error, CallboardError):
        return error.code
    if isinstance(error, ValidationException):
        return Invalid.code
    if status == 503:
        return Unavailable.code
    return _CODES.get(status) or HTTPStatus(status).name.lower()


def _parameter(found: dict[str, Any]) -> Problem:
    said = in_words(found.get("message", ""), None)
    return Problem(found.get("key", ""), "type", said)
