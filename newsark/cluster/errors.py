"""What can go wrong with a cluster; part of the tree in storage/errors.py."""

from __future__ import annotations

from storage.errors import NewsarkError, WrongUse


class NoCluster(WrongUse):
    """No Ray cluster can be used at `address`; `problem` is why, and what to do."""

    def __init__(self, address: str, problem: str) -> None:
        self.address, self.problem = address, problem
        super().__init__(f"--cluster {address}: {problem}")


class ClusterMismatch(WrongUse):
    """A machine of a cluster differs from the one where the command was given: its `what` is `theirs`, not `ours`."""

    def __init__(self, machine: str, what: str, theirs: str, ours: str) -> None:
        self.machine, self.what, self.theirs, self.ours = machine, what, theirs, ours
        differs = f"{machine}: its {what} is {theirs}, here it is {ours}"
        super().__init__(f"{differs}; install the same Newsark on every machine, and let all reach the same catalogue")


class NotDoneThere(NewsarkError):
    """No worker of a cluster did what it was given; `problem` is what the last one said. It is done here."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"no worker did it: {problem}")


class WorkerFailed(NewsarkError):
    """A worker on that `machine` of a cluster cannot do what it is for; `problem` is what it says, with its cure."""

    def __init__(self, machine: str, problem: str) -> None:
        self.machine, self.problem = machine, problem
        super().__init__(f"on {machine}: {problem}")
