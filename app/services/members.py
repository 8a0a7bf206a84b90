"""Members at the till: finding them, letting them join, changing a field. Works offline."""

from __future__ import annotations

from concurrent.futures import Future

import msgspec

from app.domain.ids import new_id
from app.domain.member import MAX_NAME, MAX_NOTE, Member, clean_text, normal_phone
from app.domain.people import Person, Role
from app.errors import Code, RuleBroken
from app.ports import Clock, Store, UnitOfWork
from app.services.standing import refuse_revoked
from app.wire.messages import MemberChange

FIRST_TIER = "normal"


class Members:
    """The job of knowing the customer. Look-ups never wait; changes answer by future."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def find(self, text: str, limit: int = 20) -> tuple[Member, ...]:
        """Return members by phone, name, pinyin or initials."""
        return self._store.reader.find_members(text.strip()[:60], limit)

    def get(self, member_ref: str) -> Member | None:
        """Return one member."""
        return self._store.reader.member(member_ref)

    def join(self, name: str, phone: str, note: str = "") -> Future[Member]:
        """Make a new member, now and here; the cloud hears of it by the members' queue.

        Raises RuleBroken: TEXT_* for the name or note, PHONE_INVALID, MEMBER_EXISTS if this till
        knows the phone already.
        """
        name = clean_text(name, limit=MAX_NAME, required=True)
        note = clean_text(note, limit=MAX_NOTE)
        number = normal_phone(phone)
        if any(known.phone == number for known in self._store.reader.find_members(number, 5)):
            raise RuleBroken(Code.MEMBER_EXISTS)
        member = Member(new_id(), name, number, FIRST_TIER, note=note)
        fields = {"name": name, "phone": number, "tier": FIRST_TIER, "note": note}
        change = self._change(member, "join", msgspec.json.encode(fields).decode())

        def job(uow: UnitOfWork) -> Member:
            refuse_revoked(uow)
            uow.change_member(change)
            return member

        return self._store.run(job)

    def rename(self, member: Member, name: str) -> Future[None]:
        """Change a member's name."""
        value = clean_text(name, limit=MAX_NAME, required=True)
        return self._put(self._change(member, "name", value))

    def set_note(self, member: Member, note: str) -> Future[None]:
        """Change the note about a member; it is personal data and never enters a fact."""
        return self._put(self._change(member, "note", clean_text(note, limit=MAX_NOTE)))

    def erase(self, member: Member, manager: Person) -> Future[None]:
        """Erase a person: here at once, at the cloud and on every other till as soon as they hear of it.
        Facts keep the random reference and lose whose it was (PIPL, article 47).

        Raises RuleBroken(MANAGER_NEEDED), and through the future Trouble(DEVICE_REVOKED).
        """
        if manager.role is not Role.MANAGER:
            raise RuleBroken(Code.MANAGER_NEEDED)
        return self._put(self._change(member, "erase", ""))

    def _put(self, change: MemberChange) -> Future[None]:
        def job(uow: UnitOfWork) -> None:
            refuse_revoked(uow)
            uow.change_member(change)

        return self._store.run(job)

    def _change(self, member: Member, field: str, value: str) -> MemberChange:
        return MemberChange(
            change_id=new_id(),
            member_ref=member.member_ref,
            field=field,
            value=value,
            base_revision=member.revision,
            t_ms=self._clock.now().server_ms,
        )
