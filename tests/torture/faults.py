"""The faults that this project injects on purpose, by number, in our own words.

`part` names who answers for a fault that belongs to a part of the shop built elsewhere; the others
must each be injected by a test that carries the marker `fault(number, what the user sees)`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong."""

    what: str
    part: str = ""


FAULTS: dict[int, Fault] = {
    1: Fault("The till is killed at any step of a sale"),
    2: Fault("The till is killed after a sale is recorded and before the screen says so"),
    3: Fault("The power fails: whatever the disk had not synced is gone"),
    4: Fault("A page of the file is torn, or written in another one's place"),
    5: Fault("A bit rots in the body of a journal record"),
    6: Fault("The disk is full"),
    7: Fault("The file or its folder can only be read"),
    8: Fault("The disk reports that a sync failed"),
    9: Fault("Another program holds the file: a backup, a virus scanner"),
    10: Fault("The tablet's clock is years behind or ahead"),
    11: Fault("The clock jumps while a cart is open: set by hand, summer time, leap second"),
    12: Fault("The cloud took a batch, but its answer was lost"),
    13: Fault("A request is lost, or only half of it arrives"),
    14: Fault("Batches arrive in another order, or once more days later"),
    15: Fault("Two processes or threads sync the same till at once"),
    16: Fault("The cloud answers 500, 502 or 503 for a long time"),
    17: Fault("The line is slow and loses packets"),
    18: Fault("A captive portal answers in the cloud's place"),
    19: Fault("The cloud's certificate is expired, of another host, of an unknown issuer"),
    20: Fault("The cloud's name is not found, or a connection is half open"),
    21: Fault("The access token expires, or the device is revoked, in the middle of a batch"),
    22: Fault("The cloud is restored from an old backup"),
    23: Fault("The tablet is restored from an old backup"),
    24: Fault("Two tablets run under one identity"),
    25: Fault("A record comes with a known id and other content"),
    26: Fault("Somebody changes a row of the journal"),
    27: Fault("A record that can never be applied: unknown goods, absurd figures, huge text"),
    28: Fault("Records of a kind the cloud does not know yet; rows the till does not know yet"),
    29: Fault("The store was written by a newer program"),
    30: Fault("The till is killed during a migration or the first download"),
    31: Fault("A hundred thousand sales wait to be sent"),
    32: Fault("A slow writer commits behind a feed that has moved on"),
    33: Fault("Two tablets sell the last piece while offline"),
    34: Fault("A provider's notice comes many times and out of order"),
    35: Fault("One order is paid twice"),
    36: Fault("Money comes after expiry, or while a payment is being cancelled"),
    37: Fault("A notice is forged or names another amount"),
    38: Fault("Goods are given back offline and then again elsewhere"),
    39: Fault("A coupon or points are spent twice offline", "payments"),
    40: Fault("A member is erased while a tablet is offline"),
    41: Fault("The keyring is locked or gone when the till starts"),
    42: Fault("The printer dies after the sale is recorded", "counter"),
}
