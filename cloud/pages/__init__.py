"""The pages a customer's phone sees: the order behind the QR, the cart, the receipt, the sandbox wallet."""

from __future__ import annotations

from fastapi import APIRouter

from cloud.pages import assets, customer, wallet

router = APIRouter(include_in_schema=False)
for part in (customer, wallet, assets):
    router.include_router(part.router)
