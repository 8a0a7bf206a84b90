"""Who pays inside WeChat: the openid of whoever has our page open (OAuth 2, scope snsapi_base).

The openid names a person to one app and nobody else; it is handed to the payment and never kept.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from cloud.gateways.base import unresolved
from cloud.gateways.line import Ask, LineBroken
from cloud.gateways.wechat.client import WechatClient


def authorize_url(client: WechatClient, back: str, state: str) -> str:
    """Return where to send the phone so that it comes back to `back` with a code. Nothing is asked of
    the customer (snsapi_base)."""
    account = client.account()
    query = urlencode(
        {
            "appid": account.appid,
            "redirect_uri": back,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
    )
    return f"{account.oauth_page}/connect/oauth2/authorize?{query}#wechat_redirect"


def openid(client: WechatClient, code: str) -> str:
    """Change a code (five minutes, once) for the payer's openid. Raises Trouble(PAYMENT_UNRESOLVED)."""
    account = client.account()
    query = urlencode(
        {
            "appid": account.appid,
            "secret": account.app_secret,
            "code": code,
            "grant_type": "authorization_code",
        }
    )
    try:
        got = client.line(Ask("GET", f"{account.oauth_url}/sns/oauth2/access_token?{query}"))
        told = json.loads(got.body)
    except (LineBroken, ValueError) as error:
        raise unresolved("wechat", "oauth: no answer") from error
    found = told.get("openid") if isinstance(told, dict) else None
    if got.status != 200 or not isinstance(found, str) or not found:
        said = told.get("errcode") if isinstance(told, dict) else ""
        raise unresolved("wechat", f"oauth: {said}")
    return found
