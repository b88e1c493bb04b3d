"""The accounts server, and what the API makes of tokens."""

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlencode, urlsplit

TOKEN = "/oauth/v2/token"
CLIENT = {"client_id": "1000.DEMO", "client_secret": "demo-secret"}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "1000.demo.refresh", **CLIENT}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LEADS = "/crm/v8/Leads?fields=Last_Name&per_page=1"
REDIRECT = "http://localhost:8080/callback"


def ask(api, path=TOKEN, **fields):
    answer = api.call("POST", path, body=urlencode(fields).encode(), headers=FORM)
    assert answer.status == 200, (answer.status, answer.body)
    return answer.json


def sound(api, json, refresh=False):
    assert json["token_type"] == "Bearer" and json["expires_in"] == 3600 and json["scope"], json
    assert json["api_domain"] == api.emulator.url, json
    assert ("refresh_token" in json) is refresh, json
    assert api.call("GET", LEADS, token=json["access_token"]).status == 200
    return json


def refused(name, error, **changes):
    fields = {key: value for key, value in {**REFRESH, **changes}.items() if value is not None}

    def run(api):
        assert ask(api, **fields) == {"error": error}

    return {"name": "oauth: refused with status 200: " + name, "run": run}


def as_form(api):
    sound(api, ask(api, **REFRESH))


def as_query(api):
    answer = api.call("POST", TOKEN + "?" + urlencode(REFRESH), headers={"Content-Length": "0"})
    sound(api, answer.json)


