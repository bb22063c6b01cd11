"""Reads and checks the configuration file: all problems at once, each with its path."""

from connector.config.loader import load_settings, settings_from
from connector.config.masking import masked, masked_section

__all__ = ["load_settings", "masked", "masked_section", "settings_from"]
