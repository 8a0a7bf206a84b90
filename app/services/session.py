"""Signing in with a PIN, and being locked out after too many wrong ones."""

from __future__ import annotations

from typing import NoReturn

from app.domain.people import Person
from app.errors import Code, RuleBroken
from app.ports import Clock, SignInRecord, Store, UnitOfWork
from app.wire.pins import check_pin_form, pin_matches

FREE_TRIES = 5
FIRST_LOCK_MS = 60_000
LONGEST_LOCK_MS = 3_600_000


class Session:
    """Who may use the till."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def people(self) -> tuple[Person, ...]:
        """Return everyone who may sign in."""
        return tuple(person for person in self._store.reader.people() if person.active)

    def sign_in(self, person_id: str, pin: str) -> Person:
        """Return the person whose PIN this is. Waits on purpose (argon2id): call it off the GUI thread.

        Raises RuleBroken: PIN_INVALID for anything but 4–8 digits, PERSON_UNKNOWN, PIN_WRONG
        (`tries_left`), PIN_LOCKED (`seconds`). Five wrong tries lock for a minute, each further one
        doubles it up to an hour; the count survives a restart.
        """
        check_pin_form(pin)
        known = self._record(person_id)
        seconds = self._seconds_left(known)
        if seconds:
            self._shorten_impossible_lock(known)
            raise RuleBroken(Code.PIN_LOCKED, seconds=seconds)
        if not pin_matches(pin, known.pin_hash):
            self._refuse(person_id)
        if known.failures:
            self._store.run(lambda uow: uow.note_sign_in(person_id, 0, 0)).result()
        return known.person

    def locked_seconds(self, person_id: str) -> int:
        """Return for how many seconds a person is still locked out, 0 if not."""
        known = self._store.reader.sign_in_record(person_id)
        return self._seconds_left(known) if known else 0

    def _record(self, person_id: str) -> SignInRecord:
        known = self._store.reader.sign_in_record(person_id)
        if known is None or not known.person.active:
            raise RuleBroken(Code.PERSON_UNKNOWN)
        return known

    def _seconds_left(self, known: SignInRecord) -> int:
        left = known.locked_until_ms - self._clock.now().server_ms
        return max(0, -(-min(left, LONGEST_LOCK_MS) // 1000))

    def _shorten_impossible_lock(self, known: SignInRecord) -> None:
        """A lock beyond the longest one means that the clock was turned back: start it anew, or it
        would never end."""
        latest = self._clock.now().server_ms + LONGEST_LOCK_MS
        if known.locked_until_ms > latest:
            who, failures = known.person.person_id, known.failures
            self._store.run(lambda uow: uow.note_sign_in(who, failures, latest)).result()

    def _refuse(self, person_id: str) -> NoReturn:
        """Count a wrong PIN before saying so; on the store thread, so that no try goes uncounted."""

        def job(uow: UnitOfWork) -> tuple[int, int]:
            failures = self._record(person_id).failures + 1
            lock_ms = lock_after(failures)
            until = self._clock.now().server_ms + lock_ms if lock_ms else 0
            uow.note_sign_in(person_id, failures, until)
            return failures, lock_ms

        failures, lock_ms = self._store.run(job).result()
        if lock_ms:
            raise RuleBroken(Code.PIN_LOCKED, seconds=lock_ms // 1000)
        raise RuleBroken(Code.PIN_WRONG, tries_left=FREE_TRIES - failures)


def lock_after(failures: int) -> int:
    """Return for how many milliseconds so many wrong PINs in a row lock."""
    over = failures - FREE_TRIES
    return min(FIRST_LOCK_MS << min(over, 10), LONGEST_LOCK_MS) if over >= 0 else 0
