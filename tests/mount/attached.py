"""What a lead has attached, as the CRM tells and takes it behind the mount's back."""
import json

from harness import check


class Attached:
    """The attachments of lead @record."""

    def __init__(self, server, record):
        self.server, self.record = server, record

    def call(self, method, path, body=None, headers=None):
        status, text = self.server.request(method, f"/crm/v8/Leads/{self.record}/Attachments{path}", body, {
            "Authorization": f"Zoho-oauthtoken {self.server.token()}", **(headers or {})})
        check(status in (200, 204), f"{method} {path}: {status} {text[:300]}")
        return text

    def attach(self, name, text):
        """Behind the mount's back. Returns the id."""
        body = (f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + text
                + b"\r\n--b--\r\n")
        answer = self.call("POST", "", body, {"Content-Type": "multipart/form-data; boundary=b"})
        return json.loads(answer)["data"][0]["details"]["id"]
