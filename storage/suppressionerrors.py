"""What can be wrong with a wish to suppress something or to lift a suppression."""

from __future__ import annotations

from storage.errors import WrongUse


class NothingMatches(WrongUse):
    """Nothing that is kept is named so; `cure` says how to find its name."""

    def __init__(self, named: str, cure: str) -> None:
        self.named, self.cure = named, cure
        super().__init__(f"nothing is kept by the name {named!r}; {cure}")


class AlreadySuppressed(WrongUse):
    """It is suppressed already, by the suppression `id`."""

    def __init__(self, named: str, suppression_id: str) -> None:
        self.named, self.id = named, suppression_id
        super().__init__(
            f"{named} is suppressed already, by {suppression_id}; to change its reason or end, lift it first: "
            f"newsark suppress --lift {suppression_id}"
        )


class NotSuppressed(WrongUse):
    """No suppression in force is named so."""

    def __init__(self, named: str) -> None:
        self.named = named
        super().__init__(f"{named} is not suppressed; newsark suppress list shows what is")


class IsSuppressed(WrongUse):
    """It is kept and not shown. Only operators ask here, so it is said."""

    def __init__(self, named: str) -> None:
        self.named = named
        super().__init__(
            f"{named} is suppressed: newsark suppress list says why, newsark show --suppressed shows it all the same"
        )


class AmbiguousName(WrongUse):
    """Several articles are named so; `ids` are records of each."""

    def __init__(self, named: str, ids: list[str]) -> None:
        self.named, self.ids = named, ids
        super().__init__(f"{named} names {len(ids)} articles; name one by its record's id: {', '.join(ids)}")