def as_multipart(api):
    body = "".join('--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % item for item in REFRESH.items())
    answer = api.call("POST", TOKEN, body=(body + "--x--\r\n").encode(),
                      headers={"Content-Type": "multipart/form-data; boundary=x"})
    sound(api, answer.json)


def throttled(api):
    for _ in range(10):
        assert "access_token" in ask(api, **REFRESH)
    answer = api.call("POST", TOKEN, body=urlencode(REFRESH).encode(), headers=FORM)
    assert answer.status in (200, 400) and answer.json["error"] == "Access Denied", answer.body
    assert answer.json["status"] == "failure" and answer.json["error_description"], answer.json
    api.admin("settings", {"advance_s": 601})
    assert "access_token" in ask(api, **REFRESH)


def fifteen_live(api):
    tokens = [ask(api, **REFRESH)["access_token"] for _ in range(16)]
    assert api.call("GET", LEADS, token=tokens[0]).status == 401
    for token in tokens[1:]:
        assert api.call("GET", LEADS, token=token).status == 200


def consent(api, **more):
    """The code that the browser brings back."""
    query = {"response_type": "code", "client_id": CLIENT["client_id"], "redirect_uri": REDIRECT,
             "scope": "ZohoCRM.modules.ALL", "access_type": "offline", "state": "a b", **more}
    answer = api.call("GET", "/oauth/v2/auth?" + urlencode(query))
    assert answer.status == 302, (answer.status, answer.body)
    back = answer.headers["location"]
    assert back.startswith(REDIRECT + "?"), back
    got = parse_qs(urlsplit(back).query)
    assert got["state"] == ["a b"], back
    return got


def exchange(api, code, **more):
    return ask(api, grant_type="authorization_code", redirect_uri=REDIRECT, code=code, **CLIENT, **more)


def browser(api):
    got = consent(api)
    assert got["accounts-server"] == [api.emulator.url] and got["location"] == ["us"], got
    json = sound(api, exchange(api, got["code"][0]), refresh=True)
    assert json["scope"] == "ZohoCRM.modules.ALL", json
    assert exchange(api, got["code"][0]) == {"error": "invalid_code"}, "a code works once"
    sound(api, ask(api, **{**REFRESH, "refresh_token": json["refresh_token"]}))
    online = exchange(api, consent(api, access_type="online")["code"][0])
    assert "access_token" in online and "refresh_token" not in online, online


def wrong_redirect(api):
    code = consent(api)["code"][0]
    assert ask(api, grant_type="authorization_code", redirect_uri="http://localhost:1/", code=code,
               **CLIENT) == {"error": "invalid_redirect_uri"}


def code_expires(api):
    code = consent(api)["code"][0]
    api.admin("settings", {"advance_s": 181})
    assert exchange(api, code) == {"error": "invalid_code"}


def pkce(api):
    verifier = "v" * 50
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    for given, works in ((verifier, True), ("w" * 50, False)):
        code = consent(api, code_challenge=challenge, code_challenge_method="S256")["code"][0]
        assert ("access_token" in exchange(api, code, code_verifier=given)) is works


def denied(api):
    assert consent(api)["error"] == ["access_denied"]


def asked(api):
    """The consent page, and its buttons."""
    query = {"response_type": "code", "client_id": CLIENT["client_id"], "redirect_uri": REDIRECT, "scope": "a<b",
             "access_type": "offline", "state": "s"}
    for button, key in (("accept", "code"), ("reject", "error")):
        page = api.call("GET", "/oauth/v2/auth?" + urlencode(query))
        assert page.status == 200 and b"a&lt;b" in page.body, (page.status, page.body)
        ask_id = re.search(rb'name="ask" value="([^"]+)"', page.body)[1].decode()
        assert exchange(api, ask_id) == {"error": "invalid_code"}, "not before the button"
        page = api.call("GET", "/oauth/v2/auth?" + urlencode(query))
        ask_id = re.search(rb'name="ask" value="([^"]+)"', page.body)[1].decode()
        press = "/oauth/v2/consent?" + urlencode({"ask": ask_id, "answer": button})
        answer = api.call("GET", press)
        assert answer.status == 302 and key in parse_qs(urlsplit(answer.headers["location"]).query), answer.headers
        assert api.call("GET", press).json == {"error": "invalid_request"}, "a button works once"


def device_page(api):
    for button, error in (("accept", None), ("reject", "access_denied")):
        json = ask(api, "/oauth/v3/device/code", client_id=CLIENT["client_id"], grant_type="device_request", scope="x")
        poll = {"grant_type": "device_token", "code": json["device_code"], **CLIENT}
        assert ask(api, "/oauth/v3/device/token", **poll) == {"error": "authorization_pending"}
        page = "/oauth/v3/device?" + urlencode({"user_code": json["user_code"]})
        assert b"accept" in api.call("GET", page).body
        assert b"Thank you" in api.call("GET", page + "&answer=" + button).body
        assert ask(api, "/oauth/v3/device/token", **poll).get("error") == error


def device(api):
    json = ask(api, "/oauth/v3/device/code", client_id=CLIENT["client_id"], grant_type="device_request",
               scope="ZohoCRM.modules.ALL", access_type="offline")
    assert json["user_code"] and json["interval"] >= 1000 and json["expires_in"] == 300000, json
    assert json["user_code"] in json["verification_uri_complete"], json

    def poll():
        return ask(api, "/oauth/v3/device/token", grant_type="device_token", code=json["device_code"], **CLIENT)

    for state, error in (("pending", "authorization_pending"), ("slow_down", "slow_down"), ("deny", "access_denied")):
        api.admin("settings", {"device": state})
        assert poll() == {"error": error}
    api.admin("settings", {"device": ""})
    sound(api, poll(), refresh=True)
    assert poll() == {"error": "invalid_code"}


def device_expires(api):
    json = ask(api, "/oauth/v3/device/code", client_id=CLIENT["client_id"], grant_type="device_request", scope="x")
    api.admin("settings", {"advance_s": 301})
    assert ask(api, "/oauth/v3/device/token", grant_type="device_token", code=json["device_code"],
               **CLIENT) == {"error": "expired"}


def credentials(api):
    sound(api, ask(api, grant_type="client_credentials", scope="ZohoCRM.modules.ALL", soid="ZohoCRM.7010000000900",
                   **CLIENT))


def revoked(api):
    token = ask(api, **REFRESH)["access_token"]
    answer = api.call("POST", TOKEN + "/revoke?token=1000.demo.refresh", headers={"Content-Length": "0"})
    assert answer.json == {"status": "success"}, answer.body
    assert api.call("GET", LEADS, token=token).status == 401
    assert ask(api, **REFRESH) == {"error": "invalid_code"}


def expires(api):
    assert api.call("GET", LEADS).status == 200
    api.admin("settings", {"advance_s": 3601})
    answer = api.call("GET", LEADS)
    assert answer.status == 401 and answer.json["code"] == "INVALID_TOKEN", answer.body


def other_users(api):
    token = api.mint(refresh_token="1000.user2.refresh")["access_token"]
    users = api.call("GET", "/crm/v8/users?type=CurrentUser", token=token).json["users"]
    assert users[0]["id"] != api.call("GET", "/crm/v8/users?type=CurrentUser").json["users"][0]["id"]


def narrow(api, scope):
    """A token with only this scope."""
    return ask(api, grant_type="client_credentials", scope=scope, **CLIENT)["access_token"]


ENOUGH = [
    ("ZohoCRM.modules.leads.READ", "GET", "/crm/v8/Leads?fields=Last_Name", None, True),
    ("ZohoCRM.modules.leads.ALL", "GET", "/crm/v8/Leads?fields=Last_Name", None, True),
    ("ZohoCRM.modules.READ", "GET", "/crm/v8/Leads?fields=Last_Name", None, True),
    ("ZohoCRM.modules.leads.READ", "GET", "/crm/v8/Contacts?fields=Last_Name", None, False),
    ("ZohoCRM.modules.leads.READ", "POST", "/crm/v8/Leads", {"data": [{"Last_Name": "S"}]}, False),
    ("ZohoCRM.modules.leads.CREATE", "POST", "/crm/v8/Leads", {"data": [{"Last_Name": "S"}]}, True),
    ("ZohoCRM.modules.leads.WRITE", "POST", "/crm/v8/Leads", {"data": [{"Last_Name": "S"}]}, True),
    ("ZohoCRM.modules.custom.READ", "GET", "/crm/v8/Projects?fields=Name", None, True),
    ("ZohoCRM.modules.ALL", "GET", "/crm/v8/Leads/search?word=abc", None, False),
    ("ZohoCRM.modules.ALL,ZohoSearch.securesearch.READ", "GET", "/crm/v8/Leads/search?word=abc", None, True),
    ("ZohoCRM.modules.ALL", "POST", "/crm/v8/coql", {"select_query": "select id from Leads where id > 0"}, False),
    ("ZohoCRM.modules.ALL", "GET", "/crm/v8/settings/modules", None, False),
    ("ZohoCRM.settings.modules.READ", "GET", "/crm/v8/settings/modules", None, True),
    ("ZohoCRM.settings.ALL", "GET", "/crm/v8/settings/fields?module=Leads", None, True),
    ("ZohoCRM.modules.ALL", "GET", "/crm/v8/users", None, False),
    ("ZohoCRM.users.READ", "GET", "/crm/v8/users", None, True),
    ("ZohoCRM.modules.ALL", "GET", "/crm/v8/org", None, False),
    ("ZohoCRM.modules.ALL", "GET", "/crm/v8/actions/watch", None, False),
    ("ZohoCRM.notifications.READ", "GET", "/crm/v8/actions/watch", None, True),
    ("ZohoCRM.modules.ALL", "GET", "/crm/bulk/v8/read/1", None, False),
    ("ZohoCRM.modules.ALL", "POST", "/crm/v8/upload", None, False),
]


def scopes(api):
    for scope, method, path, data, enough in ENOUGH:
        answer = api.call(method, path, data, token=narrow(api, scope))
        assert (answer.status < 300) is enough, (scope, method, path, answer.status, answer.body)
        if not enough:
            assert answer.status == 403 and answer.json["code"] == "OAUTH_SCOPE_MISMATCH", answer.body


def scope_as_401(api):
    answer = api.call("GET", "/crm/v8/org", token=narrow(api, "ZohoCRM.modules.ALL"))
    assert answer.status == 401 and answer.json["code"] == "OAUTH_SCOPE_MISMATCH", answer.body


def flow(name, run, **more):
    return {"name": "oauth: " + name, "run": run, **more}


def unauthorized(name, code, **headers):
    return {"name": "oauth: 401: " + name, "path": LEADS, "token": None, "headers": headers, "expect_status": 401,
            "expect": {"code": code, "details": {}, "status": "error"}}


CASES = [
    flow("refresh as a form", as_form),
    flow("refresh in the query", as_query),
    flow("refresh as multipart", as_multipart),
    flow("ten tokens in ten minutes", throttled),
    flow("the sixteenth token ends the first", fifteen_live, settings={"token_mints": 0}),
    flow("browser, code, refresh token", browser),
    flow("another redirect_uri", wrong_redirect),
    flow("a code lives three minutes", code_expires),
    flow("PKCE", pkce),
    flow("the user says no", denied, settings={"consent": "deny"}),
    flow("the user is asked", asked, settings={"consent": "page"}),
    flow("a device", device),
    flow("the page for a device's code", device_page, settings={"device": "pending"}),
    flow("a device's code ends", device_expires),
    flow("client credentials", credentials),
    flow("revoking", revoked),
    flow("a token lives an hour", expires),
    flow("tokens of other users", other_users),
    flow("scopes: just enough, and not enough", scopes),
    flow("a scope that is missing as 401 (C3)", scope_as_401, settings={"scope_status": 401}),
    refused("another client", "invalid_client", client_id="1000.OTHER"),
    refused("another secret", "invalid_client_secret", client_secret="nope"),
    refused("another refresh token", "invalid_code", refresh_token="1000.nope"),
    refused("no refresh token", "invalid_code", refresh_token=None),
    refused("another code", "invalid_code", grant_type="authorization_code", code="nope", redirect_uri=REDIRECT),
    refused("credentials without scope", "invalid_scope", grant_type="client_credentials"),
    unauthorized("no Authorization", "AUTHENTICATION_FAILURE"),
    unauthorized("another scheme", "AUTHENTICATION_FAILURE", Authorization="Bearer 1000.x.y"),
    unauthorized("an unknown token", "INVALID_TOKEN", Authorization="Zoho-oauthtoken 1000.x.y"),
]
