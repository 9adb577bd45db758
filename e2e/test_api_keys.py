"""An API key from its form to its end, and what the audit log says about it."""

from playwright.sync_api import expect

from e2e.conftest import Desk
from e2e.test_pages import ADMIN, faults

AGENT = "agent@example.com"


def test_api_keys(desk: Desk) -> None:
    page, api = desk.page, desk.page.request
    name = f"Import of {desk.name}"

    desk.sign_in(AGENT)
    desk.go("/admin/accounts/user/me/")
    page.get_by_role("link", name="API keys").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Scope").select_option("Read")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", name="Your new key")).to_be_visible()
    key = page.locator("section code").inner_text()
    desk.screenshot("created")
    assert faults(page) == []

    bearer = {"Authorization": f"Bearer {key}"}
    assert api.get(f"{desk.site}/auth/me", headers=bearer).json()["email"] == AGENT
    assert api.post(f"{desk.site}/ticket", data={"title": "New"}, headers=bearer).status == 403

    page.reload()
    expect(page.get_by_role("rowheader", name=name)).to_be_visible()
    assert key not in page.content()
    desk.screenshot("listed")
    page.get_by_role("link", name=f"Revoke {name}").click()
    assert faults(page) == []
    desk.screenshot("revoke")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text(f"The key {name} was revoked.")).to_be_visible()
    assert api.get(f"{desk.site}/auth/me", headers=bearer).status == 401

    page.context.clear_cookies()
    desk.sign_in(ADMIN)
    desk.go("/admin/accounts/auditentry/")
    expect(page.get_by_text("API key revoked").first).to_be_visible()
    desk.screenshot("audit-log")
    assert faults(page) == []
    desk.go("/admin/accounts/apikey/")
    desk.screenshot("all-keys")
    assert faults(page) == []
