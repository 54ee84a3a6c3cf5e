"""The pages, one module for each section."""

from services.console.pages import enterprises, home, year

MODULES = (home, year, enterprises)
