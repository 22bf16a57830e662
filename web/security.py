"""Who is calling: programs show an API key, people have a session."""

from typing import Any, TypeAlias

from litestar.connection import ASGIConnection, Request
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import SkipValidation

from callboard.accounts import keys, sessions
from callboard.accounts.actor import Actor
from callboard.accounts.keys import Caller, Scope
from callboard.accounts.members import Role
from callboard.accounts.sessions import SignedIn
from callboard.accounts.tables import Member
from callboard.config import Settings
from callboard.errors import Forbidden
from callboard.runtime import Runtime
from web import cookies

# How a handler asks for the runtime: the framework cannot check its type.
Running: TypeAlias = NamedDependency[SkipValidation[Runtime]]
Connection = ASGIConnection[Any, Any, Any, Any]

# For pages. Scripts and styles are files of ours, so nothing inline is allowed.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SAFE = ("GET", "HEAD", "OPTIONS")
# The `opt` of a handler of pages, where others are let in than usual.
PUBLIC = {"public": True}
VIEWERS = {"role": Role.VIEWER}  # may change what is only theirs
MEMBERS = {"role": Role.MEMBER}
OWNERS = {"role": Role.OWNER}
SIGNED_OUT = "You are not signed in any more. Sign in in another tab, then go on here."


class NotSignedInError(Exception):
    """Nobody is signed in here."""


def on_every_answer(settings: Settings) -> list[tuple[str, str]]:
    """Headers that also files, errors and the server's own refusals have: the type that
    is named is the one that counts, and browsers come by TLS for a year."""
    headers = [("X-Content-Type-Options", "nosniff")]
    if cookies.is_secure(settings):
        headers.append(("Strict-Transport-Security", "max-age=31536000"))
    return headers


async def key_guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """The needed scope follows from the method; `opt={"scope": …}` says otherwise."""
    needed = handler.opt.get("scope") or _scope_of(connection)
    connection.scope["auth"] = await key_holder(connection, needed)
    connection.scope["user"] = None


async def key_holder(connection: Connection, needed: Scope) -> Caller:
    """Who shows a key with the needed scope."""
    caller = await _caller(connection)
    if needed not in caller.scopes:
        raise Forbidden(f"This key may not do that: it lacks the scope {needed}.")
    return caller


async def session_guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Viewers may look, members may change things too, unless a handler's opt says:

    `public`: anybody may come in (`user` is None for those who are not signed in);
    `role`: the least role.
    """
    who = await signed_in(connection)
    connection.scope["auth"] = who
    connection.scope["user"] = who.member if who else None
    if handler.opt.get("public"):
        return
    if who is None:
        raise NotSignedInError
    usual = Role.VIEWER if _only_looks(connection) else Role.MEMBER
    _check_role(who.member, handler.opt.get("role") or usual)


async def signed_in(connection: Connection) -> SignedIn | None:
    runtime: Runtime = connection.app.state.runtime
    token = cookies.value(connection, cookies.SESSION, runtime.settings)
    return await sessions.find(token, runtime.clock()) if token else None


def runtime(request: Request[Any, Any, Any]) -> Runtime:
    found: Runtime = request.app.state.runtime
    return found


def account(request: Request[Any, Any, Any]) -> str:
    """The id of the account that the caller acts for."""
    who: Caller | SignedIn = request.auth
    return who.account if isinstance(who, Caller) else who.account.id


def member(request: Request[Any, Any, Any]) -> Member | None:
    """None for an API key."""
    found: Member | None = request.user
    return found


def may_change(request: Request[Any, Any, Any]) -> bool:
    """Of an API key: may it do more than look?"""
    caller: Caller = request.auth
    return Scope.MANAGE in caller.scopes


def actor(request: Request[Any, Any, Any]) -> Actor:
    """The caller, as one who changes something."""
    who: Caller | SignedIn = request.auth
    name = f"key {who.name}" if isinstance(who, Caller) else who.member.email
    return Actor(account(request), name, runtime(request).clock())


def address_of(request: Request[Any, Any, Any]) -> str:
    """Where it comes from, as the server in front of us says."""
    return request.client.host if request.client else ""


async def _caller(connection: Connection) -> Caller:
    # Not connection.headers: that parses them all, thousands of times a second.
    for name, value in connection.scope["headers"]:
        if name == b"authorization":
            scheme, _, secret = value.decode("latin-1").partition(" ")
            break
    else:
        raise _refused("Send your API key as: Authorization: Bearer <key>.")
    if scheme.lower() != "bearer":
        raise _refused("Send your API key as: Authorization: Bearer <key>.")
    runtime: Runtime = connection.app.state.runtime
    caller = await keys.find(secret.strip(), runtime.clock())
    if caller is None:
        raise _refused("This API key is not known, or has been revoked.")
    return caller


def _refused(message: str) -> NotAuthorizedException:
    return NotAuthorizedException(message, headers={"WWW-Authenticate": "Bearer"})


def _scope_of(connection: Connection) -> Scope:
    return Scope.READ if _only_looks(connection) else Scope.MANAGE


def _only_looks(connection: Connection) -> bool:
    return connection.scope.get("method") in SAFE


_RANKS = {Role.VIEWER: 0, Role.MEMBER: 1, Role.OWNER: 2}


def _check_role(member: Member, least: Role) -> None:
    if _RANKS[Role(member.role)] < _RANKS[least]:
        raise Forbidden(f"This needs the role {least}; yours is {member.role}.")
