"""Nothing is public, and what somebody may is read once a call.

Who has not signed in sees nothing, whatever a role called Public may one day be given. Superset asks its records at
every call what is public; here the answer is known. What the roles of a person may, it asks permission by permission,
nine times for the data of one chart; here all of it is read at the first question and forgotten with the call, so
that what is taken from a role is gone at the next one.
"""

from flask import g, has_request_context
from flask_appbuilder.security.sqla.models import assoc_permissionview_role
from superset.security import SupersetSecurityManager

Permissions = frozenset[tuple[str, str]]


class SignedInOnly(SupersetSecurityManager):
    """Superset's own rules, without the public."""

    def is_item_public(self, permission_name: str, view_name: str) -> bool:  # noqa: ARG002 (Superset's signature)
        """Never."""
        return False

    def exist_permission_on_roles(self, view_name: str, permission_name: str, role_ids: list[int]) -> bool:
        """Whether one of the roles holds the permission on the view."""
        if not has_request_context():
            return bool(super().exist_permission_on_roles(view_name, permission_name, role_ids))
        known: dict[frozenset[int], Permissions] = g.setdefault("permissions_of_roles", {})
        roles = frozenset(role_ids)
        if roles not in known:
            known[roles] = self._permissions(roles)
        return (permission_name, view_name) in known[roles]

    def _permissions(self, roles: frozenset[int]) -> Permissions:
        held = assoc_permissionview_role.c
        pairs = (
            self.session.query(self.permission_model.name, self.viewmenu_model.name)
            .select_from(self.permissionview_model)
            .join(assoc_permissionview_role, held.permission_view_id == self.permissionview_model.id)
            .join(self.permission_model, self.permission_model.id == self.permissionview_model.permission_id)
            .join(self.viewmenu_model, self.viewmenu_model.id == self.permissionview_model.view_menu_id)
            .filter(held.role_id.in_(roles))
        )
        return frozenset(tuple(pair) for pair in pairs)
