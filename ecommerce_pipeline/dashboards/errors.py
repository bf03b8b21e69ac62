"""The one error of this room."""


class DashboardsError(RuntimeError):
    """Dashboards cannot do what was asked; the message names the thing, the place and the next step."""
