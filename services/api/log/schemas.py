"""The log: checkpoints, proofs, and the steps of a history."""

from __future__ import annotations

from marshmallow import fields

from services.api.answers import Answer, list_of, text, whole_number


class CheckpointSchema(Answer):
    """A checkpoint of C2SP tlog-checkpoint, whole in ``note`` and read in the other members."""

    size = whole_number()
    made_at = text()
    note = text("the signed note")


class CheckpointsSchema(Answer):
    """A page of checkpoints, by size."""

    items = list_of(CheckpointSchema)
    next = fields.String(required=True, allow_none=True)


class ProofSchema(Answer):
    """An inclusion proof of RFC 9162; hashes in hexadecimal."""

    position = whole_number()
    size = whole_number()
    leaf = text()
    path = fields.List(fields.String(), required=True)


class ConsistencySchema(Answer):
    """A consistency proof of RFC 9162; hashes in hexadecimal."""

    first = whole_number()
    second = whole_number()
    path = fields.List(fields.String(), required=True)


class KeysSchema(Answer):
    """Public keys that verify the checkpoints, as C2SP signed-note writes them, today's first.

    Behind one that was replaced stands ``@size:root``, where it ends.
    """

    keys = fields.List(fields.String(), required=True)
    proofs = fields.List(fields.String(), required=True)
    statements = fields.List(fields.String(), required=True)


class LeafSchema(Answer):
    """What the leaf of one event is hashed from."""

    position = whole_number()
    originator = text()
    version = whole_number()
    topic = text()
    salt = text("hexadecimal")
    state = text("the stored bytes, in base64")
