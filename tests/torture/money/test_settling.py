"""The judge at the end of a run sees what it is there to see."""

from __future__ import annotations

from tests.torture.invariants import Kind
from tests.torture.money.ledgers import Account
from tests.torture.money.settling import of_account


def account(*, sold: int, returned: int, not_come: int = 0) -> Account:
    """A payment of 100, of which all went back, for what its till says in its documents."""
    return Account(
        "a",
        held={("alipay", "p"): 100},
        booked={("alipay", "p"): 100},
        went_back=100,
        booked_back=100,
        cloud_state="confirmed",
        cloud_received=100,
        due=100,
        sold_at_cloud=sold,
        returned_at_cloud=returned,
        not_come=not_come,
        missed=not_come,
    )


def kinds(judged: Account) -> list[Kind]:
    return [harm.kind for harm in of_account(judged)]


def test_what_was_sold_and_returned_is_sound():
    assert kinds(account(sold=100, returned=100)) == []


def test_more_returned_than_was_sold_is_a_harm():
    assert kinds(account(sold=0, returned=100)) == [Kind.LOST]
    assert kinds(account(sold=60, returned=100)) == [Kind.LOST]


def test_a_return_that_is_a_task_may_lack_its_sale():
    assert kinds(account(sold=100, returned=0, not_come=100)) == []
    assert kinds(account(sold=0, returned=0, not_come=100)) == []
    assert kinds(account(sold=0, returned=40, not_come=60)) == [Kind.LOST]
