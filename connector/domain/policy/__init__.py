"""What a plan may do and when: guards, rules on entitlements and leavers, what waits."""
