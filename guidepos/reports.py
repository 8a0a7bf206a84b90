"""What the cloud reports to an enrolled till: sales per day, commission entries."""

from __future__ import annotations

from app.remote.cloud import EnrolledCloud
from app.remote.http import Question
from app.wire.messages import CommissionReport, SalesReport


def sales(cloud: EnrolledCloud, first: str, last: str) -> SalesReport:
    """Return sales per trading day, both days included (ISO 8601)."""
    question = Question("GET", "/v1/reports/sales", params={"from": first, "to": last})
    return cloud.ask(question, SalesReport)


def commissions(cloud: EnrolledCloud, first: str, last: str) -> CommissionReport:
    """Return the commission entries of the days, both included (ISO 8601)."""
    question = Question("GET", "/v1/reports/commissions", params={"from": first, "to": last})
    return cloud.ask(question, CommissionReport)
