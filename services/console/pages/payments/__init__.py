"""Paying a closed year: batches, the bank's files and answers, reconciliation, clawbacks, adjustments."""

from services.console.pages.payments import adjustments, batches, reconciliation, steps

__all__ = ["adjustments", "batches", "reconciliation", "steps"]
