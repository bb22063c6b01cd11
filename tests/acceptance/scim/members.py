"""The members of a group, read and changed."""

from __future__ import annotations


def members(resource):
    return {item["value"] for item in resource.get("members", ())}


def add(*users, op="add"):
    return {"op": op, "path": "members", "value": [{"value": user["id"]} for user in users]}


def remove(user):
    return {"op": "remove", "path": f'members[value eq "{user["id"]}"]'}
