"""The pages, one module for each section."""

from services.console.pages import claims, enterprises, home, refused, year

MODULES = (home, year, enterprises, claims, refused)
