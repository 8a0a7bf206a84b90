"""Reports of the asking till's own store."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.wire.fees import FeeReport
from app.wire.messages import CommissionReport, SalesReport
from cloud.api.auth import CloudDep, CurrentDevice
from cloud.api.contract import answer, contract
from cloud.services.reconcile import fees
from cloud.services.reports import commission_report, sales_report, span_of_days

router = APIRouter(tags=["reports"])
_DATE = {"format": "date"}
First = Annotated[
    str, Query(alias="from", description="First trading day, ISO 8601", json_schema_extra=_DATE)
]
Last = Annotated[
    str, Query(alias="to", description="Last trading day, ISO 8601", json_schema_extra=_DATE)
]


@router.get(
    "/v1/reports/sales", **contract("Sales per trading day", answer=SalesReport, errors=(401, 403))
)
async def sales(cloud: CloudDep, device: CurrentDevice, first: First, last: Last) -> Response:
    """Days inclusive; amounts in minor units of the row's currency."""
    return answer(
        await cloud.db.aread(lambda connection: sales_report(connection, device, first, last))
    )


@router.get(
    "/v1/reports/commissions",
    **contract("Commission entries", answer=CommissionReport, errors=(401, 403)),
)
async def commissions(
    cloud: CloudDep, device: CurrentDevice, first: First, last: Last, guide: str = ""
) -> Response:
    """Every entry with what explains it, and the sums per guide. Days inclusive."""
    return answer(
        await cloud.db.aread(
            lambda connection: commission_report(connection, device, first, last, guide)
        )
    )


@router.get(
    "/v1/reports/fees",
    **contract("What each way of paying costs", answer=FeeReport, errors=(401, 403)),
)
async def paying_fees(cloud: CloudDep, device: CurrentDevice, first: First, last: Last) -> Response:
    """As billed on these days (inclusive); the cheapest way is marked."""
    span = span_of_days(first, last)
    report = await cloud.db.aread(
        lambda connection: fees.report(connection, device.tenant, *span, store=device.store)
    )
    return answer(report)
