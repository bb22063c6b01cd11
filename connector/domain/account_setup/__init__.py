"""An account's profiles, groups and administrators: as they shall be, as they are, the steps."""
