"""Requests and answers of the door, and how an error becomes one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from pyiceberg import exceptions
from sqlalchemy.exc import IntegrityError

from ecommerce_pipeline.lakehouse.rest_door.shelf import ReadOnlyShelf

PREFIX = "lake"

_ERRORS: tuple[tuple[type[Exception], int, str], ...] = (
    (exceptions.NoSuchTableError, 404, "NoSuchTableException"),
    (exceptions.NoSuchNamespaceError, 404, "NoSuchNamespaceException"),
    (exceptions.NamespaceAlreadyExistsError, 409, "AlreadyExistsException"),
    (exceptions.TableAlreadyExistsError, 409, "AlreadyExistsException"),
    (exceptions.NamespaceNotEmptyError, 409, "NamespaceNotEmptyException"),
    (exceptions.CommitFailedException, 409, "CommitFailedException"),
    (IntegrityError, 409, "AlreadyExistsException"),  # two made the same schema at once
    (ReadOnlyShelf, 403, "ForbiddenException"),
    (ValidationError, 400, "BadRequestException"),
    (json.JSONDecodeError, 400, "BadRequestException"),
)


class Request(NamedTuple):
    """One call: what stood in the path, in the query string and in the body."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body, which the protocol makes an object."""
        content: dict[str, Any] = json.loads(self.body)
        return content


class Answer(NamedTuple):
    """Status and content: JSON bytes as they are, anything else to be encoded."""

    status: int
    content: Any = None

    def encoded(self) -> bytes:
        """The body's bytes."""
        if self.content is None:
            return b""
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


NO_CONTENT = Answer(204)


def answer_error(error: Exception) -> Answer:
    """The protocol's error object; what nobody foresaw is 500 and names its class."""
    for kind, status, label in _ERRORS:
        if isinstance(error, kind):
            return _error(status, label, str(error))
    return _error(500, "InternalServerError", f"{type(error).__name__}: {error}")


def no_route(method: str, path: str) -> Answer:
    """What DuckDB gets for a part of the protocol the door does not speak."""
    return _error(404, "NotFoundException", f"the lake's door does not know {method} {path}")


def _error(status: int, label: str, message: str) -> Answer:
    return Answer(status, {"error": {"message": message, "type": label, "code": status}})


_STRANGE = "this lake wants the token that `shopsphere catalog` tells at its start"
STRANGER = _error(401, "NotAuthorizedException", _STRANGE)
