"""What can be in the way of an erasure; each is found before anything is changed."""

from __future__ import annotations

from datetime import datetime

from storage.errors import StorageError, WrongUse


class Locked(WrongUse):
    """A store keeps an object until a time, whoever asks: `mode` is GOVERNANCE, COMPLIANCE or LEGAL HOLD."""

    def __init__(self, store: str, key: str, mode: str, until: datetime | None) -> None:
        self.store, self.key, self.mode, self.until = store, key, mode, until
        when = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
        cure = {
            "GOVERNANCE": "whoever has the right s3:BypassGovernanceRetention adds --bypass-governance",
            "LEGAL HOLD": "have the legal hold lifted first",
        }.get(mode, "nobody can delete it before, also not you, and nothing was changed; newsark suppress hides it")
        super().__init__(f"{key} in {store} is locked ({mode}){when}; {cure}")


class NotErasable(WrongUse):
    """It is kept in a way in which it cannot be taken out; `problem` says why and what to do."""

    def __init__(self, named: str, problem: str) -> None:
        self.named, self.problem = named, problem
        super().__init__(f"{named} cannot be erased: {problem}")


class NotConfirmed(WrongUse):
    """What was typed is not what was asked for; nothing was changed."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__(f"not confirmed: {wanted} was asked for; nothing was changed")


class ErasureUnfinished(WrongUse):
    """An erasure was begun and not ended: stores may still have what is to go."""

    def __init__(self, erasure_id: str) -> None:
        self.erasure_id = erasure_id
        super().__init__(f"erasure {erasure_id} is not finished; newsark erase --finish goes on with it")


class TooSmall(StorageError):
    """There is no room for a tombstone where the records stand: `length` bytes, and it takes `needed`."""

    def __init__(self, length: int, needed: int) -> None:
        self.length, self.needed = length, needed
        super().__init__(f"a tombstone takes {needed} bytes, and the records that are to go are {length} long")
