"""Reads and checks the configuration file: all problems at once, each with its path."""

from connector.config.loader import load_settings, settings_from
from connector.config.masking import masked

__all__ = ["load_settings", "masked", "settings_from"]
