"""The errors whose messages name the thing, the place and the next step, and are shown without a traceback."""

from __future__ import annotations

import sys


def known_errors() -> tuple[type[Exception], ...]:
    """Classes of such errors, of those rooms that this process has loaded: what was not imported cannot have been
    raised.
    """
    return tuple(
        getattr(module, name)
        for module_name, name in (
            ("ecommerce_pipeline.operations.configuration", "ConfigurationError"),
            ("ecommerce_pipeline.operations.services", "ServiceError"),
            ("ecommerce_pipeline.lakehouse.errors", "LakehouseError"),
            ("ecommerce_pipeline.transformation.dbt", "DbtError"),
            ("shopsphere.state", "CompanyError"),
        )
        if (module := sys.modules.get(module_name)) is not None and hasattr(module, name)
    )
