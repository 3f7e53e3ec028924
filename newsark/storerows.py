"""Settings of a store, the same for the archive's own and for each replica."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class StoreRows(BaseModel):
    """How to reach and use one store. Only `accept_unsafe` means anything for a directory."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)

    endpoint_url: str | None = Field(
        None, description="Address of an S3-compatible server; without one it is as AWS's own settings say."
    )
    region: str | None = Field(None, description="Region of the bucket, where AWS's own settings do not say it.")
    profile: str | None = Field(None, description="Profile of AWS's own settings that holds the credentials.")
    storage_class: str | None = Field(None, description="Storage class of stored objects, such as STANDARD_IA.")
    server_side_encryption: Literal["AES256", "aws:kms"] | None = Field(
        None, description="Encryption that the server applies: AES256 or aws:kms."
    )
    kms_key_id: str | None = Field(None, description="Key for aws:kms, where it is not the account's own.")
    object_lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] | None = Field(
        None, description="Object Lock of stored objects: GOVERNANCE or COMPLIANCE."
    )
    object_lock_days: int | None = Field(None, ge=1, description="For how many days objects are locked.")
    store_patience_seconds: float = Field(
        30.0, gt=0, description="How long a request to a bucket is tried again before its objects wait for later."
    )
    accept_unsafe: bool = Field(
        False, description="Use the store although it breaks promises that `newsark doctor` names."
    )

    @model_validator(mode="after")
    def _lock_is_whole(self) -> Self:
        if (self.object_lock_mode is None) != (self.object_lock_days is None):
            raise ValueError("object_lock_mode and object_lock_days go together: set both, or neither")
        return self


class Replica(StoreRows):
    """A further store that holds everything."""

    place: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _from_place(cls, value: Any) -> Any:
        return {"place": value} if isinstance(value, str) else value
