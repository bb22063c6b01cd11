"""python-scim's conformance checks for a service whose user names are e-mail addresses."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

_GOOD = (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE, Status.SKIPPED)


class FreshAddresses(Sequence):
    """An endless choice of addresses in one domain; the checks pick "one of the examples"."""

    def __init__(self, domain):
        self.domain = domain

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return f"{uuid4()}@{self.domain}"


@contextmanager
def drawn_alike() -> Iterator[None]:
    """Let the checks in the block fill in the same booleans, numbers and choices in every run."""
    before = random.getstate()
    random.seed(1)
    try:
        yield
    finally:
        random.setstate(before)


def run_checks(app, base_url, headers, domain="acme.test", **options):
    """Return all results, and title and reason of those that are not good."""
    client = WSGISCIMClient(app, base_url=base_url, headers=headers)
    client.discover()
    # Left alone, the checks send a bare UUID as userName and an address of a random domain in
    # emails. They prefer the examples of a discovered model, which are a schema's canonicalValues.
    user = client.get_resource_model("User")
    user.model_fields["user_name"].examples = FreshAddresses(domain)
    with drawn_alike():
        results = check_server(client, **options)
    return results, [(r.title, r.reason) for r in results if r.status not in _GOOD]
