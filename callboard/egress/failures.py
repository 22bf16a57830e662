"""Why a call failed: our class and our sentence for what the pool raised.

Never the receiver's words, and no address but one that stood in the URL.
"""

import errno
import ssl
from collections.abc import Callable, Iterator

import aiohttp
from aiohttp.http_exceptions import ContentLengthError, TransferEncodingError

from callboard.outcome import ErrorClass

Failure = tuple[ErrorClass, str]
_Rule = tuple[type[BaseException], Callable[[BaseException], Failure]]


class Refused(OSError):
    """The policy forbids this destination; the text is fit for people."""


class NameNotFound(OSError):
    """The text is fit for people."""


class Unsendable(ValueError):
    """What was asked for makes no valid request; the text is fit for people."""


class Unreadable(Exception):
    """The answer is none that we take; the text is fit for people."""


_TIMED_OUT = "There was no complete answer in time."
_BAD_HTTP = "The answer was not valid HTTP."
_BROKEN = "The connection broke off."
_NO_ANSWER = "The connection was closed without an answer."
_NO_ROUTE = "There is no way to this address."
_CUT_SHORT = "The answer broke off before its end."

_BY_NUMBER: dict[int, Failure] = {
    errno.ECONNREFUSED: (
        ErrorClass.REFUSED,
        "Nothing accepts connections at this address and port.",
    ),
    errno.ECONNRESET: (ErrorClass.RESET, _BROKEN),
    errno.ECONNABORTED: (ErrorClass.RESET, _BROKEN),
    errno.EPIPE: (ErrorClass.RESET, _BROKEN),
    errno.ETIMEDOUT: (ErrorClass.TIMEOUT, _TIMED_OUT),
    errno.EMFILE: (ErrorClass.UNREACHABLE, "This machine has no free connection."),
    errno.ENFILE: (ErrorClass.UNREACHABLE, "This machine has no free connection."),
}

# OpenSSL's X509_V_ERR_… numbers.
_BY_CERTIFICATE = {
    9: "is not valid yet",
    10: "has expired",
    18: "is self-signed",
    19: "ends at an authority that is not trusted",
    20: "ends at an authority that is not trusted",
    21: "ends at an authority that is not trusted",
    23: "was revoked",
    62: "is for another name",
    64: "is for another address",
}

_NOT_OUR_CERTIFICATE = "The receiver refuses our client certificate."
_BY_TLS_REASON = {
    "WRONG_VERSION_NUMBER": "The receiver does not speak TLS on this port.",
    "HTTP_REQUEST": "The receiver does not speak TLS on this port.",
    "UNSUPPORTED_PROTOCOL": "The receiver speaks only an outdated TLS version.",
    "TLSV1_ALERT_PROTOCOL_VERSION": "The receiver and we share no TLS version.",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "The receiver asks for a client certificate.",
    "TLSV1_ALERT_UNKNOWN_CA": _NOT_OUR_CERTIFICATE,
    "SSLV3_ALERT_BAD_CERTIFICATE": _NOT_OUR_CERTIFICATE,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _NOT_OUR_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": _NOT_OUR_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _NOT_OUR_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _NOT_OUR_CERTIFICATE,
    "TLSV1_ALERT_ACCESS_DENIED": _NOT_OUR_CERTIFICATE,
}


def explain(error: BaseException) -> Failure | None:
    """None for an error that neither the network nor the receiver can cause."""
    for link in _chain(error):
        if failure := _explain_one(link):
            return failure
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """What lies deepest comes first: the operating system says it most exactly."""
    inner = error.__cause__
    if isinstance(error, aiohttp.ClientConnectorError):
        inner = error.os_error
    if inner is not None and inner is not error:
        yield from _chain(inner)
    yield error


def _explain_one(error: BaseException) -> Failure | None:
    for kinds, failure in _BY_TYPE:
        if isinstance(error, kinds):
            return failure(error)
    return None


def _explain_number(error: BaseException) -> Failure:
    number = getattr(error, "errno", None)
    if number is None and isinstance(error, ConnectionError):
        return ErrorClass.RESET, _BROKEN  # asyncio's own, without a number
    return _BY_NUMBER.get(number or 0, (ErrorClass.UNREACHABLE, _NO_ROUTE))


def _explain_tls(error: BaseException) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _BY_CERTIFICATE.get(error.verify_code, "could not be verified")
        return ErrorClass.TLS, f"The receiver's certificate {why}."
    reason = getattr(error, "reason", None) or ""
    return ErrorClass.TLS, _BY_TLS_REASON.get(reason, "The TLS handshake failed.")


def _always(kind: ErrorClass, sentence: str) -> Callable[[BaseException], Failure]:
    return lambda _: (kind, sentence)


def _in_its_words(kind: ErrorClass) -> Callable[[BaseException], Failure]:
    return lambda error: (kind, str(error))


# The first match decides: many of these are OSErrors or ValueErrors too.
_BY_TYPE: tuple[_Rule, ...] = (
    (Refused, _in_its_words(ErrorClass.BLOCKED)),
    (NameNotFound, _in_its_words(ErrorClass.NAME)),
    (Unsendable, _in_its_words(ErrorClass.REQUEST)),
    (Unreadable, _in_its_words(ErrorClass.PROTOCOL)),
    (ssl.SSLError, _explain_tls),
    (TimeoutError, _always(ErrorClass.TIMEOUT, _TIMED_OUT)),
    (aiohttp.ServerDisconnectedError, _always(ErrorClass.RESET, _NO_ANSWER)),
    (ContentLengthError, _always(ErrorClass.RESET, _CUT_SHORT)),
    (TransferEncodingError, _always(ErrorClass.RESET, _CUT_SHORT)),
    (aiohttp.ClientPayloadError, _always(ErrorClass.PROTOCOL, _BAD_HTTP)),
    (aiohttp.ClientResponseError, _always(ErrorClass.PROTOCOL, _BAD_HTTP)),
    (aiohttp.http.HttpProcessingError, _always(ErrorClass.PROTOCOL, _BAD_HTTP)),
    (OSError, _explain_number),
    (aiohttp.ClientConnectionError, _always(ErrorClass.RESET, _BROKEN)),
    (ValueError, _always(ErrorClass.REQUEST, "The settings make no valid request.")),
)
