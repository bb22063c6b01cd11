"""Calls that the tests of the client make, and what DocuSign says to them."""

from connector.docusign.client import Call

BASE = "https://demo.docusign.net/restapi"
OAUTH = "https://account-d.docusign.com/oauth/token"
URL = f"{BASE}/things/1"
READ = Call("reading a thing", "GET", "/things/{id}", {"id": "1"})
HOURLY = {"errorCode": "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", "message": "m"}
BURST = {"errorCode": "burst_apiinvocation_limit_exceeded", "message": "m"}


def write(method="POST"):
    return Call("changing a thing", method, "/things/{id}", {"id": "1"}, body={"a": "b"})
