"""Puts all of it into moto."""

import logging

from . import (
    change_sets,
    groups_api,
    resources_balancing,
    resources_calls,
    resources_network,
    resources_scaling,
    resources_state,
    stacks,
)

# Importing them adds their handlers.
RESOURCES = (
    resources_balancing,
    resources_calls,
    resources_network,
    resources_scaling,
    resources_state,
)


def install() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    stacks.install()
    change_sets.install()
    groups_api.install()
