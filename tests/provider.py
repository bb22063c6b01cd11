"""A small OpenID Connect provider in a process of its own, for sign-in to the console.

    python tests/provider.py READY_FILE

It listens on a free port of this machine, writes its address into READY_FILE, and ends with its
standard input. ``/_control`` (POST, JSON) says who signs in next and what goes wrong. Everything
else is as in the specification: discovery, an authorization page, codes that work once and only
with the verifier of PKCE, tokens signed with RS256, and a userinfo endpoint.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, Response, jsonify, redirect, request
from jwt.algorithms import RSAAlgorithm
from werkzeug.serving import make_server

CLIENT_ID, CLIENT_SECRET = "console", "provider-secret"


class Provider:
    """Who signs in, and what was given out."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.other_key = rsa.generate_private_key(65537, 2048)
        self.address = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.settings: dict[str, object] = {}

    def metadata(self) -> dict[str, object]:
        return {
            "issuer": self.settings.get("issuer", self.address),
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "userinfo_endpoint": f"{self.address}/userinfo",
            "jwks_uri": f"{self.address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def claims(self) -> dict[str, object]:
        person = {
            "sub": "p1",
            "email": "pat@corp.example",
            "email_verified": True,
            "name": "Pat Person",
            "groups": [],
        }
        return {**person, **self.settings.get("claims", {})}  # type: ignore[dict-item]

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        content = {
            "iss": self.address,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **{k: v for k, v in self.claims().items() if k not in self.settings.get("late", ())},  # type: ignore[operator]
            **self.settings.get("token", {}),  # type: ignore[dict-item]
        }
        key = self.other_key if self.settings.get("wrong_key") else self.key
        algorithm = str(self.settings.get("algorithm", "RS256"))
        return jwt.encode(
            content,
            "" if algorithm == "none" else key,
            algorithm,
            headers={"kid": "k1"},
        )


def create_app(provider: Provider) -> Flask:  # noqa: C901 - one small function a route
    app = Flask("provider")

    @app.post("/_control")
    def control() -> Response:
        provider.settings = request.get_json()
        return jsonify(done=True)

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        return jsonify(provider.metadata())

    @app.get("/keys")
    def keys() -> Response:
        key = json.loads(RSAAlgorithm.to_jwk(provider.key.public_key()))
        return jsonify(keys=[{**key, "kid": "k1", "alg": "RS256", "use": "sig"}])

    @app.get("/authorize")
    def authorize() -> Response:
        asked = request.args
        if provider.settings.get("denies"):
            query = urlencode({"error": "access_denied", "state": asked["state"]})
            return redirect(f"{asked['redirect_uri']}?{query}")  # type: ignore[return-value]
        assert asked["code_challenge_method"] == "S256" and asked["client_id"] == CLIENT_ID
        code = secrets.token_urlsafe()
        provider.codes[code] = dict(asked)
        query = urlencode({"code": code, "state": provider.settings.get("state", asked["state"])})
        # As a page, as with real providers: the person clicks.
        target = f"{asked['redirect_uri']}?{query}"
        return Response(f'<title>Provider</title><a id="go" href="{target}">Sign in</a>')

    @app.post("/token")
    def token() -> tuple[Response, int]:
        basic = request.authorization
        grant = provider.codes.pop(request.form["code"], None)
        if grant is None or basic is None:
            return jsonify(error="invalid_grant"), 400
        digest = hashlib.sha256(request.form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        fits = (
            challenge == grant["code_challenge"]
            and grant["redirect_uri"] == request.form["redirect_uri"]
            and (basic.username, basic.password) == (CLIENT_ID, CLIENT_SECRET)
        )
        if not fits:
            return jsonify(error="invalid_grant"), 400
        nonce = str(provider.settings.get("nonce", grant["nonce"]))
        return jsonify(
            access_token="at", token_type="Bearer", id_token=provider.id_token(nonce)
        ), 200

    @app.get("/userinfo")
    def userinfo() -> tuple[Response, int]:
        if request.headers.get("Authorization") != "Bearer at":
            return jsonify(error="invalid_token"), 401
        return jsonify(provider.claims()), 200

    return app


def main(ready: Path) -> None:
    provider = Provider()
    server = make_server("127.0.0.1", 0, create_app(provider), threaded=True)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ready.write_text(provider.address)
    sys.stdin.read()  # Ends with whoever started it.
    server.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
