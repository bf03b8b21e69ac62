"""Objects out of the API: the authority on reading all of them, or all that changed, exactly once.

Lists are paged by HubSpot's cursor. Searches are not: their cursor counts positions, so an object that changes
meanwhile makes another one slip past, and it ends after 10,000 results. Instead each search page starts where the
last one's times ended, and the objects of that very moment are read again with it; so there is no limit to meet and
nothing to slip past. Searches do not show archived objects (those of other servers do, and are passed over): they are
listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tap_hubspot.api import Api, HubspotObject
from tap_hubspot.declaration import Declaration
from tap_hubspot.errors import HubspotError

LIST_PAGE = "100"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reader:
    """Reads one stream's objects."""

    def __init__(self, api: Api, declared: Declaration, page_size: int) -> None:
        self._api, self._declared, self._page_size = api, declared, page_size
        self._path = f"/crm/v3/objects/{declared.object_type}"
        self._properties = sorted({*declared.properties, declared.modified_property})

    def listed(self, *, archived: bool) -> Iterator[HubspotObject]:
        """All objects, page by page."""
        query = {"limit": LIST_PAGE, "archived": str(archived).lower(), "properties": ",".join(self._properties)}
        after: str | None = None
        while True:
            page = self._api.get(self._path, query if after is None else {**query, "after": after})
            yield from page.results
            after = page.after
            if after is None:
                return

    def newest(self) -> int | None:
        """The time of the latest change among objects that are not archived, None if there are none."""
        found = self._search([], self._declared.modified_property, 1, direction="DESCENDING")
        return self.modified(found[0]) if found else None

    def changed(self, after: int, until: int) -> Iterator[HubspotObject]:
        """The objects changed after one time and up to another, both in ms since 1970, in order of time."""
        name = self._declared.modified_property
        while True:
            window = [_filter(name, "GT", after), _filter(name, "LTE", until)]
            found = self._search(window, name, self._page_size)
            last = self.modified(found[-1]) if found else after
            if len(found) < self._page_size:
                yield from self._living(found)
                return
            if self.modified(found[0]) < last:
                yield from self._living([one for one in found if self.modified(one) < last])
                after = last - 1
            else:
                yield from self._living(self._of_moment(last))
                after = last

    def modified(self, found: HubspotObject) -> int:
        """When the object was changed, in ms since 1970."""
        return milliseconds(found.properties.get(self._declared.modified_property) or found.updated_at)

    def moved(self, found: HubspotObject) -> int:
        """When the object was changed or archived, in ms since 1970: HubSpot leaves the time of the change alone when
        it archives.
        """
        ended = milliseconds(found.archived_at) if found.archived and found.archived_at else 0
        return max(self.modified(found), ended)

    def _of_moment(self, moment: int) -> Iterator[HubspotObject]:
        """More objects than fit a page were changed in the same millisecond: page through them by id."""
        at = _filter(self._declared.modified_property, "EQ", moment)
        found = self._search([at], "hs_object_id", self._page_size)
        while found:
            yield from found
            later = [at, _filter("hs_object_id", "GT", found[-1].id)]
            found = self._search(later, "hs_object_id", self._page_size)

    def _living(self, found: Iterator[HubspotObject] | list[HubspotObject]) -> Iterator[HubspotObject]:
        return (one for one in found if not one.archived)

    def _search(
        self, filters: list[dict[str, str]], by: str, limit: int, direction: str = "ASCENDING"
    ) -> list[HubspotObject]:
        body: dict[str, Any] = {
            "filterGroups": [{"filters": filters}] if filters else [],
            "sorts": [{"propertyName": by, "direction": direction}],
            "properties": self._properties,
            "limit": limit,
        }
        return self._api.post(f"{self._path}/search", body).results


def milliseconds(text: str) -> int:
    """RFC 3339 (UTC unless it says otherwise) or HubSpot's digits, as ms since 1970; raises HubspotError."""
    if text.isdigit():
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise HubspotError(
            f"HubSpot gave {text!r} as the time of a change. Next: check the stream's modified_property"
        ) from None
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)


def _filter(name: str, operator: str, value: int | str) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}
