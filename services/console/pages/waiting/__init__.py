"""The page of steps that need two persons."""

from services.console.pages.waiting import steps

__all__ = ["steps"]
